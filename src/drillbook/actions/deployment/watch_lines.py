"""Which lines of the log speak of the time before, of the new release, and of the old one."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from drillbook.analysis.sequential.request import Request
from drillbook.ports.logs import LogLine

SERVER_ERROR = 500
SHORTEST_COMMIT = 7
# The release that served most lately speaks for the time before, when it served so many requests.
ENOUGH_OF_ONE_RELEASE = 500
LATELY = timedelta(minutes=10)
MINUTE = 60


@dataclass(frozen=True, slots=True)
class Earlier:
    """The requests before, and how their lines name the release that served them."""

    lines: tuple[LogLine, ...]
    release: str
    names: frozenset[str]


def requests_of(lines: Iterable[LogLine], health_path: str) -> list[LogLine]:
    """Return the lines of users' requests: those of the health path are probes, of anybody."""
    health_path = health_path.partition("?")[0]
    return [line for line in lines if line.status and line.path != health_path]


def name_of(line: LogLine) -> str:
    """Return what a line says of who answered: the commit, else the release, else nothing."""
    return line.commit or line.release


def request_of(line: LogLine) -> Request:
    """Return what the tests need of a line."""
    return Request(line.at.timestamp(), line.status >= SERVER_ERROR, line.milliseconds)


def earlier_of(lines: Sequence[LogLine], commit: str, start: datetime) -> Earlier:
    """Return what speaks for the time before: the release that served most lately, if enough."""
    own = [line for line in lines if not is_of(line, commit)] if commit else list(lines)
    names = frozenset(name_of(line) for line in own) - {""}
    lately = Counter(name_of(line) for line in own if line.at >= start - LATELY)
    last = lately.most_common(1)[0][0] if lately else ""
    of_last = [line for line in own if name_of(line) == last]
    if last and len(of_last) >= ENOUGH_OF_ONE_RELEASE:
        return Earlier(tuple(of_last), last, names)
    return Earlier(tuple(own), "", names)


def is_of(line: LogLine, commit: str) -> bool:
    """Tell whether a line names this commit, in full or by its first letters."""
    said = line.commit
    if len(said) < SHORTEST_COMMIT or len(commit) < SHORTEST_COMMIT:
        return bool(commit) and said == commit
    return said.startswith(commit) or commit.startswith(said)


def divided(
    lines: Sequence[LogLine], earlier: Earlier, commit: str
) -> tuple[list[LogLine], list[LogLine]]:
    """
    Return the lines of the new release and those of others.

    New is the commit asked for. Where lines name no commits, new is who did not serve before;
    when nobody is new, or nobody is named, all lines speak of the time after.
    """
    if commit and any(line.commit for line in (*lines, *earlier.lines[-1:])):
        is_new = [is_of(line, commit) for line in lines]
    else:
        is_new = [bool(name_of(line)) and name_of(line) not in earlier.names for line in lines]
        if not any(is_new):
            return list(lines), []
    new = [line for line, own in zip(lines, is_new, strict=True) if own]
    return new, [line for line, own in zip(lines, is_new, strict=True) if not own]


def busiest(lines: Sequence[LogLine]) -> float:
    """Return the requests of the busiest minute, or the rate of a shorter time as a minute's."""
    if not lines:
        return 0.0
    seconds = (lines[-1].at - lines[0].at).total_seconds()
    rate = 60.0 * len(lines) / max(seconds, 1.0) if seconds < MINUTE else 0.0
    return max(rate, *Counter(_minute(line) for line in lines).values())


def calm(lines: Sequence[LogLine], busy_from: float) -> list[LogLine]:
    """Return the lines of minutes that were not far busier than before, nor right after such."""
    minutes = Counter(_minute(line) for line in lines)
    busy = {minute for minute, count in minutes.items() if count > busy_from}
    return [line for line in lines if not {_minute(line), _minute(line) - 1} & busy]


def _minute(line: LogLine) -> int:
    return int(line.at.timestamp() // MINUTE)
