"""`drillbook resume`: lets a run go on."""

from typing import Annotated

import typer

from drillbook.cli.usage import examples, new_app
from drillbook.cli.watch import RunId

app = new_app()


@app.command(epilog=examples("drillbook resume r-7f3k2m", "drillbook resume r-7f3k2m --detach"))
def resume(
    run: RunId,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Let it go on in the background and end.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Let a run that was stopped dead go on."""
    from drillbook.cli.live.watching import after_start
    from drillbook.cli.session import opened_runs

    with opened_runs() as runs:
        runs.resume(run)
        after_start(runs, run, detach=detach, as_json=as_json)
