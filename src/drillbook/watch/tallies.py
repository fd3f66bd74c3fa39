"""What the requests of one route came to in ten seconds, kept small."""

from dataclasses import dataclass, field
from functools import lru_cache

from drillbook.analysis.culprit.requests import route_of
from drillbook.analysis.sequential.counts import Counts

MOST_TIMES = 40  # a route in ten seconds
MOST_NAMES = 20
NEWEST_HITS = 20

Timed = list[tuple[float, float]]  # when a request came, and its milliseconds
named_route = lru_cache(maxsize=4096)(route_of)


@dataclass(slots=True)
class Tally:
    """The requests of one route in one bucket; `timed` is when each came and how long it took."""

    requests: int = 0
    errors: int = 0
    hits: list[float] = field(default_factory=list[float])
    timed: Timed = field(default_factory=list[tuple[float, float]])
    names: set[str] = field(default_factory=set[str])
    failing: set[str] = field(default_factory=set[str])

    def add(self, at: float, milliseconds: float | None, who: str, *, failed: bool) -> None:
        """Count one request."""
        self.requests += 1
        if len(self.names) < MOST_NAMES:
            self.names.add(who)
        if milliseconds is not None and len(self.timed) < MOST_TIMES:
            self.timed.append((at, milliseconds))
        if failed:
            self.errors += 1
            self.hits.append(at)
            del self.hits[:-NEWEST_HITS]
            if len(self.failing) < MOST_NAMES:
                self.failing.add(who)

    def join(self, other: "Tally") -> None:
        """Take in what came on a path of the same route."""
        self.requests += other.requests
        self.errors += other.errors
        self.hits = sorted([*self.hits, *other.hits])[-NEWEST_HITS:]
        self.timed = sorted([*self.timed, *other.timed])[:MOST_TIMES]
        self.names |= other.names
        self.failing |= other.failing

    @property
    def counts(self) -> Counts:
        """How many requests there were, and how many failed."""
        return Counts(self.requests, self.errors)
