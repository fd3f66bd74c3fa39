"""The command `drillbook`: the one place where errors become sentences and exit codes."""

import os
import sys
from typing import Annotated

import typer
import typer.main

from drillbook.cli.exit_codes import ExitCode, code_of
from drillbook.cli.lazy import LazyGroup, PipeClosedError
from drillbook.core.errors import DrillbookError

ABOUT = "Runbooks that run: Markdown carried out durably, with approvals and a way back."
EPILOG = "What the exit codes mean: drillbook help exit-codes"

app = typer.Typer(
    cls=LazyGroup,
    help=ABOUT,
    epilog=EPILOG,
    rich_markup_mode=None,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and end.")] = False,
) -> None:
    """Show the version, or help when no command is named."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"drillbook {installed('drillbook')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit


def main() -> None:
    """Run the command line and end the process with the code of its ending."""
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _pipe_closed()
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Carry one command line out and return its exit code."""
    command = typer.main.get_command(app)
    try:
        ended = command.main(args=arguments, prog_name="drillbook", standalone_mode=False)
        return int(ended or 0)
    except DrillbookError as error:
        return _expected(error, arguments)
    except typer.TyperException as error:
        return _wrong_usage(error, arguments)
    except (PipeClosedError, BrokenPipeError):
        return _pipe_closed()
    except (KeyboardInterrupt, EOFError, typer.Abort):
        print(file=sys.stderr)
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last border: nobody shall see a traceback
        from drillbook.cli.crash import written

        return _tell(written(error), ExitCode.ERRORS, arguments)


def _expected(error: DrillbookError, arguments: list[str]) -> int:
    return _tell(error, code_of(error), arguments)


def _wrong_usage(error: typer.TyperException, arguments: list[str]) -> int:
    from drillbook.cli.usage import hint_for, is_only_help

    if is_only_help(error):
        print(error.format_message(), file=sys.stderr)
        return error.exit_code
    said = DrillbookError(error.format_message(), hint=hint_for(error))
    return _tell(said, ExitCode(error.exit_code), arguments)


def _tell(error: DrillbookError, code: ExitCode, arguments: list[str]) -> int:
    from drillbook.cli.telling import tell_error

    try:
        tell_error(error, code, as_json="--json" in arguments)
    except BrokenPipeError:
        return _pipe_closed()
    return code


def _pipe_closed() -> int:
    # What is still buffered would raise again when the interpreter ends.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return ExitCode.PIPE_CLOSED
