"""
Are more requests slow than before? By the quantiles of the hour before, settled for minutes.

Slow is what people feel: a quarter of all requests take three times the median and a tenth of a
second more, or more requests than before take three times a higher quantile and over a second.
What nobody notices wakes nobody up, such as a tail that grows on a busy machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log

from drillbook.analysis.raised import BLOCKS_AN_HOUR, ENOUGH, Raised, Raising
from drillbook.analysis.sequential.bursts import BLOCK_SECONDS
from drillbook.analysis.sequential.counts import Counts
from drillbook.analysis.sequential.latency import FEWEST_BEFORE, QUANTILES, Limit, limits
from drillbook.watch.buckets import Bucket

SETTLED_BLOCKS = 300 // BLOCK_SECONDS
CALM_BLOCKS = 60 // BLOCK_SECONDS  # what is newer may be what has just become slow
SLOW_TIMES, FELT_MILLISECONDS, LONG_MILLISECONDS = 3.0, 100.0, 1000.0
FELT_SHARE = 0.25
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
        limit, found, felt = max(looked, key=lambda each: (each[2], each[1].log_evidence))
        before, after = found.before, found.after
        told = (
            f"{after.hits:.0f} of {after.trials:.0f} requests took over {limit:.0f} ms, "
            f"{before.hits:.0f} of {before.trials:.0f} in the hour before"
        )
        if felt and found.since is not None:
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
        enough = found.log_evidence >= ENOUGH + log(len(QUANTILES)) and found.goes_on
        many = limit >= LONG_MILLISECONDS or (found.after.share or 0.0) >= FELT_SHARE
        return limit, found, enough and many

    def _settle(self, timed: Mapping[int, list[float]], end: int) -> None:
        """Take new limits from the calm hour before `end`, now and then."""
        if self._settled is not None and end - self._settled < SETTLED_BLOCKS:
            return
        calm = [b for b in range(end - 2 * BLOCKS_AN_HOUR, end) if b not in self.bad]
        times = [time for block in calm[-BLOCKS_AN_HOUR:] for time in timed.get(block, ())]
        found = limits(times)
        if found or self._settled is None:
            slow = {_slow_from(limit) for limit in found}
            self._streams = {each: Raising(set(self.bad)) for each in sorted(slow)}
            self._settled = end if found else None

    def _mark(self, first: int, last: int) -> None:
        self.bad.update(range(first, last + 1))
        self.bad = {block for block in self.bad if block > first - 3 * BLOCKS_AN_HOUR}
        for stream in self._streams.values():
            stream.mark(first, last)


def _slow_from(limit: Limit) -> float:
    times = SLOW_TIMES * limit.milliseconds
    if limit.quantile == min(QUANTILES):
        return max(times, limit.milliseconds + FELT_MILLISECONDS)
    return max(times, LONG_MILLISECONDS)
