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
NEWEST_HITS = 20
MOST_ROUTES = 200


@dataclass(slots=True)
class Bucket:
    """Ten seconds: users' requests by what they came to, and lines that tell of none."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter[int])
    times: Timed = field(default_factory=list[tuple[float, float]])
    sources: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
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
        self._known_paths: dict[str, int] = {}

    def put(self, lines: Iterable[LogLine], first: int) -> None:
        """Take lines in the place of all that was known from the bucket `first` on."""
        for block in [block for block in self._buckets if block >= first]:
            del self._buckets[block]
        for line in sorted(lines, key=lambda line: line.at):
            block = block_of(line.at)
            if block >= first:
                self._add(self._buckets.setdefault(block, Bucket()), block, line)
        newest = max(self._buckets, default=0)
        for block in [block for block in self._buckets if block <= newest - KEPT_BLOCKS]:
            del self._buckets[block]
        for path in [p for p, block in self._known_paths.items() if block <= newest - KEPT_BLOCKS]:
            del self._known_paths[path]

    def _add(self, bucket: Bucket, block: int, line: LogLine) -> None:
        bucket.lines[line.source] += 1
        if line.status == 0:
            bucket.error_lines += line.level in BAD_LEVELS
            return
        if line.path == self._health_path:  # probes, ours and others', are no users
            return
        bucket.requests += 1
        if line.status < CLIENT_ERROR:
            self._known_paths[line.path] = block
        else:
            bucket.statuses[line.status] += 1
        if line.status >= SERVER_ERROR:
            bucket.hit("errors", line.at.timestamp())
        if line.milliseconds is not None and len(bucket.times) < MOST_TIMES:
            bucket.times.append((line.at.timestamp(), line.milliseconds))
        if line.status != NOT_FOUND:  # the paths a scanner tries are no routes
            _tally(bucket, line)
        self._asked(bucket, line)

    def _asked(self, bucket: Bucket, line: LogLine) -> None:
        """Count who asked, and who of them was refused on a path that others may use."""
        refused = line.status in REFUSALS and line.path in self._known_paths
        source = line.user or line.address
        counts = bucket.unnamed
        if source and (source in bucket.sources or len(bucket.sources) < MOST_SOURCES):
            counts = bucket.sources.setdefault(source, [0, 0])
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


def _tally(bucket: Bucket, line: LogLine) -> None:
    name = named_route(line.method, line.path)
    name = name if name in bucket.routes or len(bucket.routes) < MOST_ROUTES else ""
    bucket.routes.setdefault(name, Tally()).add(
        line.at.timestamp(),
        line.milliseconds,
        line.user or line.address,
        failed=line.status >= SERVER_ERROR,
    )


def block_of(at: datetime) -> int:
    """Return the bucket a moment lies in."""
    return int(at.timestamp() // BLOCK_SECONDS)
