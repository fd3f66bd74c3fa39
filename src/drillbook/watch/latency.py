"""
Are more requests slow than before? By the quantiles of the hour before, settled for minutes.

Slow is three times a quantile, and a tenth of a second more: what a person does not notice harms
nobody, and wakes nobody up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log

from drillbook.analysis.raised import BLOCKS_AN_HOUR, ENOUGH, Raised, Raising
from drillbook.analysis.sequential.bursts import BLOCK_SECONDS
from drillbook.analysis.sequential.counts import Counts
from drillbook.analysis.sequential.latency import FEWEST_BEFORE, QUANTILES, limits
from drillbook.watch.buckets import Bucket

SETTLED_BLOCKS = 300 // BLOCK_SECONDS
CALM_BLOCKS = 60 // BLOCK_SECONDS  # what is newer may be what has just become slow
STILL_BLOCKS = 2
SLOW_TIMES, SLOW_MILLISECONDS = 3.0, 100.0
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
        self._settle(timed, now - CALM_BLOCKS)
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

    def _settle(self, timed: Mapping[int, list[float]], end: int) -> None:
        """Take new limits from the calm hour before `end`, now and then."""
        if self._settled is not None and end - self._settled < SETTLED_BLOCKS:
            return
        calm = [b for b in range(end - 2 * BLOCKS_AN_HOUR, end) if b not in self.bad]
        times = [time for block in calm[-BLOCKS_AN_HOUR:] for time in timed.get(block, ())]
        found = limits(times)
        if found or self._settled is None:
            usual = [limit.milliseconds for limit in found]
            slow = [max(SLOW_TIMES * each, each + SLOW_MILLISECONDS) for each in usual]
            self._streams = {each: Raising(set(self.bad)) for each in slow}
            self._settled = end if found else None

    def _mark(self, first: int, last: int) -> None:
        self.bad.update(range(first, last + 1))
        self.bad = {block for block in self.bad if block > first - 3 * BLOCKS_AN_HOUR}
        for stream in self._streams.values():
            stream.mark(first, last)
