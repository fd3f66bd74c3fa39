"""
Two releases serve at once: the new one is worse if its part of the errors exceeds its share.

Within one block of time both meet the same world, so whatever raises errors for both (a burst, the
hour, a third party) cancels out: under "no higher" each error is the new one's with a probability
of at most its share of the block's requests. This is the multinomial test of Lindon and Malek 2022
on the errors. Drawing the errors without putting back spreads less than drawing them with it
(Hoeffding 1963), so shares counted in the block itself may be used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, log1p

from drillbook.analysis.sequential.before import FAR, NEAR, grid, harmful, smallest
from drillbook.analysis.sequential.counts import Counts
from drillbook.analysis.sequential.evidence import HIGHER, LOWER, log_evidence, log_mean

# A burst of one client that sticks to one release: a block counts as this many errors at most.
_MOST_ERRORS = 4.0


@dataclass(frozen=True, slots=True)
class Pair:
    """One block of time of two releases."""

    old: Counts
    new: Counts


def log_higher_beside(pairs: Sequence[Pair], group: float = 1.0) -> float:
    """Return the logarithm of the e-value against "the new one's share is no higher"."""
    sums = [0.0] * len(HIGHER)
    for pair in pairs:
        hits, trials = pair.old.hits + pair.new.hits, pair.old.trials + pair.new.trials
        if not hits or not pair.old.trials or not pair.new.trials:
            continue  # what one release met alone compares nothing
        weight = min(1.0 / group, _MOST_ERRORS / hits)
        share = pair.new.trials / trials
        for i, ratio in enumerate(HIGHER):
            gain = pair.new.hits * log(ratio) - hits * log1p((ratio - 1.0) * share)
            sums[i] += weight * gain
    return log_mean(sums)


def log_harmless_beside(old: Counts, new: Counts, group: float = 1.0) -> float:
    """
    Return the logarithm of the e-value against "the new one's share is harmfully higher".

    Both counts grow while one looks, so the old one's speaks by an e-process, too.
    """
    old, new = old.grouped(group), new.grouped(group)
    shares = grid(old.hits, old.trials, FAR, NEAR)
    return smallest(
        shares,
        [log_evidence(old, share, HIGHER) for share in shares],
        lambda share: log_evidence(new, harmful(share), LOWER),
        rising=True,
    )
