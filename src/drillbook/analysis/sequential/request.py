"""Requests as the tests see them, and their counts in blocks of time."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from drillbook.analysis.sequential.bursts import BLOCK_SECONDS
from drillbook.analysis.sequential.counts import Counts


@dataclass(frozen=True, slots=True)
class Request:
    """One request: when (seconds, any origin), whether it failed, and how long it took."""

    at: float
    failed: bool
    milliseconds: float | None = None


Hit = Callable[[Request], bool]


def failed(request: Request) -> bool:
    """Tell whether a request failed."""
    return request.failed


def slower_than(milliseconds: float) -> Hit:
    """Return the question whether a request took longer."""
    return lambda request: request.milliseconds is not None and request.milliseconds > milliseconds


def timed(requests: Iterable[Request]) -> list[Request]:
    """Return the requests whose length is known."""
    return [request for request in requests if request.milliseconds is not None]


def blocks(requests: Iterable[Request], hit: Hit) -> dict[int, Counts]:
    """Return the counts of each block of time that has requests."""
    trials: dict[int, int] = {}
    hits: dict[int, int] = {}
    for request in requests:
        block = int(request.at // BLOCK_SECONDS)
        trials[block] = trials.get(block, 0) + 1
        hits[block] = hits.get(block, 0) + hit(request)
    return {block: Counts(count, hits[block]) for block, count in trials.items()}


def in_row(found: Mapping[int, Counts]) -> list[Counts]:
    """Return the blocks from the first to the last, the empty ones between them, too."""
    if not found:
        return []
    return [found.get(block, Counts()) for block in range(min(found), max(found) + 1)]


def total(counts: Iterable[Counts]) -> Counts:
    """Return all counts together."""
    return sum(counts, Counts())
