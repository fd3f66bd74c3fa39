"""Worlds at the edge of the test's assumptions and beyond, by the product's own `Stream`."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from math import pi, sin

from drillbook.analysis.sequential.judging import is_worse, log_worse
from drillbook.analysis.sequential.request import Request
from drillbook.analysis.sequential.stream import Stream

DAY = 86_400.0
WATCHED = 1_800.0


@dataclass(frozen=True)
class World:
    says: str
    per_minute: float
    failing: Callable[[random.Random], Callable[[float], bool]]
    before_seconds: float = DAY
    promised: bool = True  # whether the promise of at most 1 % holds in this world


def independent(share: float) -> Callable[[random.Random], Callable[[float], bool]]:
    return lambda chance: lambda _at: chance.random() < share


def by_hour(low: float, high: float) -> Callable[[random.Random], Callable[[float], bool]]:
    """The share swings over the day; the deployment comes at a random hour."""

    def start(chance: random.Random) -> Callable[[float], bool]:
        phase = chance.random()
        middle, swing = (high + low) / 2, (high - low) / 2
        return lambda at: chance.random() < middle + swing * sin(2 * pi * (at / DAY + phase))

    return start


def clusters(share: float, length: float) -> Callable[[random.Random], Callable[[float], bool]]:
    """Failures come in bursts: within one, half of all requests fail for some seconds."""

    def start(chance: random.Random) -> Callable[[float], bool]:
        bursts: list[tuple[float, float]] = []
        at = -DAY
        while at < WATCHED:
            at += chance.expovariate(share / (0.5 * length))
            bursts.append((at, at + chance.expovariate(1 / length)))
        upcoming = iter(bursts)
        now = [next(upcoming)]

        def failed(at: float) -> bool:
            while now[0][1] < at:
                now[0] = next(upcoming, (2 * WATCHED, 3 * WATCHED))
            return now[0][0] <= at and chance.random() < 0.5

        return failed

    return start


def outage(share: float, seconds: float) -> Callable[[random.Random], Callable[[float], bool]]:
    """One outage while watching, the first ever seen: everything fails for some seconds."""

    def start(chance: random.Random) -> Callable[[float], bool]:
        from_ = chance.uniform(0, WATCHED - seconds)
        return lambda at: from_ <= at < from_ + seconds or chance.random() < share

    return start


WORLDS = (
    World("10 requests before, 1 % errors", 60, independent(0.01), 10.0),
    World("100 requests before, 1 % errors", 60, independent(0.01), 100.0),
    World("100 requests before, 20 % errors", 60, independent(0.2), 100.0),
    World("1,000 requests before, no errors but 0.02 %", 60, independent(0.0002), 1000.0),
    World("all requests fail, before and after", 6, independent(1.0)),
    World("99 % fail, before and after", 6, independent(0.99)),
    World("two in three fail, 5 requests before", 60, independent(0.667), 5.0, promised=False),
    World("share swings 0.5 % to 1.5 % over the day", 30, by_hour(0.005, 0.015), promised=False),
    World("share swings 0 to 2 % over the day", 30, by_hour(0.0, 0.02), promised=False),
    World("bursts of 5 s, as before", 30, clusters(0.01, 5), promised=False),
    World("bursts of 20 s, as before", 30, clusters(0.01, 20), promised=False),
    World("bursts of 60 s, as before", 30, clusters(0.01, 60), promised=False),
    World("bursts of 60 s, 0.2 % errors, as before", 6, clusters(0.002, 60), promised=False),
    World("first outage ever, 5 s", 30, outage(0.002, 5), promised=False),
    World("first outage ever, 20 s", 30, outage(0.002, 20), promised=False),
    World("first outage ever, 60 s", 30, outage(0.002, 60), promised=False),
)


def false_alarms(world: World, count: int, seed: int) -> float:
    chance = random.Random(f"{seed} {world.says}")
    return sum(_called_worse(world, chance) for _ in range(count)) / count


def _called_worse(world: World, chance: random.Random) -> bool:
    failing = world.failing(chance)
    before = _requests(world, -world.before_seconds, 0.0, failing, chance)
    after = _requests(world, 0.0, WATCHED, failing, chance)
    stream = Stream(before)
    for minute in range(1, 31):
        seen = [request for request in after if request.at < 60 * minute]
        if is_worse(log_worse(stream.look(seen).tests)):
            return True
    return False


def _requests(
    world: World,
    from_: float,
    until: float,
    failing: Callable[[float], bool],
    chance: random.Random,
) -> list[Request]:
    found = []
    at = from_ + chance.expovariate(world.per_minute / 60)
    while at < until:
        found.append(Request(at, failing(at)))
        at += chance.expovariate(world.per_minute / 60)
    return found
