"""`drillbook incidents`: what was noticed, which run it started, and when it was over."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from drillbook.cli.telling import paint, say, tell_json, visible
from drillbook.cli.usage import examples, new_app

if TYPE_CHECKING:
    from drillbook.watch.incidents import Incident, IncidentBook

app = new_app(invoke_without_command=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
IncidentId = Annotated[str, typer.Argument(help="The incident's id.")]


def _book() -> "IncidentBook":
    from drillbook.cli.session import open_store
    from drillbook.watch.incidents import IncidentBook

    return IncidentBook(open_store().home)


@app.callback(
    epilog=examples(
        "drillbook incidents",
        "drillbook incidents --open --json",
        "drillbook incidents show i-7f3k2m",
    )
)
def incidents(
    context: typer.Context,
    only_open: Annotated[bool, typer.Option("--open", help="Only those that are open.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 20,
    as_json: Json = False,
) -> None:
    """List the incidents, show one, or close one."""
    if context.invoked_subcommand is not None:
        return
    found = _book().all(only_open=only_open, limit=limit)
    if as_json:
        tell_json([incident.model_dump(mode="json") for incident in found])
        return
    if not found:
        say("No incident. Watch for some: drillbook lookout")
    for incident in found:
        say(_row(incident))


def _row(incident: "Incident") -> str:
    from drillbook.cli.live.clock import lasted, local

    state = paint("open  ", "red") if incident.is_open else paint("closed", "green")
    took = ""
    if incident.closed_at:
        took = f", lasted {lasted((incident.closed_at - incident.began_at).total_seconds())}"
    run = f"  run {incident.run}" if incident.run else ""
    facts = f"({incident.severity}, noticed {local(incident.opened_at)}{took})"
    what = f"{visible(incident.runbook)} on {incident.environment}"
    return f"{incident.id}  {state}  {what}  {facts}{run}"


@app.command(epilog=examples("drillbook incidents show i-7f3k2m"))
def show(incident: IncidentId, as_json: Json = False) -> None:
    """Show one incident: what was noticed and measured, and what became of it."""
    from drillbook.cli.live.clock import local

    found = _book().show(incident)
    if as_json:
        tell_json(found.model_dump(mode="json"))
        return
    say(paint(_row(found), "bold"))
    for each in found.noticed:
        say(f"  {local(each.at)}  {visible(each.text)} ({each.condition})")
        say(f"            {visible(each.says)}; true since {local(each.since)}")
    if found.problem:
        say(paint(f"  no run was started: {visible(found.problem)}", "red"))
    if found.run:
        say(f"  run {found.run}: drillbook runs show {found.run}")
    if found.closed_at:
        say(f"  closed {local(found.closed_at)}: {visible(found.closed_because)}")


@app.command(epilog=examples('drillbook incidents close i-7f3k2m --note "a test of ours"'))
def close(
    incident: IncidentId,
    note: Annotated[str, typer.Option("--note", help="Why it is over.")],
) -> None:
    """Close an incident by your word; its run goes on."""
    from drillbook.cli.session import who

    closed = _book().close(incident, at=datetime.now(UTC), because=f"{who()}: {note}")
    say(_row(closed))
