"""Which routes answer slower than before, at the same load: one place of the code, or all alike."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from drillbook.analysis.culprit.requests import Request
from drillbook.analysis.culprit.scene import Trouble

FEWEST = 5
SLOWER, ALIKE = 3.0, 1.5
LESS_LOAD, MORE_LOAD = 0.5, 1.5


@dataclass(frozen=True, slots=True)
class Latency:
    """What half of a route's answers took at most, in milliseconds, before and since."""

    route: str
    before: float
    since: float

    @property
    def times(self) -> float:
        """How many times as long it takes."""
        return self.since / max(1.0, self.before)


def latencies(trouble: Trouble) -> tuple[Latency, ...]:
    """Return the routes with enough answers before and since, the one that suffers most first."""
    before, since = _times(trouble.before), _times(trouble.since)
    found = [
        Latency(route, median(before[route]), median(times))
        for route, times in since.items()
        if len(times) >= FEWEST and len(before[route]) >= FEWEST
    ]
    return tuple(sorted(found, key=lambda one: -one.times))


def equal_load(trouble: Trouble) -> bool:
    """Whether about as many come as before: more or fewer would tell of the latency as well."""
    return LESS_LOAD <= trouble.rate_ratio <= MORE_LOAD


def _times(requests: Iterable[Request]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for one in requests:
        if one.milliseconds is not None and not one.failed:
            found[one.route].append(one.milliseconds)
    return found
