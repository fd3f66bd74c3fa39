"""
Are more requests slow than before? By the quantiles of the hour before, settled for minutes.

Slow is what people feel (`analysis.felt`). What nobody notices wakes nobody up, such as a tail that
grows on a busy machine. Each route is held against its own usual as well: there a tenth of its
requests must take over a second.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, log

from drillbook.analysis.felt import LONG_SHARE, TESTS, felt_limits
from drillbook.analysis.raised import BLOCKS_AN_HOUR, ENOUGH, Raised, Raising, lasted
from drillbook.analysis.sequential.bursts import BLOCK_SECONDS
from drillbook.analysis.sequential.counts import Counts
from drillbook.analysis.sequential.latency import FEWEST_BEFORE, limits
from drillbook.watch.buckets import Bucket
from drillbook.watch.routes import ROUTE_PART, WHOLE_PART, Routes
from drillbook.watch.tallies import Timed

SETTLED_BLOCKS = 300 // BLOCK_SECONDS
LATELY_BLOCKS = 30 // BLOCK_SECONDS
FEWEST_LATELY = 20
CALM_BLOCKS = 60 // BLOCK_SECONDS  # what is newer may be what has just become slow
STILL = 0.5  # what was felt is so until half of that share is left
Times = Mapping[int, Timed]


@dataclass(frozen=True, slots=True)
class Slow:
    """What a look at the times came to."""

    says: str
    known: bool = True
    is_raised: bool = False


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at one limit came to; `felt` when people feel it."""

    limit: float
    found: Raised
    felt: bool

    @property
    def order(self) -> tuple[bool, float]:
        """What is felt first, then what is surest."""
        return self.felt, self.found.log_evidence

    def says(self, where: str) -> str:
        """Return what was counted after and before."""
        before, after = self.found.before, self.found.after
        return (
            f"{after.hits:.0f} of {after.trials:.0f} requests{where} took over "
            f"{self.limit:.0f} ms, {before.hits:.0f} of {before.trials:.0f} in the hour before"
        )


@dataclass
class Stream:
    """
    The limits of one stream of requests, and the slow ones over each; `part` as in `Raising`.

    `long_share` of the requests must be over a second for that to be felt.
    """

    part: float
    long_share: float
    bad: set[int] = field(default_factory=set[int])
    _settled: int | None = None
    _tried: int = 0
    _felt: bool = False
    _shares: dict[float, float] = field(default_factory=dict[float, float])
    _streams: dict[float, Raising] = field(default_factory=dict[float, Raising])
    _counts: dict[int, tuple[Timed, dict[float, Counts]]] = field(
        default_factory=dict[int, tuple[Timed, dict[float, Counts]]]
    )

    def look(self, timed: Times, *, since: int, now: int) -> Looked | None:
        """Weigh the requests since a bucket; None where too few are known, or none is slow."""
        self._settle(timed, now - CALM_BLOCKS)
        if not self._streams:
            return None
        self._count(timed)
        newest = [each for block, (_, each) in self._counts.items() if block >= since]
        looked = [
            self._one(limit, stream, timed, since, now)
            for limit, stream in self._streams.items()
            if self.part == WHOLE_PART or any(each[limit].hits for each in newest)
        ]
        best = max(looked, key=lambda each: each.order, default=None)
        self._felt = best is not None and best.felt
        return best

    def leave_out(self, blocks: set[int]) -> None:
        """Leave these out of what is usual."""
        if blocks - self.bad:
            self.bad |= blocks
            for stream in self._streams.values():
                stream.leave_out(blocks)

    def _count(self, timed: Times) -> None:
        for block in [
            each for each in self._counts if timed.get(each) is not self._counts[each][0]
        ]:
            del self._counts[block]
        for block, times in timed.items():
            if block not in self._counts:
                self._counts[block] = (
                    times,
                    {
                        limit: Counts(len(times), sum(time > limit for _, time in times))
                        for limit in self._streams
                    },
                )

    def _one(self, limit: float, stream: Raising, timed: Times, since: int, now: int) -> Looked:
        counts = {block: each[limit] for block, (_, each) in self._counts.items()}
        found = stream.look(counts, since=since)
        is_sure = found.log_evidence >= ENOUGH + log(TESTS) - log(self.part)
        if not is_sure or not found.goes_on or found.since is None:
            return Looked(limit, found, felt=False)
        # By the newest ones: an outage that is over must neither raise nor thin out the share.
        newest = _newest(timed, found.since, now)
        slow = [at for at, time in newest if time > limit]
        least = self._shares[limit] * (STILL if self._felt else 1.0)
        return Looked(limit, found, lasted(slow) and len(slow) >= least * len(newest))

    def _settle(self, timed: Times, end: int) -> None:
        """Take new limits from the calm hour before `end`, now and then."""
        if self._tried == end:
            return
        self._tried = end
        if self._settled is not None and end - self._settled < SETTLED_BLOCKS:
            return
        calm = [b for b in range(end - 2 * BLOCKS_AN_HOUR, end) if b not in self.bad]
        times = [time for block in calm[-BLOCKS_AN_HOUR:] for _, time in timed.get(block, ())]
        found = limits(times)
        if found or self._settled is None:
            self._shares = felt_limits(found, self.long_share)
            self._streams = {each: Raising(set(self.bad)) for each in sorted(self._shares)}
            self._settled = end if found else None
            self._counts = {}


