"""
How often `latency.raised` and `refusals.raised` cry wolf, and how soon they notice, from log lines.

An app of eight routes and forty users: its lines are read as the lookout reads them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from drillbook.analysis.signals import measured
from drillbook.ports.logs import LogLine, LogSpan
from drillbook.watch.measuring import Sight
from drillbook.watch.reading import Reader

BEGAN = datetime(2026, 11, 24, tzinfo=UTC)
ROUTES, USERS = 8, 40
SIGNALS = {name: f'{name}("5m")' for name in ("latency.raised", "refusals.raised")}
LOOK_SECONDS, HEALTHY_LOOK_SECONDS, LONGEST_SECONDS = 2.0, 20.0, 300.0
WRONG_PASSWORDS, TAIL = 0.01, 0.01
Outage = Callable[[LogLine, Random], LogLine]


@dataclass
class Lines:
    """A log in memory, in order of time."""

    lines: list[LogLine] = field(default_factory=list[LogLine])

    def between(self, start: datetime, end: datetime) -> LogSpan:
        """Return the lines of a time."""
        return LogSpan(tuple(line for line in self.lines if start <= line.at < end))

    def newest(self) -> datetime | None:
        """Return when the last line was written."""
        return self.lines[-1].at if self.lines else None


def healthy(chance: Random, at: datetime) -> LogLine:
    """One request: a route of Zipf's, a lognormal time with a tail, now and then a refusal."""
    route = min(ROUTES, int(chance.paretovariate(1.0)))
    slow = 30.0 if chance.random() < TAIL else 1.0
    return LogLine(
        at=at,
        status=401 if chance.random() < WRONG_PASSWORDS else 200,
        method="GET",
        path=f"/api/part-{'abcdefgh'[route - 1]}",
        milliseconds=slow * chance.lognormvariate(2.0, 0.5),
        user=f"user-{chance.randrange(USERS)}",
    )


def _slow_route(line: LogLine, _chance: Random) -> LogLine:
    return replace(line, milliseconds=400.0) if line.path.endswith("b") else line


def _sixth_slow(line: LogLine, chance: Random) -> LogLine:
    return replace(line, milliseconds=600.0) if chance.random() < 1 / 6 else line


def _all_slower(line: LogLine, _chance: Random) -> LogLine:
    return replace(line, milliseconds=200.0 + (line.milliseconds or 0.0))


def _route_refused(line: LogLine, _chance: Random) -> LogLine:
    return replace(line, status=401) if line.path.endswith("b") else line


def _limited(line: LogLine, chance: Random) -> LogLine:
    return replace(line, status=429) if chance.random() < 2 / 3 else line


OUTAGES: dict[str, tuple[str, Outage]] = {
    "one route takes 0.4 s": ("latency.raised", _slow_route),
    "a sixth of all takes 0.6 s": ("latency.raised", _sixth_slow),
    "all take 0.2 s more": ("latency.raised", _all_slower),
    "all are refused on one route": ("refusals.raised", _route_refused),
    "two of three are limited": ("refusals.raised", _limited),
}


@dataclass
class App:
    """A simulated app that is looked at as time goes on."""

    rate: float
    chance: Random
    outage: Outage = field(default=lambda line, _: line)
    log: Lines = field(default_factory=Lines)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.sight = Sight("production", Reader(self.log, "/health"), None)

    def until(self, seconds: float) -> None:
        """Let requests come until so many seconds after it began; what is old is forgotten."""
        while (at := self.seconds + self.chance.expovariate(self.rate / 60)) < seconds:
            self.seconds = at
            line = healthy(self.chance, BEGAN + timedelta(seconds=at))
            self.log.lines.append(self.outage(line, self.chance))
        self.seconds = seconds

    def raised(self, *names: str) -> set[str]:
        """Read on, and return which of these signals are raised."""
        now = BEGAN + timedelta(seconds=self.seconds)
        self.sight.reader.read(now) if self.sight.reader else None
        del self.log.lines[: max(0, len(self.log.lines) - int(self.rate * 80))]
        asked = {name: measured(SIGNALS[name]).measurements["measured_0"] for name in names}
        return {name for name, each in asked.items() if self.sight.value(each, now).value is True}


def alarms(rate: float, hours: int, seed: int) -> dict[str, int]:
    """Return in how many hours each signal was raised, though nothing had changed."""
    app, found = App(rate, Random(seed)), {name: set[int]() for name in SIGNALS}
    app.until(3600)
    while app.seconds < (hours + 1) * 3600:
        app.until(app.seconds + HEALTHY_LOOK_SECONDS)
        for name in app.raised(*SIGNALS):
            found[name].add(int(app.seconds // 3600))
    return {name: len(each) for name, each in found.items()}


def noticed(rate: float, outage: str, seed: int) -> float | None:
    """Return the seconds from an outage's begin until its signal is raised; None for not at all."""
    name, worse = OUTAGES[outage]
    app = App(rate, Random(seed))
    app.until(1800 + Random(seed).uniform(0, 60))
    app.raised(name)
    began, app.outage = app.seconds, worse
    while app.seconds < began + LONGEST_SECONDS:
        app.until(app.seconds + LOOK_SECONDS)
        if app.raised(name):
            return app.seconds - began
    return None
