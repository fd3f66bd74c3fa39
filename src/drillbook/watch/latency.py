"""Are more requests slow than before? By the quantiles of the hour before, settled for minutes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log

from drillbook.analysis.raised import BLOCKS_AN_HOUR, ENOUGH, Raised, Raising
from drillbook.analysis.sequential.bursts import BLOCK_SECONDS
from drillbook.analysis.sequential.counts import Counts
from drillbook.analysis.sequential.latency import FEWEST_BEFORE, QUANTILES, limits
from drillbook.watch.buckets import Bucket

SETTLED_BLOCKS = 300 // BLOCK_SECONDS
STILL_BLOCKS = 2
Buckets = Mapping[int, Bucket]


@dataclass(frozen=True, slots=True)
class Slow:
    """What a look at the times came to."""

    says: str
    known: bool = True
    is_raised: bool = False


@dataclass
class Slowness:
    """The limits in force, and one stream of slow requests for each."""

    bad: set[int] = field(default_factory=set[int])
    _settled: int | None = None
    _streams: dict[float, Raising] = field(default_factory=dict[float, Raising])

    def look(self, buckets: Buckets, *, since: int, now: int) -> Slow:
        """Weigh the requests since a bucket against the hour before it."""
        timed = {block: bucket.times for block, bucket in buckets.items() if bucket.times}
        if not any(block >= since for block in timed):
            return Slow("no request says how long it took", known=False)
        self._settle(timed, since)
        if not self._streams:
            says = f"fewer than {FEWEST_BEFORE} requests before say how long they took"
            return Slow(says, known=False)
        looked = [self._one(limit, stream, timed, since) for limit, stream in self._streams.items()]
        limit, found, goes_on = max(looked, key=lambda each: each[1].log_evidence)
        before, after = found.before, found.after
        told = (
            f"{after.hits:.0f} of {after.trials:.0f} requests took over {limit:.0f} ms, "
            f"{before.hits:.0f} of {before.trials:.0f} in the hour before"
        )
        enough = found.log_evidence >= ENOUGH + log(len(QUANTILES))
        if enough and goes_on and found.since is not None:
            self._mark(found.since, now)
            return Slow(f"{told}: more than chance explains", is_raised=True)
        return Slow(told)

    def _one(
        self, limit: float, stream: Raising, timed: Mapping[int, list[float]], since: int
    ) -> tuple[float, Raised, bool]:
        counts = {
            block: Counts(len(times), sum(time > limit for time in times))
            for block, times in timed.items()
        }
        found = stream.look(counts, since=since)
        newest = sorted(counts)[-STILL_BLOCKS:]
        usual = found.before.share or 0.0
        goes_on = any((counts[block].share or 0.0) > usual for block in newest)
        return limit, found, goes_on

    def _settle(self, timed: Mapping[int, list[float]], since: int) -> None:
        """Take new limits from the calm hour before, now and then."""
        if self._settled is not None and since - self._settled < SETTLED_BLOCKS:
            return
        calm = [b for b in range(since - 2 * BLOCKS_AN_HOUR, since) if b not in self.bad]
        times = [time for block in calm[-BLOCKS_AN_HOUR:] for time in timed.get(block, ())]
        found = limits(times)
        if found or self._settled is None:
            self._streams = {limit.slow_from: Raising(set(self.bad)) for limit in found}
            self._settled = since if found else None

    def _mark(self, first: int, last: int) -> None:
        self.bad.update(range(first, last + 1))
        self.bad = {block for block in self.bad if block > first - 3 * BLOCKS_AN_HOUR}
        for stream in self._streams.values():
            stream.mark(first, last)
