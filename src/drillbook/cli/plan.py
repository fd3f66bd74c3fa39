"""`drillbook plan`: all that a run would do, changing nothing."""

from pathlib import Path
from typing import Annotated

import typer

from drillbook.cli.completing import complete_runbook
from drillbook.cli.telling import say, tell_json
from drillbook.cli.usage import examples, new_app

app = new_app()

RunbookName = Annotated[
    str,
    typer.Argument(help="A title, its slug, or its beginning.", autocompletion=complete_runbook),
]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", "-i", help="An input as name=value; a file by its path."),
]
BookFile = Annotated[
    Path | None, typer.Option("--book", "-b", help="The file to take the runbook from.")
]
Procedure = Annotated[
    str | None, typer.Option("--procedure", "-p", help="Which procedure; `rollback` is one too.")
]


@app.command(
    epilog=examples(
        "drillbook plan database-migration -i migration=add_index.sql",
        "drillbook plan backup-and-restore -p backup",
        'drillbook plan "High Error Rate" --book RUNBOOKS.md --json',
    )
)
def plan(
    runbook: RunbookName,
    inputs: Inputs = None,
    book: BookFile = None,
    procedure: Procedure = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show all that a run would do, and change nothing."""
    from drillbook.cli.plan_pages import plan_lines
    from drillbook.cli.planning import make_plan

    made = make_plan(runbook, inputs=inputs or (), book=book, procedure=procedure)
    if as_json:
        tell_json({"hash": made.hash, "plan": made.model_dump(mode="json")})
        return
    for line in plan_lines(made):
        say(line)
