"""`drillbook cancel`: stop a run, and take it back unless told otherwise."""

from typing import Annotated

import typer

from drillbook.cli.answer import Json, Note
from drillbook.cli.telling import say, tell_json
from drillbook.cli.usage import examples, new_app
from drillbook.cli.watch import RunId
from drillbook.core.errors import SettingsInvalid

app = new_app()


@app.command(
    epilog=examples(
        "drillbook cancel r-7f3k2m --note 'wrong database'",
        "drillbook cancel r-7f3k2m --leave    # keep what was written",
        "drillbook cancel r-7f3k2m --dead     # no further step, nothing taken back",
    )
)
def cancel(
    run: RunId,
    note: Note = "",
    leave: Annotated[bool, typer.Option("--leave", help="Keep what was written.")] = False,
    dead: Annotated[
        bool, typer.Option("--dead", help="Make no further step; `resume` lets it go on.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Stop a run at the next safe point and take it back."""
    from drillbook.cli.session import opened_runs, who
    from drillbook.engine.spawn import ensure_worker

    if leave and dead:
        raise SettingsInvalid("--leave and --dead cannot both be meant", hint="Give one of them.")
    with opened_runs() as runs:
        if dead:
            runs.kill(run)
            says = f"Stopped dead. Let it go on: drillbook resume {run}"
        else:
            runs.cancel(run, by=who(), note=note, leave=leave)
            ensure_worker(runs.store)
            then = "keeps what was written" if leave else "takes back what was written"
            says = f"Asked. The run stops at the next safe point and {then}: drillbook watch {run}"
    if as_json:
        tell_json({"run": run, "asked": "dead" if dead else "leave" if leave else "way-back"})
    else:
        say(says)
