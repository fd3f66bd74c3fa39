"""
Probes while watching: real paths of the app, asked in the proportions users ask for them.

The paths are those a checks file names (its GETs that need no saved value), or else those that
users asked for most in the time before, by GET, plain ones only. They are chosen by how often they
are asked for, never by how well they went, and held against the users' requests to the very same
paths before: so a path that always failed is no news. Answers 4xx say nothing (a login is missing)
and are left out on both sides. An answer that never came is no error of the release by itself:
the way to it may be at fault; no answer at all for half a minute is told apart.
"""

import re
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from drillbook.actions.deployment.watch_lines import SERVER_ERROR
from drillbook.analysis.checks_file import read_checks
from drillbook.analysis.sequential.request import Request
from drillbook.core.files import File
from drillbook.ports.logs import LogLine
from drillbook.ports.probe import Probe, Question

MOST_PATHS = 8
FEWEST_REQUESTS = 5
TIMEOUT_SECONDS = 5.0
USER_ERROR = 400
CLOCKS_DIFFER_SECONDS = 60.0
_PLAIN = re.compile(r"/[\w\-./~%]*")
# A GET should change nothing; these words tell of apps where it may.
_TELLING = re.compile(
    r"log-?out|sign-?out|unsubscribe|delete|remove|cancel|cron|hook|token|confirm|verify|reset",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One probe; status 0 when nothing answered."""

    at: float
    path: str
    status: int

    @property
    def tells(self) -> bool:
        """Whether the answer says something of the release."""
        return tells(self.status)


def tells(status: int) -> bool:
    """Tell whether an answer reached what the path is for: 4xx did not, and 0 is no answer."""
    return 0 < status < USER_ERROR or status >= SERVER_ERROR


def named_paths(file: File, health_path: str) -> tuple[str, ...]:
    """Return the paths of a checks file that can be asked for by themselves, without health."""
    health_path = health_path.partition("?")[0]
    found = (
        check.path.partition("?")[0]
        for check in read_checks(file).http
        if check.method == "GET" and not check.headers and "${" not in check.path
    )
    # The app's own word may be a constant: it must never count as what users meet.
    return tuple(path for path in dict.fromkeys(found) if path != health_path)


def usual_paths(lines: Sequence[LogLine]) -> tuple[str, ...]:
    """Return the plain paths users asked for most by GET."""
    asked = Counter(line.path for line in lines if line.method == "GET" and tells(line.status))
    return tuple(
        path
        for path, count in asked.most_common(MOST_PATHS)
        if count >= FEWEST_REQUESTS and _PLAIN.fullmatch(path) and not _TELLING.search(path)
    )


@dataclass
class Prober:
    """Sends probes of paths in fixed proportions, and remembers the answers."""

    probe: Probe
    weights: dict[str, float]
    sent: list[Sent] = field(default_factory=list[Sent])
    health: list[Sent] = field(default_factory=list[Sent])
    _asked: Counter[str] = field(default_factory=Counter[str])

    def send(self) -> None:
        """Ask for the path that is most behind its proportion."""
        count = sum(self._asked.values()) + 1
        path = max(self.weights, key=lambda path: self.weights[path] * count - self._asked[path])
        self._asked[path] += 1
        self.sent.append(self._answer(path))

    def send_health(self) -> None:
        """Ask for the health path: a sign of life, no part of the statistics."""
        self.health.append(self._answer(self.probe.health_path))

    def _answer(self, path: str) -> Sent:
        at = time.time()
        answer = self.probe.ask(Question(path, timeout_seconds=TIMEOUT_SECONDS))
        return Sent(at, path, answer.status)

    @property
    def silent_since(self) -> float | None:
        """Since when nothing has answered; None when the last probe was answered."""
        silent = None
        for sent in sorted((*self.sent, *self.health), key=lambda sent: sent.at, reverse=True):
            if sent.status:
                break
            silent = sent.at
        return silent


def prober(probe: Probe, paths: Sequence[str], before: Sequence[LogLine]) -> Prober:
    """Return a prober of the paths in the proportions users asked for them, even without any."""
    asked = Counter(line.path for line in before)
    counts = {path: asked[path] + 1.0 for path in paths}
    whole = sum(counts.values())
    return Prober(probe, {path: count / whole for path, count in counts.items()})


def apart(
    lines: Sequence[LogLine], sent: Sequence[Sent]
) -> tuple[list[LogLine], list[tuple[Sent, LogLine | None]]]:
    """
    Return the users' lines without those of our probes, and each probe with its own line.

    The app logs our probes like anybody's requests. A probe takes the line of its path and status
    that is nearest after it was sent; which of several equal lines it takes changes no count.
    """
    waiting: dict[tuple[str, int], list[LogLine]] = defaultdict(list)
    for line in lines:
        waiting[line.path, line.status].append(line)
    matched: list[tuple[Sent, LogLine | None]] = []
    taken: set[int] = set()
    for each in sent:
        own = _take(waiting.get((each.path, each.status), []), each.at)
        matched.append((each, own))
        if own is not None:
            taken.add(id(own))
    return [line for line in lines if id(line) not in taken], matched


def _take(lines: list[LogLine], at: float) -> LogLine | None:
    """Take out the first line from just before `at` on, or the last before, if near enough."""
    if not lines:
        return None
    place = bisect_left(lines, at - 1.0, key=lambda line: line.at.timestamp())
    place = min(place, len(lines) - 1)
    if abs(lines[place].at.timestamp() - at) > CLOCKS_DIFFER_SECONDS:
        return None
    return lines.pop(place)


def probed(matched: Sequence[tuple[Sent, LogLine | None]]) -> list[Request]:
    """Return the probes that tell something as requests; how long they took says the app's log."""
    return [
        Request(sent.at, sent.status >= SERVER_ERROR, line.milliseconds if line else None)
        for sent, line in matched
        if sent.tells
    ]
