"""
Are requests slower than before, beyond what harms nobody? By quantiles, not by averages.

After Howard and Ramdas 2022: a quantile is tested by the share of requests beyond it. For a
quantile of the time before, the share q of requests was faster. The share of requests after that
are slower than that quantile *and* a tolerance is held against 1 - q by the test of shares. The
quantile itself is uncertain in exactly the way binomial counts are: of n times before, the r-th
in order leaves a share above it whose p-values are those of n - r hits in n.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from drillbook.analysis.sequential.before import Before, harmful
from drillbook.analysis.sequential.counts import Counts
from drillbook.analysis.sequential.evidence import LOWER, log_evidence, log_mean

QUANTILES = (0.5, 0.9, 0.99)
# Half as slow again, and at least 25 ms more: less is not felt, and not worth going back for.
SLOWER_TIMES = 1.5
SLOWER_MILLISECONDS = 25.0
FEWEST_BEFORE = 50


@dataclass(frozen=True, slots=True)
class Limit:
    """One quantile of the time before, and from where on a request counts as slower."""

    quantile: float
    milliseconds: float
    before: Before

    @property
    def slow_from(self) -> float:
        """The milliseconds beyond which a request is slower than the tolerance allows."""
        return max(SLOWER_TIMES * self.milliseconds, self.milliseconds + SLOWER_MILLISECONDS)

    def count(self, milliseconds: Iterable[float]) -> Counts:
        """Count the requests and the slow ones among them."""
        times = list(milliseconds)
        return Counts(len(times), sum(time > self.slow_from for time in times))

    def log_slower(self, after: Counts) -> float:
        """Return the logarithm of the e-value against "no slower, but for the tolerance"."""
        return self.before.log_higher(after)

    def log_harmless(self, after: Counts) -> float:
        """Return the logarithm of the e-value against "harmfully many requests are slow"."""
        after = after.grouped(self.before.group)
        return log_evidence(after, harmful(1.0 - self.quantile), LOWER)


def limits(before: Sequence[float], group: float = 1.0) -> tuple[Limit, ...]:
    """Return the limits that times before set; none when they are too few to know a quantile."""
    count = len(before)
    if count < FEWEST_BEFORE:
        return ()
    ordered = sorted(before)
    ranks = [(q, min(count, ceil(q * (count + 1)))) for q in QUANTILES]
    return tuple(
        Limit(q, ordered[rank - 1], Before(Counts(count, count - rank), group)) for q, rank in ranks
    )


def log_slower(found: Sequence[Limit], after: Sequence[Counts]) -> float:
    """Return the logarithm of the mean e-value of all quantiles."""
    return log_mean([limit.log_slower(each) for limit, each in zip(found, after, strict=True)])


def quantiles(times: Sequence[float]) -> tuple[float, ...]:
    """Return the times at the quantiles, for people to read; none without times."""
    ordered = sorted(times)
    return tuple(ordered[min(len(ordered), ceil(q * len(ordered))) - 1] for q in QUANTILES if times)
