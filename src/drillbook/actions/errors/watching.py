"""See whether the app fails more often than before, or answers slower: by its log, by asking."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from threading import Event

from drillbook.actions.errors.subject import domain
from drillbook.analysis.culprit.requests import route_of
from drillbook.analysis.error_rate import is_more_often, is_raised, is_too_quiet
from drillbook.analysis.felt import CROWDED
from drillbook.analysis.slower import slower, tail
from drillbook.core.effect import Effect, deadline
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration
from drillbook.core.secret import scrub
from drillbook.core.waiting import check_watch, start_of_watch
from drillbook.ports.logs import LogLine, Logs
from drillbook.ports.probe import Probe, Question

TEN_SECONDS = parse_duration("10s")
TEN_MINUTES = parse_duration("10m")
PROBE_EVERY_SECONDS = 1.0
PROBE_TIMEOUT_SECONDS = 5.0
SERVER_ERROR = 500
BAD_LEVELS = {"error", "critical", "fatal", "panic", "alert", "emergency", "err"}
MOST_EXAMPLES = 5
_route = lru_cache(maxsize=4096)(route_of)


class Verdict(StrEnum):
    """What a time of watching came to; silence is never called normal."""

    NORMAL = "NORMAL"
    RAISED = "RAISED"
    SILENT = "SILENT"


class Watched(Frozen):
    """
    Users' requests and errors while watching, and before; probes of our own are apart.

    `slower` is what takes longer than before, "" for nothing; the tails are the times within which
    nineteen of twenty were answered, none where the log does not say how long that took.
    """

    verdict: Verdict
    says: str
    start: datetime
    end: datetime
    requests: int
    errors: int
    rate: float | None
    error_lines: int
    before_requests: int
    before_errors: int
    before_rate: float | None
    probes: int
    probes_failed: int
    slower: str = ""
    tail_milliseconds: float | None = None
    before_tail_milliseconds: float | None = None
    not_understood: int
    cut: bool
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Count:
    requests: int
    errors: int
    error_lines: int
    seconds: float
    timed: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])

    @property
    def rate(self) -> float | None:
        return round(self.errors / self.requests, 6) if self.requests else None


@domain.read
def watch(
    logs: Logs,
    probe: Probe,
    effect: Effect,
    *,
    lasting: Duration = TEN_SECONDS,
    since: datetime | None = None,
    compared_with: Duration = TEN_MINUTES,
    before: datetime | None = None,
) -> Watched:
    """
    Watch the app's errors for a time and compare them with the time before.

    `before` ends the time to compare with, such as the moment an incident began: what is back to
    normal is measured by what was normal, and not by the incident. Then answers must be as quick as
    they were, too, unless many more come: load slows them down, whatever was repaired.
    """
    now = datetime.now(UTC)
    start = start_of_watch(since, now)
    check_watch(lasting=lasting, compared_with=compared_with)
    # Read first: a log that cannot be read is known before the waiting, not after.
    usual = start if before is None else min(before.astimezone(UTC), start)
    earlier = logs.between(usual - compared_with, usual)
    probes_failed, probes = _watched(probe, effect, now + lasting)
    end = datetime.now(UTC)
    span = logs.between(start, end)
    after = _counted(span.lines, probe.health_path, end - start)
    earlier_count = _counted(earlier.lines, probe.health_path, compared_with)
    verdict, says = _verdict(after, earlier_count, probes, probes_failed)
    late = slower(after.timed, earlier_count.timed) if before is not None else ""
    if late and verdict is Verdict.NORMAL:
        verdict, says = _slow(late, after, earlier_count, says)
    return Watched(
        verdict=verdict,
        says=says,
        start=start,
        end=end,
        requests=after.requests,
        errors=after.errors,
        rate=after.rate,
        error_lines=after.error_lines,
        before_requests=earlier_count.requests,
        before_errors=earlier_count.errors,
        before_rate=earlier_count.rate,
        probes=probes,
        probes_failed=probes_failed,
        slower=late,
        tail_milliseconds=tail(after.timed),
        before_tail_milliseconds=tail(earlier_count.timed),
        not_understood=span.not_understood,
        cut=span.cut or earlier.cut,
        examples=_examples(span.lines),
    )


def _watched(probe: Probe, effect: Effect, until: datetime) -> tuple[int, int]:
    """Ask the app again and again until the time is over; return probes failed and sent."""
    begun = datetime.now(UTC)
    sent = failed = 0
    pause = Event()
    while True:
        effect.still_mine()
        answer = probe.ask(Question(probe.health_path, timeout_seconds=PROBE_TIMEOUT_SECONDS))
        sent += 1
        failed += answer.status == 0 or answer.status >= SERVER_ERROR
        left = (until - datetime.now(UTC)).total_seconds()
        left = deadline.get().left(at_most=left) if left > 0 else left
        if left <= 0 or _time_is_up() or effect.cancel_asked():
            return failed, sent
        whole = (until - begun).total_seconds()
        effect.progress(f"{sent} probes, {failed} failed", min(1.0, 1 - left / whole))
        pause.wait(min(PROBE_EVERY_SECONDS, left))


def _time_is_up() -> bool:
    at = deadline.get().at
    return at is not None and datetime.now(UTC) >= at


def _counted(lines: Iterable[LogLine], health_path: str, length: timedelta) -> _Count:
    requests = errors = error_lines = 0
    timed: list[tuple[str, float]] = []
    health_path = health_path.partition("?")[0]
    for line in lines:
        if line.status == 0:
            error_lines += line.level in BAD_LEVELS
        elif line.path != health_path:  # probes, ours and others', are not users
            requests += 1
            errors += line.status >= SERVER_ERROR
            if line.milliseconds is not None:
                timed.append((_route(line.method, line.path), line.milliseconds))
    return _Count(requests, errors, error_lines, length.total_seconds(), timed)


def _slow(late: str, after: _Count, before: _Count, says: str) -> tuple[Verdict, str]:
    times = after.requests / after.seconds * before.seconds / max(1, before.requests)
    if times >= CROWDED:
        return Verdict.NORMAL, f"{says}; {late}, while {times:.1f} times as many come"
    return Verdict.RAISED, f"answers are slower than before: {late}; {says}"


def _verdict(after: _Count, before: _Count, probes: int, failed: int) -> tuple[Verdict, str]:
    told = _told(after, before, probes, failed)
    if failed * 2 > probes:
        return Verdict.RAISED, f"most probes failed: {told}"
    if is_raised(after.errors, after.requests, before.errors, before.requests):
        return Verdict.RAISED, f"more errors than before: {told}"
    if _more_lines(after, before):
        return Verdict.RAISED, f"more error lines than before: {told}"
    if after.requests == 0:
        expected = before.requests * after.seconds / before.seconds
        why = "nobody came, and nobody did before"
        if is_too_quiet(expected, after.requests):
            why = f"nobody came, and about {expected:.0f} requests were to be expected"
        elif before.requests:
            why = "nobody came, which may be chance"
        return Verdict.SILENT, f"{why}; silence is no proof of health: {told}"
    return Verdict.NORMAL, f"no more errors than before: {told}"


def _more_lines(after: _Count, before: _Count) -> bool:
    """Whether error lines came more often, by time and, where requests were seen, by these, too."""
    lines, earlier = after.error_lines, before.error_lines
    if not is_more_often(lines, after.seconds, earlier, before.seconds):
        return False
    if not after.requests or not before.requests:
        return True
    return is_more_often(lines, after.requests, earlier, before.requests)


def _told(after: _Count, before: _Count, probes: int, failed: int) -> str:
    return (
        f"{after.errors} of {after.requests} requests failed in {after.seconds:.0f} s, "
        f"{before.errors} of {before.requests} in the {before.seconds:.0f} s before; "
        f"{after.error_lines} error lines, {before.error_lines} before; "
        f"{failed} of {probes} probes failed"
    )


def _examples(lines: Sequence[LogLine]) -> tuple[str, ...]:
    """Return the first different things that went wrong."""
    shown: dict[str, None] = {}
    for line in lines:
        if line.status >= SERVER_ERROR or line.level in BAD_LEVELS:
            words = [str(line.status or line.level), line.path, line.message]
            shown[scrub(" ".join(word for word in words if word))] = None
            if len(shown) == MOST_EXAMPLES:
                break
    return tuple(shown)