@dataclass
class Slowness:
    """All requests together, and those of each route."""

    bad: set[int] = field(default_factory=set[int])
    _whole: Stream = field(default_factory=lambda: Stream(WHOLE_PART, 0.0))
    _routes: dict[str, Stream] = field(default_factory=dict[str, Stream])

    def look(self, buckets: Mapping[int, Bucket], routes: Routes, *, since: int, now: int) -> Slow:
        """Weigh the requests since a bucket against the hour before it."""
        timed = {block: bucket.times for block, bucket in buckets.items() if bucket.times}
        if not any(block >= since for block in timed):
            return Slow("no request says how long it took", known=False)
        self._whole.leave_out(self.bad)
        whole = self._whole.look(timed, since=since, now=now)
        where, worst = self._worst(routes, since, now)
        found = whole if worst is None or (whole and whole.felt) else worst
        if found is None:
            says = f"fewer than {FEWEST_BEFORE} requests before say how long they took"
            return Slow(says, known=False)
        told = found.says("" if found is whole else f" to {where}")
        if not found.felt or found.found.since is None:
            return Slow(told)
        self._mark(found.found.since, now)
        also = f"; {worst.says(f' to {where}')}" if worst and worst is not found else ""
        return Slow(f"{told}: more than chance explains{also}", is_raised=True)

    def _worst(self, routes: Routes, since: int, now: int) -> tuple[str, Looked | None]:
        """Return the route that is slow most surely; none where none is."""
        for name in [name for name in self._routes if name not in routes.timed]:
            del self._routes[name]
        least = -inf
        best: tuple[str, Looked | None] = "", None
        for name, timed in routes.timed.items():
            stream = self._routes.setdefault(name, Stream(ROUTE_PART, LONG_SHARE))
            stream.leave_out(self.bad)
            looked = stream.look(timed, since=since, now=now)
            if looked and looked.felt and looked.found.log_evidence > least:
                least, best = looked.found.log_evidence, (name, looked)
        return best

    def _mark(self, first: int, last: int) -> None:
        self.bad.update(range(first, last + 1))
        self.bad = {block for block in self.bad if block > first - 3 * BLOCKS_AN_HOUR}


def _newest(timed: Times, first: int, now: int) -> Timed:
    """Return the requests of the newest half minute in order, and so many as can tell a share."""
    found: list[Timed] = []
    for block in range(now, first - 1, -1):
        if block <= now - LATELY_BLOCKS and sum(map(len, found)) >= FEWEST_LATELY:
            break
        found.insert(0, timed.get(block, []))
    return [each for block in found for each in block]
