"""`drillbook help`: the help of a command, or the table of exit codes."""

from typing import Annotated

import typer

from drillbook.cli.exit_codes import shown
from drillbook.cli.table import COMMANDS
from drillbook.cli.telling import say
from drillbook.cli.usage import examples, new_app
from drillbook.core.errors import NotFound

TOPIC = "exit-codes"
app = new_app()


@app.command(epilog=examples("drillbook help run", "drillbook help exit-codes"))
def explain(
    context: typer.Context,
    topic: Annotated[str, typer.Argument(help="A command, or exit-codes.")] = "",
) -> None:
    """Explain a command, or what the exit codes mean."""
    group = context.parent
    if topic == TOPIC:
        say("Exit codes\n")
        say(shown())
    elif not topic and group is not None:
        say(group.get_help())
    elif topic in COMMANDS and group is not None:
        command = group.command.commands[topic]  # type: ignore[attr-defined]  # the parent is our LazyGroup
        with typer.Context(command, info_name=topic, parent=group) as inner:
            say(command.get_help(inner))
    else:
        from difflib import get_close_matches

        near = get_close_matches(topic, [*COMMANDS, TOPIC], n=1)
        hint = f"Did you mean {near[0]}?" if near else "See them all: drillbook --help"
        raise NotFound(f"there is no help on {topic!r}", hint=hint)
