"""`drillbook undo`: takes a run back, now if it is under way, as a run of its own afterwards."""

from typing import Annotated

import typer

from drillbook.cli.answer import Note
from drillbook.cli.usage import examples, new_app
from drillbook.cli.watch import RunId

app = new_app()


@app.command(epilog=examples("drillbook undo r-7f3k2m --note 'breaks the import job'"))
def undo(
    run: RunId,
    note: Note = "",
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Take it back in the background and end.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Take a run back."""
    from drillbook.cli.live.watching import after_start
    from drillbook.cli.session import opened_runs, who

    with opened_runs() as runs:
        after_start(runs, runs.undo(run, by=who(), note=note), detach=detach, as_json=as_json)
