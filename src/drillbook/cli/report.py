"""`drillbook report`: a run as pages for people."""

from pathlib import Path
from typing import Annotated

import typer

from drillbook.cli.telling import say, tell_json
from drillbook.cli.usage import examples, new_app
from drillbook.cli.watch import RunId

app = new_app()


@app.command(epilog=examples("drillbook report r-7f3k2m", "drillbook report r-7f3k2m -o /tmp"))
def report(
    run: RunId,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The folder; reports/ in the home.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write a run as Markdown and as one HTML page."""
    from drillbook.cli.session import opened_runs
    from drillbook.web.report import write_report

    with opened_runs() as runs:
        written = write_report(runs, run, output or runs.store.home / "reports")
    if as_json:
        tell_json({"run": run, "files": [str(path) for path in written]})
        return
    for path in written:
        say(str(path))
