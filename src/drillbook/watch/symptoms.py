"""The symptoms of a runbook that can be measured, and how each stands: true, false or unknown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from drillbook.analysis.expressions import evaluate
from drillbook.analysis.signals import Measured, SignalUnknown, measured
from drillbook.compiler.directive import Mistake, directive_name, parse_directive
from drillbook.compiler.document import Runbook, Task
from drillbook.compiler.options import parse_when
from drillbook.core.errors import DrillbookError
from drillbook.core.quantities import parse_duration, show_duration
from drillbook.watch.measuring import Sight, Value

PRODUCTION = "production"
SEVERITY = "medium"


class Standing(StrEnum):
    """What a symptom is at one look."""

    HOLDS = "holds"
    BEGINS = "begins"  # true, and not yet for as long as the book asks
    FALSE = "false"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Symptom:
    """One bullet under Symptoms with its condition; `hold` is how long it must be true."""

    runbook: str
    environment: str
    text: str
    condition: Measured
    hold: timedelta
    severity: str = SEVERITY

    @property
    def key(self) -> str:
        """What names it among all."""
        return f"{self.runbook}/{self.environment}/{self.condition.text}"


@dataclass(frozen=True, slots=True)
class Look:
    """How a symptom stood at a moment, and why; `since` is from when on it is true."""

    standing: Standing
    at: datetime
    says: str
    since: datetime | None = None
    values: Mapping[str, Value] | None = None


@dataclass(frozen=True, slots=True)
class Unwatched:
    """A symptom that no signal measures: somebody has to say it."""

    runbook: str
    text: str
    why: str


def symptoms_of(runbook: Runbook, environment: str) -> tuple[list[Symptom], list[Unwatched]]:
    """Return what can be measured of a runbook's symptoms, and what cannot, with the reason."""
    found: list[Symptom] = []
    unwatched: list[Unwatched] = []
    for task in _flat(runbook.symptoms):
        directive = task.directive.text if task.directive else ""
        if directive_name(directive) != "when":
            unwatched.append(Unwatched(runbook.title, task.text, "a person has to say so"))
            continue
        try:
            when = parse_when(directive.removeprefix("@when").lstrip(), 0)
            condition = measured(when.expression)
        except (Mistake, SignalUnknown) as mistake:
            unwatched.append(Unwatched(runbook.title, task.text, mistake.message))
            continue
        if not condition.measurements:
            unwatched.append(Unwatched(runbook.title, task.text, "its condition names no signal"))
            continue
        hold = parse_duration(when.hold) if when.hold else timedelta(0)
        found.append(
            Symptom(
                runbook.title, environment, task.text, condition, hold, when.severity or SEVERITY
            )
        )
    return found, unwatched


def environment_of(runbook: Runbook, known: tuple[str, ...]) -> str:
    """Return the environment a runbook acts on, production before others; "" for none known."""
    named = set(_environments(runbook)) & set(known)
    for candidates in (named, set(known)):
        if PRODUCTION in candidates:
            return PRODUCTION
        if len(candidates) == 1:
            return candidates.pop()
    return ""


def _environments(runbook: Runbook) -> Iterator[str]:
    steps = [step for procedure in runbook.procedures for step in procedure.steps]
    tasks = [*runbook.prerequisites, *(task for step in steps for task in step.tasks)]
    for task in _flat(tuple(tasks)):
        if task.directive is None or directive_name(task.directive.text) == "when":
            continue
        try:
            pair = parse_directive(task.directive.text).pair("on")
        except Mistake:
            continue
        if pair is not None:
            yield pair.value.text


def _flat(tasks: tuple[Task, ...]) -> Iterator[Task]:
    for task in tasks:
        yield task
        yield from _flat(task.children)


def looked(symptom: Symptom, sight: Sight, before: Look | None, now: datetime) -> Look:
    """Look at a symptom once; what was true goes on being so through what is unknown, unheld."""
    values = {
        name: sight.value(asked, now) for name, asked in symptom.condition.measurements.items()
    }
    truth, says = _truth(symptom, values)
    since = before.since if before else None
    look = Look(Standing.UNKNOWN, now, says, since, values)
    if truth is None:
        return look
    if not truth:
        return replace(look, standing=Standing.FALSE, since=None)
    since = min(since or now, now)  # a clock that was set back makes nobody wait for it
    if now - since >= symptom.hold:
        return replace(look, standing=Standing.HOLDS, since=since)
    waits = show_duration(symptom.hold)
    return replace(look, standing=Standing.BEGINS, since=since, says=f"{says} (must hold {waits})")


def _truth(symptom: Symptom, values: Mapping[str, Value]) -> tuple[bool | None, str]:
    """Return whether the condition is true, None when what is unknown decides, and the reason."""
    told = "; ".join(dict.fromkeys(value.says for value in values.values()))
    known = {name: value.value for name, value in values.items() if value.known}
    unknown = [value.says for value in values.values() if not value.known]
    try:
        # What is unknown is left out: `true || unknown` is true in CEL, whatever the other is.
        found = evaluate(symptom.condition.expression, known)
    except DrillbookError as error:
        return None, "; ".join(dict.fromkeys(unknown)) or str(error)
    if not isinstance(found, bool):
        return None, f"`{symptom.condition.text}` is neither true nor false"
    return found, told
