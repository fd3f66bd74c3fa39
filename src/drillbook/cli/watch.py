"""`drillbook watch`: comes back to a run."""

from typing import Annotated

import typer

from drillbook.cli.completing import complete_run
from drillbook.cli.usage import examples, new_app

app = new_app()

RunId = Annotated[str, typer.Argument(help="The run's id.", autocompletion=complete_run)]


@app.command(epilog=examples("drillbook watch r-7f3k2m", "drillbook watch r-7f3k2m --json"))
def watch(
    run: RunId,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Come back to a run that goes on in the background."""
    from drillbook.cli.live.watching import watch_run
    from drillbook.cli.session import opened_runs

    with opened_runs() as runs:
        watch_run(runs, run, as_json=as_json, stay=True)
