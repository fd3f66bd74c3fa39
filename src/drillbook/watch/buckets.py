"""What requests came to, kept small: ten seconds a bucket, an hour and a half of them."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from drillbook.analysis.sequential.bursts import BLOCK_SECONDS
from drillbook.analysis.sequential.counts import Counts
from drillbook.ports.logs import LogLine
from drillbook.watch.tallies import Tally, Timed, named_route

SERVER_ERROR, CLIENT_ERROR, NOT_FOUND = 500, 400, 404
REFUSALS = frozenset({401, 403, 429})
BAD_LEVELS = frozenset({"error", "critical", "fatal", "panic", "alert", "emergency", "err"})
KEPT_BLOCKS = 5400 // BLOCK_SECONDS
MOST_TIMES = 400  # a bucket: more would say no more of a quantile
MOST_SOURCES = 1000
MOST_ASKED = 5000  # a bucket: of so many pairs of who asked and what
NEWEST_HITS = 20
MOST_ROUTES = 200
Asked = dict[tuple[str, str], list[int]]  # who asked for which route: how often, and refused


@dataclass(slots=True)
class Bucket:
    """Ten seconds: users' requests by what they came to, and lines that tell of none."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter[int])
    times: Timed = field(default_factory=list[tuple[float, float]])
    sources: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    refused: set[str] = field(default_factory=set[str])
    unnamed: list[int] = field(default_factory=lambda: [0, 0])
    hits: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    routes: dict[str, Tally] = field(default_factory=dict[str, Tally])
    error_lines: int = 0
    lines: Counter[str] = field(default_factory=Counter[str])

    @property
    def errors(self) -> int:
        """How many requests ended in 500 or more."""
        return sum(count for status, count in self.statuses.items() if status >= SERVER_ERROR)

    def hit(self, what: str, at: float) -> None:
        """Note when something came, the newest times of it."""
        times = self.hits.setdefault(what, [])
        times.append(at)
        del times[:-NEWEST_HITS]


class Buckets:
    """The buckets of one environment; `health_path` is asked by probes, and not by users."""

    def __init__(self, health_path: str) -> None:
        self._health_path = health_path.partition("?")[0]
        self._buckets: dict[int, Bucket] = {}
        self._known_routes: dict[str, int] = {}

    def put(self, lines: Iterable[LogLine], first: int) -> None:
        """Take lines in the place of all that was known from the bucket `first` on."""
        for block in [block for block in self._buckets if block >= first]:
            del self._buckets[block]
        asked: dict[int, Asked] = {}
        for line in sorted(lines, key=lambda line: line.at):
            block = block_of(line.at)
            if block >= first:
                bucket = self._buckets.setdefault(block, Bucket())
                self._add(bucket, block, line, asked.setdefault(block, {}))
        for block, of_block in asked.items():
            self._buckets[block].refused = _refused(of_block)
        newest = max(self._buckets, default=0)
        for block in [block for block in self._buckets if block <= newest - KEPT_BLOCKS]:
            del self._buckets[block]
        old = [name for name, at in self._known_routes.items() if at <= newest - KEPT_BLOCKS]
        for name in old:
            del self._known_routes[name]

    def _add(self, bucket: Bucket, block: int, line: LogLine, asked: Asked) -> None:
        bucket.lines[line.source] += 1
        if line.status == 0:
            bucket.error_lines += line.level in BAD_LEVELS
            return
        if line.path == self._health_path:  # probes, ours and others', are no users
            return
        bucket.requests += 1
        route = named_route(line.method, line.path)
        if line.status < CLIENT_ERROR:
            self._known_routes[route] = block
        else:
            bucket.statuses[line.status] += 1
        if line.status >= SERVER_ERROR:
            bucket.hit("errors", line.at.timestamp())
        if line.milliseconds is not None and len(bucket.times) < MOST_TIMES:
            bucket.times.append((line.at.timestamp(), line.milliseconds))
        if line.status != NOT_FOUND:  # the paths a scanner tries are no routes
            _tally(bucket, line, route)
        self._asked(bucket, line, route, asked)

    def _asked(self, bucket: Bucket, line: LogLine, route: str, asked: Asked) -> None:
        """Count who asked, and who of them was refused on a route that others may use."""
        refused = line.status in REFUSALS and route in self._known_routes
        source = line.user or line.address
        counts = bucket.unnamed
        if source and (source in bucket.sources or len(bucket.sources) < MOST_SOURCES):
            counts = bucket.sources.setdefault(source, [0, 0])
            for pair in ((source, ""), (source, route)):
                if pair in asked or len(asked) < MOST_ASKED:
                    on_route = asked.setdefault(pair, [0, 0])
                    on_route[0] += 1
                    on_route[1] += refused
        counts[0] += 1
        counts[1] += refused
        if refused:
            bucket.hit("refusals", line.at.timestamp())

    def since(self, first: int) -> dict[int, Bucket]:
        """Return the buckets from this one on that have anything in them, in order of time."""
        return {block: self._buckets[block] for block in sorted(self._buckets) if block >= first}

    def counts(self, of: Callable[[Bucket], Counts]) -> dict[int, Counts]:
        """Return what each bucket comes to, of those with any trial."""
        found = {block: of(bucket) for block, bucket in self._buckets.items()}
        return {block: counts for block, counts in found.items() if counts.trials}

    def hits(self, what: str, first: int) -> list[float]:
        """Return the times something came since a bucket, the newest of each bucket."""
        return [at for bucket in self.since(first).values() for at in bucket.hits.get(what, ())]

    @property
    def newest(self) -> int | None:
        """The newest bucket with anything in it."""
        return max(self._buckets, default=None)


def _refused(asked: Asked) -> set[str]:
    """Return who was refused more often than not, altogether or on one route."""
    return {source for (source, _), (count, denied) in asked.items() if 2 * denied > count}


def _tally(bucket: Bucket, line: LogLine, route: str) -> None:
    name = route if route in bucket.routes or len(bucket.routes) < MOST_ROUTES else ""
    bucket.routes.setdefault(name, Tally()).add(
        line.at.timestamp(),
        line.milliseconds,
        line.user or line.address,
        failed=line.status >= SERVER_ERROR,
    )


def block_of(at: datetime) -> int:
    """Return the bucket a moment lies in."""
    return int(at.timestamp() // BLOCK_SECONDS)
