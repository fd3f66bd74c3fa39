"""Directive sub-bullets as text: `needs`, `timeout`, `retry`, `evidence`, `undo`, `@when`."""

import re
from dataclasses import dataclass
from functools import lru_cache

from drillbook.compiler.diagnostics import nearest_or_all
from drillbook.compiler.directive import Mistake
from drillbook.core.plan import Retry
from drillbook.core.policy import Consent, Needs
from drillbook.core.quantities import parse_duration

OPTION_KEYS = ("needs", "when", "expect", "undo", "timeout", "retry", "evidence")
SEVERITIES = ("info", "low", "medium", "high", "critical")
MOST_APPROVALS, MOST_RETRIES = 20, 1000
_APPROVALS = re.compile(r"(\d{1,9})\s+approvals?(?:\s+(?:from|by|of)\s+(.*))?", re.DOTALL)
_ROLE = re.compile(r"[A-Za-z][\w.-]*")
_TIMES = re.compile(r"(\d{1,9})\s*(?:times?|x)?")
_WAIT = re.compile(r"(from|every|after)\s+(\S+)")
_TAIL = re.compile(r"\s*,\s*([A-Za-z_]+)\s*=(?!=)\s*([^\s,=]+)\s*$")
_HOLD = re.compile(r"\s+for\s+(\S+)\s*$")
_BECAUSE = re.compile(r"none\b[\s,:\u2013\u2014-]*(?:because\b)?\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class WhenText:
    """A symptom's condition: what to measure, how long it must hold, how bad it is."""

    expression: str
    hold: str = ""
    severity: str = ""


def bare(value: str) -> tuple[str, int]:
    """Return a value without the backticks around it, and how many characters that dropped."""
    text = value.strip()
    ticks = len(text) - len(text.lstrip("`"))
    if 0 < ticks < len(text) / 2 and text.endswith("`" * ticks):
        return text[ticks:-ticks].strip(), ticks
    return text, 0


@lru_cache(maxsize=1024)
def parse_needs(value: str) -> Needs:
    """Read `confirm`, or `2 approvals from dba, owner, valid 15m`."""
    text = bare(value)[0]
    if text == "confirm":
        return Needs(consent=Consent.CONFIRM)
    match = _APPROVALS.fullmatch(text.partition(",")[0].strip())
    if match is None:
        raise Mistake(
            0,
            "DB403",
            f"{text!r} says nobody who must say yes",
            "Write confirm, or 1 approval from dba, valid 30m.",
        )
    count = int(match[1])
    if not 1 <= count <= MOST_APPROVALS:
        raise Mistake(0, "DB403", f"{count} approvals are not between 1 and {MOST_APPROVALS}")
    first = match[2] or ""
    rest = text.partition(",")[2]
    names, valid = _roles_and_validity(", ".join(part for part in (first, rest) if part.strip()))
    if valid is None:
        return Needs(consent=Consent.APPROVALS, approvals=count, roles=names)
    return Needs(consent=Consent.APPROVALS, approvals=count, roles=names, valid_seconds=valid)


def _roles_and_validity(text: str) -> tuple[tuple[str, ...], float | None]:
    roles: list[str] = []
    valid: float | None = None
    for part in (each.strip() for each in text.split(",")):
        if part.startswith("valid"):
            valid = _seconds(part.removeprefix("valid").removeprefix(" for").strip())
            continue
        for role in re.split(r"\s+(?:or|and)\s+", part) if part else ():
            if not _ROLE.fullmatch(role):
                raise Mistake(0, "DB403", f"{role!r} is no role", "Write 1 approval from dba.")
            roles.append(role)
    return tuple(dict.fromkeys(roles)), valid


def _seconds(text: str) -> float:
    try:
        seconds = parse_duration(text).total_seconds()
    except ValueError as error:
        raise Mistake(0, "DB403", str(error), "Write it like 30m or 1h30m.") from error
    if seconds <= 0:
        raise Mistake(0, "DB403", f"{text} is no time at all", "Write more than 0.")
    return seconds


@lru_cache(maxsize=1024)
def parse_timeout(value: str) -> float:
    """Read a duration and return its seconds."""
    return _seconds(bare(value)[0])


@lru_cache(maxsize=1024)
def parse_retry(value: str) -> Retry:
    """Read `5 times, from 2s, doubling, with jitter` or `5 times, every 10s`."""
    first, *rest = [part.strip() for part in bare(value)[0].split(",")]
    match = _TIMES.fullmatch(first)
    if match is None:
        raise Mistake(0, "DB403", f"{first!r} is no number of times", "Write 5 times, every 10s.")
    times = int(match[1])
    if not 1 <= times <= MOST_RETRIES:
        raise Mistake(0, "DB403", f"{times} times is not between 1 and {MOST_RETRIES}")
    wait, doubling, jitter = 1.0, False, False
    for part in rest:
        if waits := _WAIT.fullmatch(part):
            wait = _seconds(waits[2])
        elif part in ("doubling", "jitter", "with jitter"):
            doubling, jitter = doubling or part == "doubling", jitter or part != "doubling"
        else:
            raise Mistake(
                0,
                "DB403",
                f"{part!r} is not known in a retry",
                "There are from 2s, every 10s, doubling, with jitter.",
            )
    return Retry(times=times, wait_seconds=wait, doubling=doubling, jitter=jitter)


@lru_cache(maxsize=1024)
def parse_evidence(value: str) -> tuple[str, ...]:
    """Read the names of the result's fields to keep."""
    names = [bare(part)[0] for part in bare(value)[0].split(",")]
    if wrong := [name for name in names if not re.fullmatch(r"[A-Za-z_]\w*", name)]:
        raise Mistake(0, "DB403", f"{wrong[0]!r} is no field", "Write field, field.")
    return tuple(dict.fromkeys(names))


def undo_reason(value: str) -> str | None:
    """Return why there is no undo from `none, because …`, or None when a directive stands there."""
    match = _BECAUSE.fullmatch(bare(value)[0])
    if match is None:
        return None
    if not match[1].strip():
        raise Mistake(0, "DB403", "why there is no undo is missing", "Write none, because ….")
    return match[1].strip()


def parse_when(text: str, at: int) -> WhenText:
    """Read what follows `@when`: an expression, `for 2m`, `, severity=high`; `at` is its offset."""
    severity = ""
    while tail := _TAIL.search(text):
        if tail[1] != "severity":
            hint = nearest_or_all(tail[1], ["severity"], are="Here stands only")
            raise Mistake(at + tail.start(1), "DB202", f"@when has no key {tail[1]}", hint)
        if tail[2] not in SEVERITIES:
            hint = nearest_or_all(tail[2], SEVERITIES)
            raise Mistake(at + tail.start(2), "DB204", f"{tail[2]!r} is no severity", hint)
        severity, text = tail[2], text[: tail.start()]
    hold = ""
    if held := _HOLD.search(text):
        try:
            parse_duration(held[1])
        except ValueError as error:
            raise Mistake(at + held.start(1), "DB204", str(error), "Write for 2m.") from error
        hold, text = held[1], text[: held.start()]
    return WhenText(text.strip(), hold, severity)
