"""`drillbook signals`: what each signal and symptom comes to now."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drillbook.cli.lookout import On, Only
from drillbook.cli.plan import BookFile
from drillbook.cli.telling import paint, say, tell_json, visible
from drillbook.cli.usage import examples, new_app

if TYPE_CHECKING:
    from drillbook.stack.lookout import Watched
    from drillbook.watch.measuring import Sight, Value
    from drillbook.watch.symptoms import Look, Symptom

app = new_app()

SHOWN = (
    'requests.count("5m")', 'errors.rate("5m")', 'errors.raised("5m")', 'refusals.raised("5m")',
    'latency.p95("5m")', 'latency.raised("5m")', 'probes.failing("1m")', 'logs.silent("5m")',
)  # fmt: skip
STYLES = {"holds": "red", "begins": "yellow", "false": "green", "unknown": "yellow"}
FEWEST_PROBES = 3


@app.command(
    epilog=examples(
        "drillbook signals",
        "drillbook signals --json",
        "drillbook signals --follow --runbook 'High Error Rate'",
    )
)
def signals(
    book: BookFile = None,
    on: On = None,
    runbooks: Only = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Look again and again, until Ctrl-C.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """
    Show what each signal and symptom comes to now; what nothing is known of, with the reason.

    This looks by itself, whether a lookout runs or not, and opens no incident.
    """
    found = _found(book, on, runbooks)
    looks: dict[str, Look] = {}
    while True:
        now = _looked(found, looks)
        if as_json:
            _as_json(found, looks, now, one_line=follow)
        else:
            _table(found, looks, now)
        if not follow:
            return
        time.sleep(2.0)


def _found(book: Path | None, on: str | None, runbooks: list[str] | None) -> "Watched":
    from drillbook.stack.books import find_books
    from drillbook.stack.lookout import watched
    from drillbook.stack.stack import load_stack

    stack = load_stack()
    wanted = runbooks or stack.file.lookout.runbooks
    return watched(stack, find_books(book), on=on, runbooks=wanted)


def _looked(found: "Watched", looks: "dict[str, Look]") -> datetime:
    from drillbook.watch.symptoms import looked

    for sight in found.sights.values():
        if sight.reader is not None:
            sight.reader.read(datetime.now(UTC))
        if sight.probes is not None:
            for _ in range(1 if looks else FEWEST_PROBES):
                sight.probes.send(datetime.now(UTC))
    now = datetime.now(UTC)
    for symptom in found.symptoms:
        before = looks.get(symptom.key)
        looks[symptom.key] = looked(symptom, found.sights[symptom.environment], before, now)
    return now


def _values(sight: "Sight", now: datetime) -> "dict[str, Value]":
    from drillbook.analysis.signals import measured

    asked = {text: measured(text).measurements["measured_0"] for text in SHOWN}
    return {text: sight.value(each, now) for text, each in asked.items()}


def _table(found: "Watched", looks: "dict[str, Look]", now: datetime) -> None:
    for name, sight in sorted(found.sights.items()):
        say(paint(f"{name} at {now:%H:%M:%S} UTC", "bold"))
        for text, value in _values(sight, now).items():
            shown = _shown(value)
            word = paint(f"{shown:10}", "dim" if value.known else "yellow")
            say(f"  {text:24} {word} {visible(value.says)}")
    say(paint("symptoms", "bold"))
    for symptom in found.symptoms:
        look = looks[symptom.key]
        word = paint(f"{look.standing:8}", STYLES[look.standing])
        since = f", true since {look.since:%H:%M:%S}" if look.since else ""
        say(
            f"  {word} {visible(symptom.runbook)} on {symptom.environment}: {visible(symptom.text)}"
        )
        say(paint(f"           {symptom.condition.text}: {visible(look.says)}{since}", "dim"))
    for each in found.unwatched:
        say(paint(f"  -        {visible(each.runbook)}: {visible(each.text)} ({each.why})", "dim"))


def _shown(value: "Value") -> str:
    from drillbook.analysis.scope import shown

    if not value.known:
        return "unknown"
    return f"{value.value:.3g}" if isinstance(value.value, float) else shown(value.value)


def _as_json(found: "Watched", looks: "dict[str, Look]", now: datetime, *, one_line: bool) -> None:
    from drillbook.analysis.scope import as_json

    def of_value(value: "Value") -> dict[str, object]:
        return {"known": value.known, "value": as_json(value.value), "says": value.says}

    def of_symptom(symptom: "Symptom") -> dict[str, object]:
        look = looks[symptom.key]
        return {
            "runbook": symptom.runbook, "environment": symptom.environment, "text": symptom.text,
            "condition": symptom.condition.text, "severity": symptom.severity,
            "standing": str(look.standing), "says": look.says,
            "since": look.since.isoformat() if look.since else None,
        }  # fmt: skip

    told = {
        "at": now.isoformat(),
        "environments": {
            name: {text: of_value(value) for text, value in _values(sight, now).items()}
            for name, sight in found.sights.items()
        },
        "symptoms": [of_symptom(symptom) for symptom in found.symptoms],
        "unwatched": [
            {"runbook": each.runbook, "text": each.text, "why": each.why}
            for each in found.unwatched
        ],
    }
    if one_line:
        print(json.dumps(told, ensure_ascii=False), flush=True)
    else:
        tell_json(told)
