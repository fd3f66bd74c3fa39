"""
Simulated incidents: what users and own probes meet in an hour, and what was changed in it.

Written apart from analysis/onset, and without its model: clients that try again, bots in bursts,
traffic that swells, failures that climb, troubles that came and went before, releases that hurt at
once or later, and others that did not hurt at all.
"""

from dataclasses import dataclass, field

import numpy as np

from drillbook.analysis.sequential.before import Before
from drillbook.analysis.sequential.counts import Counts
from drillbook.analysis.sequential.judging import is_worse
from drillbook.core.incident import ChangeKind

RATES = (2, 4, 8, 15, 30, 60, 120, 240, 400, 600)
PROBE_EVERY = 5.0
LOOK_EVERY, LOOKED_BACK = 10.0, 120.0
LONGEST_UNNOTICED = 1800.0
RETRIES = 0.3  # of the clients try again a few seconds after a failure, and fail alike
COVERED = 0.8  # of the failing routes are among those that are probed
SHAPES = ("at once", "one route", "climbing", "after a mended one", "after spikes")
OTHER_KINDS = (ChangeKind.MIGRATION, ChangeKind.VALUE, ChangeKind.FLAG, ChangeKind.REPOSITORY)


@dataclass(frozen=True)
class Incident:
    seed: int
    rate: int
    shape: str
    guilty: int | None  # which of the changes did it
    onset: float
    now: float
    share: float
    base: float
    times: list[float]
    bad: list[bool]
    probe_times: list[float]
    probe_bad: list[bool]
    changes: list[tuple[ChangeKind, float]]


@dataclass
class _World:
    """The share of failures of users' requests over time, by pieces; and of probes."""

    base: float
    pieces: list[tuple[float, float, float]] = field(default_factory=list)  # from, to, share
    climb: float = 0.0

    def share(self, at: float) -> float:
        for start, end, share in self.pieces:
            if start <= at < end:
                climbing = min(1.0, (at - start) / self.climb) if self.climb else 1.0
                return max(self.base, share * (climbing if end == np.inf else 1.0))
        return self.base


