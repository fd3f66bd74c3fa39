"""Are answers slower than before, so that people feel it? Of all together, and route by route."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from drillbook.analysis.error_rate import FALSE_ALARMS, fisher_tail
from drillbook.analysis.felt import LONG_SHARE, TESTS, felt_limits
from drillbook.analysis.sequential.latency import limits

FEWEST_SLOW = 3
TAIL = 0.95
Timed = Sequence[tuple[str, float]]  # the route of a request, and its milliseconds


@dataclass(frozen=True, slots=True)
class _Found:
    chance: float
    says: str


def slower(after: Timed, before: Timed) -> str:
    """Return what is slower than before in one sentence, surest first; "" when nothing is."""
    routes, earlier = _by_route(after), _by_route(before)
    tests = TESTS * (len(routes) + 1)
    whole = _found([each for _, each in after], [each for _, each in before], 0.0, tests, "")
    found = [whole] if whole else [
        one
        for route, times in routes.items()
        if (one := _found(times, earlier.get(route, ()), LONG_SHARE, tests, f" to {route}"))
    ]  # fmt: skip
    return min(found, key=lambda one: one.chance).says if found else ""


def tail(times: Timed) -> float | None:
    """Return the milliseconds within which nineteen of twenty were answered."""
    ordered = sorted(each for _, each in times)
    return ordered[ceil(TAIL * len(ordered)) - 1] if ordered else None


def _found(
    after: Sequence[float], before: Sequence[float], long_share: float, tests: int, where: str
) -> _Found | None:
    found = []
    for limit, share in felt_limits(limits(before), long_share).items():
        slow, earlier = (sum(each > limit for each in times) for times in (after, before))
        if slow < max(FEWEST_SLOW, share * len(after)):
            continue
        chance = fisher_tail(slow, len(after), earlier, len(before))
        says = (
            f"{slow} of {len(after)} requests{where} took over {limit:.0f} ms, "
            f"{earlier} of {len(before)} before"
        )
        if chance * tests < FALSE_ALARMS:
            found.append(_Found(chance, says))
    return min(found, key=lambda one: one.chance, default=None)


def _by_route(timed: Timed) -> Mapping[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for route, milliseconds in timed:
        found[route].append(milliseconds)
    return found
