"""What was seen over time, cut into cells: hits, and what stands against them."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise
from operator import le

_SHORTEST_SECONDS = 1e-3  # events closer than this count as one moment


@dataclass(frozen=True, slots=True)
class Seen:
    """
    One stream: when something was seen, and whether it was bad; by time, oldest first.

    Without `is_bad` each event is a bad one and there is nothing to count it against, such as
    lines that only errors write: then the rate by the clock is what rises.
    """

    times: Sequence[float]
    is_bad: Sequence[bool] | None
    sums: Sequence[int]

    @classmethod
    def of(cls, times: Sequence[float], is_bad: Sequence[bool] | None) -> "Seen":
        """Return the stream in order."""
        if is_bad is not None and len(times) != len(is_bad):
            raise ValueError(f"{len(times)} times and {len(is_bad)} of what was seen then")
        if not all(map(le, times, islice(times, 1, None))):
            if is_bad is None:
                times = sorted(times)
            else:
                pairs = sorted(zip(times, is_bad, strict=True))
                times, is_bad = [at for at, _ in pairs], [bad for _, bad in pairs]
        sums = range(len(times) + 1) if is_bad is None else list(accumulate(is_bad, initial=0))
        return cls(times, is_bad, sums)

    @property
    def has_denominator(self) -> bool:
        """Whether good ones were seen, too."""
        return self.is_bad is not None


@dataclass(frozen=True, slots=True)
class Cells:
    """Time cut at `edges`; of each cell its hits, and the good ones or the seconds beside them."""

    edges: Sequence[float]
    hits: Sequence[Sequence[int]]  # by stream, then by cell
    rest: Sequence[Sequence[float]]

    def seconds(self, cell: int) -> float:
        """Return how long a cell is."""
        return self.edges[cell + 1] - self.edges[cell]

    def __len__(self) -> int:
        return len(self.edges) - 1


def cut(streams: Sequence[Seen], edges: Sequence[float]) -> Cells:
    """Count each stream between the edges; a cell begins after its first edge."""
    hits: list[list[int]] = []
    rest: list[list[float]] = []
    for stream in streams:
        places = _places(stream.times, edges)
        bad = [stream.sums[b] - stream.sums[a] for a, b in pairwise(places)]
        hits.append(bad)
        if stream.has_denominator:
            counts = (b - a for a, b in pairwise(places))
            rest.append([float(all_ - one) for all_, one in zip(counts, bad, strict=True)])
        else:
            rest.append([b - a for a, b in pairwise(edges)])
    return Cells(edges, hits, rest)


def _places(times: Sequence[float], edges: Sequence[float]) -> list[int]:
    # The first edge takes in what lies on it; every other belongs to the cell it ends.
    return [bisect_left(times, edges[0]), *(bisect_right(times, edge) for edge in edges[1:])]


def even(start: float, end: float, count: int) -> list[float]:
    """Return edges of `count` equal cells."""
    step = (end - start) / count
    return [*(start + i * step for i in range(count)), end]


def at_events(streams: Iterable[Seen], start: float, end: float) -> list[float]:
    """Return edges at each event: a change between two of them shows in the later one."""
    edges = [start]
    for at in sorted(at for stream in streams for at in stream.times if start < at < end):
        if at - edges[-1] > _SHORTEST_SECONDS:
            edges.append(at)
    if end - edges[-1] <= _SHORTEST_SECONDS and len(edges) > 1:
        edges.pop()
    return [*edges, end]