def incident(seed: int, guilty: bool, window: float = 3600.0) -> Incident | None:
    """Return one incident, up to when it would be noticed; None when nobody notices it in time."""
    random = np.random.default_rng([33, seed, int(guilty)])
    rate = RATES[seed % len(RATES)]
    shape = SHAPES[(seed // len(RATES)) % len(SHAPES)]
    begin = float(random.uniform(-120, 120))  # of the window: no grid's edge is special
    onset = begin + window - float(random.uniform(0, 600))
    share = _share(shape, random)
    base = float(random.choice([0.0, 0.001, 0.005, 0.02]))
    world = _world(shape, base, share, onset, random)
    end = onset + LONGEST_UNNOTICED
    times, bad = _users(world, rate, begin, end, random)
    probe_times, probe_bad = _probes(world, shape, share, begin, end, random)
    seen = _noticed(times, bad, probe_times, probe_bad, onset)
    if seen is None:
        return None
    now = seen + float(random.uniform(5, 20))
    changes, index = _changes(onset, begin, now, guilty, random)
    kept, asked = int(np.searchsorted(times, now)), int(np.searchsorted(probe_times, now))
    return Incident(
        seed, rate, shape, index, onset, now, share, base, times[:kept], bad[:kept],
        probe_times[:asked], probe_bad[:asked], changes,
    )  # fmt: skip


def _share(shape: str, random: np.random.Generator) -> float:
    if shape == "one route":
        return float(np.exp(random.uniform(np.log(0.08), np.log(0.4))))
    return float(random.uniform(0.3, 1.0))


def _world(
    shape: str, base: float, share: float, onset: float, random: np.random.Generator
) -> _World:
    world = _World(base)
    if shape == "after a mended one":
        mended = onset - float(random.uniform(60, 600))
        length = float(random.uniform(120, 1200))
        world.pieces.append((mended - length, mended, float(random.uniform(0.2, 1.0))))
    if shape == "after spikes":
        for _ in range(int(random.integers(1, 4))):
            at = onset - float(random.uniform(120, 3000))
            world.pieces.append((at, at + float(random.uniform(2, 15)), 0.9))
    world.pieces.append((onset, np.inf, share))
    world.climb = float(random.uniform(30, 240)) if shape == "climbing" else 0.0
    return world


def _users(
    world: _World, rate: int, begin: float, end: float, random: np.random.Generator
) -> tuple[list[float], list[bool]]:
    """Return users' requests: a swell of traffic, failures, and those who try again."""
    swell, phase = float(random.uniform(0, 0.4)), float(random.uniform(0, 6.28))
    most = rate / 60.0 * (1 + swell)
    count = random.poisson(most * (end - begin))
    found = []
    for at in np.sort(random.uniform(begin, end, count)):
        if random.random() > (1 + swell * np.sin(at / 900.0 + phase)) / (1 + swell):
            continue
        failed = bool(random.random() < world.share(at))
        found.append((float(at), failed))
        if failed and random.random() < RETRIES:
            again = float(at + random.uniform(1, 5))
            found.append((again, bool(random.random() < max(0.7, world.share(again)))))
    found.sort()
    return [at for at, _ in found], [failed for _, failed in found]


def _probes(
    world: _World,
    shape: str,
    share: float,
    begin: float,
    end: float,
    random: np.random.Generator,
) -> tuple[list[float], list[bool]]:
    """Return own probes: paths in turn; a failing route fails each time it is asked, if it is."""
    paths = int(random.integers(2, 6))
    failing = int(random.integers(paths)) if random.random() < COVERED else None
    times = [float(t) for t in np.arange(begin + random.uniform(0, PROBE_EVERY), end, PROBE_EVERY)]
    bad = []
    for i, at in enumerate(times):
        chance = world.share(at)
        if shape == "one route" and chance == share:
            chance = 1.0 if i % paths == failing else world.base
        bad.append(bool(random.random() < chance))
    return times, bad


def _noticed(
    times: list[float],
    bad: list[bool],
    probe_times: list[float],
    probe_bad: list[bool],
    onset: float,
) -> float | None:
    """Return the first look at which users or probes suffice: at most one false alarm in 100."""
    streams = [_Watched.of(times, bad, onset), _Watched.of(probe_times, probe_bad, onset)]
    for at in np.arange(onset + LOOK_EVERY, onset + LONGEST_UNNOTICED, LOOK_EVERY):
        if any(stream.is_worse(float(at)) for stream in streams):
            return float(at)
    return None


@dataclass(frozen=True)
class _Watched:
    times: list[float]
    bad: list[bool]
    before: Before

    @classmethod
    def of(cls, times: list[float], bad: list[bool], onset: float) -> "_Watched":
        count = int(np.searchsorted(times, onset))
        return cls(times, bad, Before(Counts(count, sum(bad[:count]))))

    def is_worse(self, at: float) -> bool:
        """Look back two minutes; where little came, as far as five requests reach."""
        last = int(np.searchsorted(self.times, at))
        first = min(int(np.searchsorted(self.times, at - LOOKED_BACK)), max(0, last - 5))
        failed = sum(self.bad[first:last])
        if failed <= 1:
            return False
        return is_worse(self.before.log_higher(Counts(last - first, failed)) - np.log(2))


def _changes(
    onset: float, begin: float, now: float, guilty: bool, random: np.random.Generator
) -> tuple[list[tuple[ChangeKind, float]], int | None]:
    """Return harmless changes at any time and, on request, the deployment that did it."""
    found = [
        (ChangeKind.DEPLOYMENT, float(random.uniform(begin, now)))
        for _ in range(int(random.integers(0, 4)))
    ]
    found += [
        (OTHER_KINDS[int(random.integers(len(OTHER_KINDS)))], float(random.uniform(begin, now)))
        for _ in range(int(random.integers(0, 3)))
    ]
    if guilty:
        at_once = random.random() < 0.85
        lag = random.uniform(0, 10) if at_once else random.uniform(10, 60)
        found.append((ChangeKind.DEPLOYMENT, onset - float(lag)))
    order = random.permutation(len(found))
    mixed = [found[i] for i in order]
    return mixed, int(np.where(order == len(found) - 1)[0][0]) if guilty else None


def calm(seed: int, window: float = 3600.0) -> Incident:
    """Return an hour without a trouble that holds: background, spikes, perhaps a mended one."""
    random = np.random.default_rng([34, seed])
    rate = RATES[seed % len(RATES)]
    base = float(random.choice([0.0, 0.001, 0.005, 0.02, 0.05]))
    world = _World(base)
    for _ in range(int(random.integers(0, 4))):
        at = float(random.uniform(0, window - 60))
        world.pieces.append((at, at + float(random.uniform(2, 15)), 0.9))
    if random.random() < 0.5:
        mended = float(random.uniform(1200, window - 300))
        world.pieces.append((mended - float(random.uniform(120, 900)), mended, 0.6))
    times, bad = _users(world, rate, 0.0, window, random)
    probe_times, probe_bad = _probes(world, "at once", 0.0, 0.0, window, random)
    return Incident(
        seed, rate, "calm", None, np.inf, window, 0.0, base, times, bad, probe_times, probe_bad, [],
    )  # fmt: skip
