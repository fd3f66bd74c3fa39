"""`drillbook lookout`: watches symptoms, opens incidents, and starts their runs."""

import json
import signal
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from drillbook.cli.plan import BookFile
from drillbook.cli.telling import paint, say, visible
from drillbook.cli.usage import examples, new_app

if TYPE_CHECKING:
    from drillbook.stack.lookout import Watched
    from drillbook.stack.stack import Stack
    from drillbook.watch import lookout as watching
    from drillbook.watch.incidents import IncidentBook
    from drillbook.watch.starting import RunStarter

app = new_app()

On = Annotated[
    str | None, typer.Option("--on", help="Watch all in this environment, not where they act.")
]
Only = Annotated[
    list[str] | None,
    typer.Option("--runbook", "-r", help="Watch this runbook only; may be given again."),
]
Length = Annotated[str | None, typer.Option(metavar="DURATION")]
COLOURS = {
    "opened": "red",
    "trouble": "red",
    "not started": "red",
    "closed": "green",
    "started": "cyan",
}


@app.command(
    epilog=examples(
        "drillbook lookout",
        "drillbook lookout --runbook 'High Error Rate' --incidents-only",
        "drillbook lookout --json >> lookout.jsonl",
    )
)
def lookout(
    book: BookFile = None,
    on: On = None,
    runbooks: Only = None,
    every: Annotated[
        str | None, typer.Option("--every", help="How often it looks: 2s.", metavar="DURATION")
    ] = None,
    probe_every: Annotated[
        str | None,
        typer.Option("--probe-every", help="How often it asks the app: 5s.", metavar="DURATION"),
    ] = None,
    quiet: Annotated[
        str | None,
        typer.Option(
            "--quiet", help="An incident closes when nothing was there for this long: 3m.",
            metavar="DURATION",
        ),
    ] = None,
    incidents_only: Annotated[
        bool, typer.Option("--incidents-only", help="Open incidents, and start no runs.")
    ] = False,
    unattended: Annotated[
        bool, typer.Option("--unattended", help="Let runs go on without asking anybody.")
    ] = False,
    answers: Annotated[
        Path | None, typer.Option("--answers", help="A TOML file with answers for unattended runs.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:  # fmt: skip
    """
    Watch symptoms, open incidents, and start their runs; until Ctrl-C or SIGTERM.

    Every symptom bound by @when is looked at, in the environment its runbook acts on. When one
    holds, an incident is opened once and its runbook's run started once, however often this
    process is killed. The run reads at once, and stops at the first write that the policy lets
    nobody do alone. [lookout] in stack.toml sets all of this for the team.
    """
    from drillbook.cli.session import open_store
    from drillbook.core.errors import SettingsInvalid
    from drillbook.core.quantities import parse_duration
    from drillbook.stack.books import find_books
    from drillbook.stack.lookout import watched
    from drillbook.stack.stack import load_stack
    from drillbook.watch.incidents import IncidentBook
    from drillbook.watch.lookout import Lookout
    from drillbook.watch.service import alone, watch

    stack, store = load_stack(), open_store()
    section = stack.file.lookout

    def length(name: str, given: str | None, usual: timedelta) -> timedelta:
        try:
            return parse_duration(given) if given else usual
        except ValueError as error:
            raise SettingsInvalid(f"--{name}: {error}", hint="Write it like 2s or 3m.") from error

    found = watched(stack, find_books(book), on=on, runbooks=runbooks or section.runbooks)
    incidents = IncidentBook(store.home)
    starts = section.start == "run" and not incidents_only
    looking = Lookout(
        symptoms=found.symptoms,
        sights=found.sights,
        incidents=incidents,
        starter=(
            _starter(
                stack, incidents, book, unattended=unattended or section.unattended,
                answers=answers or _path(stack, section.answers),
            )
            if starts
            else None
        ),
        books=found.books,
        in_books=found.in_books if book is None else frozenset(),  # one book is not all
        quiet=length("quiet", quiet, section.quiet),
    )  # fmt: skip
    stop = Event()
    with alone(store.home):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        _begin(found, _troubles(found, looking.starter) if starts else {}, as_json=as_json)
        watch(
            looking,
            lambda event: _tell(event, as_json=as_json),
            stop,
            every=length("every", every, section.every),
            probe_every=length("probe-every", probe_every, section.probe_every),
        )


def _path(stack: "Stack", written: str | None) -> Path | None:
    return stack.folder / written if written else None


def _starter(
    stack: "Stack",
    incidents: "IncidentBook",
    book: Path | None,
    *,
    unattended: bool,
    answers: Path | None,
) -> "RunStarter":
    from drillbook.cli.answers_file import read_answers
    from drillbook.cli.planning import make_plan
    from drillbook.cli.session import open_store
    from drillbook.core.plan import Plan
    from drillbook.engine.messages import Message
    from drillbook.stack.books import find_books
    from drillbook.stack.lookout import inputs_from
    from drillbook.watch.starting import RunStarter

    by = stack.file.lookout.by

    def planned(title: str, incident: str) -> Plan:
        runbook = find_books(book).find(title).runbook
        return make_plan(title, inputs=inputs_from(runbook, {"incident": incident}), book=book)

    def answered(plan: Plan) -> dict[str, Message]:
        return read_answers(answers, plan, by=by) if answers else {}

    return RunStarter(
        store=open_store(), incidents=incidents, plan=planned, answers=answered, by=by,
        unattended=unattended,
    )  # fmt: skip


def _troubles(found: "Watched", starter: "watching.Starter | None") -> dict[str, str]:
    """Return why no run could be started of a runbook, while there is time to mend it."""
    from drillbook.core.errors import DrillbookError
    from drillbook.watch.incidents import says_error

    troubles = {}
    for runbook in found.books:
        if starter is None:
            break
        try:
            starter.check(runbook)
        except DrillbookError as error:
            troubles[runbook] = says_error(error)
    return troubles


def _begin(found: "Watched", troubles: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        told: dict[str, object] = {
            "event": "watching",
            "symptoms": [symptom.key for symptom in found.symptoms],
            "unwatched": [[each.runbook, each.text, each.why] for each in found.unwatched],
            "cannot_start": troubles,
        }
        print(json.dumps(told, ensure_ascii=False), flush=True)
        return
    many = "" if len(found.symptoms) == 1 else "s"
    where = ", ".join(sorted(found.sights))
    print(f"watching {len(found.symptoms)} symptom{many} of {len(found.books)} runbooks on {where}")
    for each in found.unwatched:
        print(
            paint(
                f"  not watched: {visible(each.runbook)}: {visible(each.text)} ({each.why})", "dim"
            )
        )
    for runbook, why in troubles.items():
        says = f"an incident of {visible(runbook)} could start no run: {visible(why)}"
        print(paint(says, "red"))
    print(end="", flush=True)


def _tell(event: "watching.Event", *, as_json: bool) -> None:
    from drillbook.core.secret import scrub

    says = scrub(event.says)
    if as_json:
        told: dict[str, object] = {"event": event.kind, "at": event.at.isoformat(), "says": says}
        if event.symptom is not None:
            told |= {"symptom": event.symptom.key, "severity": event.symptom.severity}
        if event.incident is not None:
            told |= {"incident": event.incident.model_dump(mode="json")}
        print(json.dumps(told, ensure_ascii=False), flush=True)
        return
    what = "lookout"
    if event.symptom is not None:
        what = f"{event.symptom.runbook}: {event.symptom.text}"
    elif event.incident is not None:
        what = f"incident {event.incident.id} {event.kind}: {event.incident.runbook} on "
        what += event.incident.environment
    line = f"{event.at:%H:%M:%S}  {visible(what)}: {visible(says)}"
    say(paint(line, COLOURS.get(event.kind, "dim")))
    print(end="", flush=True)
