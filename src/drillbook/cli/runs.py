"""`drillbook runs`: the list, and one run in full."""

from typing import TYPE_CHECKING, Annotated

import typer

from drillbook.cli.telling import paint, say, tell_json, visible
from drillbook.cli.usage import examples, new_app
from drillbook.cli.watch import RunId

if TYPE_CHECKING:
    from drillbook.engine.journal import Recorded
    from drillbook.engine.runs import RunSummary, RunView

app = new_app(invoke_without_command=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
MARKS = {"running": "blue", "waiting": "cyan", "done": "green"}


@app.callback(
    epilog=examples("drillbook runs", "drillbook runs --limit 5 --json", "drillbook runs show RUN")
)
def runs(
    context: typer.Context,
    as_json: Json = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 20,
) -> None:
    """List the runs, or show one."""
    if context.invoked_subcommand is not None:
        return
    from drillbook.cli.session import opened_runs

    with opened_runs() as store:
        found = store.list(limit=limit)
    if as_json:
        tell_json([summary.model_dump(mode="json") for summary in found])
        return
    if not found:
        say("No runs yet. Start one: drillbook run RUNBOOK")
    for summary in found:
        say(_row(summary))


def _row(summary: "RunSummary") -> str:
    from drillbook.cli.live.clock import lasted, local

    state = paint(f"{summary.state:<17}", MARKS.get(summary.state, "red"))
    took = ""
    if summary.ended_at:
        took = f", took {lasted((summary.ended_at - summary.started_at).total_seconds())}"
    reason = f": {visible(summary.reason)}" if summary.reason else ""
    facts = f"({local(summary.started_at)} by {summary.by}{took})"
    return f"{summary.run}  {state}  {visible(summary.runbook)}  {facts}{reason}"


@app.command(epilog=examples("drillbook runs show r-7f3k2m", "drillbook runs show r-7f3k2m --json"))
def show(run: RunId, as_json: Json = False) -> None:
    """Show one run: its record, what it waits for, how it ended."""
    from drillbook.cli.session import opened_runs
    from drillbook.engine.spawn import worker_alive

    with opened_runs() as store:
        view = store.show(run)
        entries = list(store.entries(run))
        alone = view.outcome is None and not worker_alive(store.store)
    if as_json:
        tell_json(
            {
                **view.model_dump(mode="json"),
                "plan_hash": view.plan.hash,
                "record": [entry.model_dump(mode="json") for entry in entries],
            }
        )
        return
    _show(view, entries, alone=alone)


def _show(view: "RunView", entries: "list[Recorded]", *, alone: bool) -> None:
    from drillbook.cli.exit_codes import OF_STATE, ExitCode
    from drillbook.cli.live.ending import ending_lines
    from drillbook.cli.live.faces import PlainFace
    from drillbook.cli.waits import waits_lines

    summary = view.summary
    say(paint(f"{visible(view.plan.part.runbook)}  {summary.run}", "bold"))
    say(f"plan {view.plan.hash}")
    attended = "unattended" if view.start.unattended else "attended"
    undo = f", takes back {view.start.undo_of}" if view.start.undo_of else ""
    say(f"started by {summary.by}, {attended}{undo}")
    say()
    face = PlainFace(view.plan, every=True)
    for entry in entries:
        face.show(entry)
    say()
    if OF_STATE[summary.state] is not ExitCode.LEFT:
        for line in ending_lines(view):
            say(line)
        return
    worker = f" (worker {summary.worker})" if summary.worker else ""
    say(f"{summary.state}{worker}")
    if summary.stranded:
        say(paint("begun by another version: only a worker of that one carries it on", "red"))
    elif alone:
        say(paint(f"no worker lives; start one: drillbook resume {summary.run}", "red"))
    for line in waits_lines(view):
        say(line)
