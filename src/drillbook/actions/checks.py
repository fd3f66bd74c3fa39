"""Check an app and its data from outside: by its own word, and by trying what users do."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import quote

from pydantic import JsonValue

from drillbook.analysis.checks_file import (
    ENVIRONMENT,
    EXERCISED,
    ChecksFile,
    HttpCheck,
    SqlCheck,
    filled,
    filled_body,
    read_checks,
)
from drillbook.analysis.expressions import evaluate, evaluate_condition
from drillbook.analysis.health_words import down_places, parsed
from drillbook.core.catalog import Domain
from drillbook.core.effect import Effect, deadline
from drillbook.core.errors import Failed, Refused, Unavailable
from drillbook.core.files import File
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration
from drillbook.core.secret import KINDS, scrub
from drillbook.ports.checked_systems import CheckedSystems
from drillbook.ports.probe import Answer, Probe, Question

domain = Domain("checks")

TEN_SECONDS = parse_duration("10s")
EXCERPT_CHARACTERS = 500
SHOWN_FAILURES = 3
MOST_ROWS = 100
NO_TIME_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class _Known:
    """Values by name, those that are shown nowhere, and who failed to save one."""

    values: dict[str, str]
    hidden: frozenset[str]
    unsaved: dict[str, str] = field(default_factory=dict[str, str])

    def shown(self, text: str) -> str:
        """Return a text without the values that are shown nowhere."""
        for name in self.hidden & self.values.keys():
            text = text.replace(self.values[name], f"[saved {name}]")
        return scrub(text)


class Health(Frozen):
    """How the app says it is, and how fast it said so."""

    ok: bool
    status: int
    seconds: float
    body: str
    says: str


class CheckResult(Frozen):
    """How one check went."""

    name: str
    ok: bool
    seconds: float
    says: str


class Checked(Frozen):
    """How all checks of a file went; `failures` are sentences."""

    passed: int
    failed: int
    failures: tuple[str, ...]
    seconds: float
    results: tuple[CheckResult, ...]


@domain.read
def health(probe: Probe, *, path: str = "", within: Duration = TEN_SECONDS) -> Health:
    """Ask the app how it is; what says `down` inside is not healthy, whatever its status."""
    asked = path or probe.health_path
    answer = probe.ask(Question(asked, timeout_seconds=within.total_seconds()))
    problems = [answer.problem] if answer.problem else _unhealthy(answer)
    body = scrub(answer.text)[:EXCERPT_CHARACTERS]
    if problems:
        says = f"GET {asked} of {probe.target}: {'; '.join(problems[:SHOWN_FAILURES])}"
    else:
        says = (
            f"GET {asked} answered {answer.status} in {answer.seconds:.2f} s; "
            "this is the app's own word, checks.run tries what users do"
        )
    return Health(
        ok=not problems,
        status=answer.status,
        seconds=round(answer.seconds, 3),
        body=body,
        says=scrub(says),
    )


@domain.read
def run(systems: CheckedSystems, *, file: File | None = None, at_most_failures: int = 0) -> Checked:
    """Carry out checks that only read; more failures than allowed fail the task."""
    if file is None:  # an input that may be left out is passed on as none
        raise Refused(
            "no file of checks was given",
            hint="Give one, or skip the task without one: when: checks != null",
        )
    checks = read_checks(file)
    writing = next((check for check in checks.http if check.writes), None)
    if writing is not None:
        raise Refused(
            f"the check {writing.name!r} sends {writing.method}, which may change something",
            hint="Use checks.exercise for it, or put it into a file of its own.",
        )
    if used := next((check for check in checks.asked if check.needs & EXERCISED), None):
        raise Refused(
            f"the check {used.name!r} uses what is known to checks.exercise only: "
            f"{', '.join(sorted(used.needs & EXERCISED))}"
        )
    return _judged(_carried_out(systems, checks, {}, key=""), at_most_failures)


@domain.final(because="what the checks write stays, unless they take it away themselves")
def exercise(
    systems: CheckedSystems, effect: Effect, *, file: File, at_most_failures: int = 0
) -> Checked:
    """Carry out checks that write, such as making a booking and cancelling it."""
    checks = _repeatable(file)
    values = {"run": effect.run, "task": effect.task}
    return _judged(_carried_out(systems, checks, values, key=effect.key), at_most_failures)


@exercise.looking
def exercised(
    systems: CheckedSystems, effect: Effect, *, file: File, at_most_failures: int = 0
) -> Checked | None:
    """Tell that carrying out is right, again too: the file says that it is repeatable."""
    _repeatable(file)
    return None


def _repeatable(file: File) -> ChecksFile:
    checks = read_checks(file)
    if not checks.repeatable:
        raise Refused(
            f"{file.name} does not say that its checks may be carried out twice",
            hint="When that is so, write repeatable = true at its top: after a crash they are.",
        )
    return checks


def _unhealthy(answer: Answer) -> list[str]:
    problems = []
    if not 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's successes
        problems.append(f"answered {answer.status}")
    return problems + [f"the body says {place}" for place in down_places(parsed(answer.text))]


def _carried_out(
    systems: CheckedSystems, checks: ChecksFile, values: dict[str, str], *, key: str
) -> Checked:
    begun = time.monotonic()
    total = len(checks.asked) + len(checks.sql)
    known = _Known({ENVIRONMENT: systems.environment, **values}, checks.hidden)
    results: list[CheckResult] = []
    for carry_out in _all(systems, checks, known, key):
        if deadline.get().left(at_most=1.0) <= NO_TIME_SECONDS:
            raise Unavailable(
                f"the time was up after {len(results)} of {total} checks",
                hint="Give the task a longer timeout, or split the file.",
            )
        results.append(carry_out())
    failures = tuple(f"{result.name}: {result.says}" for result in results if not result.ok)
    return Checked(
        passed=total - len(failures),
        failed=len(failures),
        failures=failures,
        seconds=round(time.monotonic() - begun, 3),
        results=tuple(results),
    )


def _all(
    systems: CheckedSystems, checks: ChecksFile, known: _Known, key: str
) -> Iterable[Callable[[], CheckResult]]:
    if checks.login is not None:
        login = checks.login.check
        yield lambda: _asked(systems, login, known, "")
    for number, check in enumerate(checks.http, start=1):
        sent = f"{key}/{number}" if key else ""
        yield lambda check=check, sent=sent: _asked(systems, check, known, sent)  # type: ignore[misc]  # mypy cannot infer a lambda's default
    for query in checks.sql:
        yield lambda query=query: _queried(systems, query)  # type: ignore[misc]  # as above


def _judged(checked: Checked, at_most_failures: int) -> Checked:
    if checked.failed > at_most_failures:
        more = checked.failed - SHOWN_FAILURES
        shown = "; ".join(checked.failures[:SHOWN_FAILURES])
        tail = f"; and {more} more" if more > 0 else ""
        raise Failed(
            f"{checked.failed} of {checked.passed + checked.failed} checks failed: {shown}{tail}",
            hint="Read the answers above; correct the app, or the check if it is wrong.",
        )
    return checked


def _asked(systems: CheckedSystems, check: HttpCheck, known: _Known, key: str) -> CheckResult:
    missing = sorted(check.needs & known.unsaved.keys())
    if missing:
        answer = None
        problem = f"was not asked: {known.unsaved[missing[0]]!r} failed, which saves {missing[0]}"
    else:
        answer = systems.app().ask(_question(systems, check, known, key))
        problem = _http_problem(check, answer, known)
    for name in check.save:
        if problem:
            known.unsaved[name] = check.name
    says = problem or (f"answered {answer.status} in {answer.seconds:.2f} s" if answer else "")
    return CheckResult(
        name=check.name,
        ok=not problem,
        seconds=round(answer.seconds, 3) if answer else 0.0,
        says=known.shown(f"{check.method} {check.path} {says}"),  # the path as it is in the file
    )


def _question(systems: CheckedSystems, check: HttpCheck, known: _Known, key: str) -> Question:
    quoted = {name: quote(value, safe="") for name, value in known.values.items()}
    headers = {name: _header(systems, value, known) for name, value in check.headers.items()}
    body = b""
    if check.body is not None:
        body = json.dumps(filled_body(check.body, known.values, systems.secret)).encode()
        headers = {"Content-Type": "application/json"} | headers
    if key and check.writes:
        headers["Idempotency-Key"] = key
    path = filled(check.path, quoted)
    return Question(path, check.method, body, headers, timeout_seconds=check.max_seconds)


def _header(systems: CheckedSystems, value: str, known: _Known) -> str:
    before, space, last = value.rpartition(" ")
    secret = systems.secret(filled(last, known.values)) if last.startswith(KINDS) else None
    return filled(before, known.values) + space + (secret or filled(last, known.values))


def _http_problem(check: HttpCheck, answer: Answer, known: _Known) -> str:
    if answer.problem:
        return answer.problem
    # Taken out of a wrong answer as well: what lets one in is to be known, so that it is hidden.
    unsaved = _save(check, answer, known)
    if answer.status not in check.status:
        excerpt = " ".join(answer.text.split())[:120]
        right = " or ".join(map(str, check.status))
        return f"answered {answer.status} instead of {right}: {excerpt or 'no body'}"
    if answer.seconds > check.max_seconds:
        return f"took {answer.seconds:.2f} s, more than {check.max_seconds:g} s"
    if check.contains and check.contains not in answer.text:
        return f"the answer does not contain {check.contains!r}"
    unmet = _unmet(check.expect, _seen(answer, known)) if check.expect else ""
    return unmet or unsaved


def _seen(answer: Answer, known: _Known) -> dict[str, object]:
    said = {"status": answer.status, "seconds": answer.seconds, "text": answer.text}
    return {**known.values, **said, "json": parsed(answer.text)}


def _save(check: HttpCheck, answer: Answer, known: _Known) -> str:
    for name, expression in check.save.items():
        try:
            value = evaluate(expression, _seen(answer, known))
        except Failed as error:
            return f"has no {name} to save: {error}"
        if not value and name in known.hidden:
            return f"has no {name} to save: {expression} is empty"
        known.values[name] = value if isinstance(value, str) else json.dumps(value)
    return ""


def _unmet(condition: str, known: dict[str, object]) -> str:
    try:
        outcome = evaluate_condition(condition, known)
    except Failed as error:
        return str(error)
    if outcome.value:
        return ""
    seen = ", ".join(f"{path} is {_short(value)}" for path, value in outcome.seen.items())
    return f"expected {condition}, and {seen}"


def _short(value: JsonValue) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}…"  # noqa: PLR2004 - fits a line


def _queried(systems: CheckedSystems, check: SqlCheck) -> CheckResult:
    begun = time.monotonic()
    try:
        reading = systems.database().read(
            check.query, at_most_rows=MOST_ROWS, timeout_seconds=check.max_seconds
        )
        rows = [dict(zip(reading.columns, row, strict=True)) for row in reading.rows]
        first = reading.rows[0][0] if reading.rows and reading.rows[0] else None
        known: dict[str, object] = {"value": first, "rows": rows, "count": len(rows)}
        problem = _unmet(check.expect, known)
        says = problem or f"{check.expect} holds"
    except Failed as error:
        problem = says = str(error)
    return CheckResult(
        name=check.name,
        ok=not problem,
        seconds=round(time.monotonic() - begun, 3),
        says=scrub(says),
    )
