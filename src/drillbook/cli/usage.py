"""What a wrong command line is answered with, and how examples stand in a command's help."""

import typer


def hint_for(error: typer.TyperException) -> str:
    """Return the command whose help explains what is allowed."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "drillbook"
    return f"See what is allowed: {path} --help"


def is_only_help(error: typer.TyperException) -> bool:
    """Whether a group was called without a command: its message is the help."""
    return type(error).__name__ == "NoArgsIsHelpError"


def new_app(**settings: bool) -> typer.Typer:
    """Return an empty app for one command or one group of commands."""
    return typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        **settings,  # type: ignore[arg-type]  # only flags are passed
    )


def examples(*lines: str) -> str:
    """Return an epilog that shows command lines as they are typed."""
    return "\b\n" + "\n".join(("Examples:", *(f"  {line}" for line in lines)))
