"""
Is a share higher than before, and is it surely not harmfully so? Before is known from counts only.

Nobody knows the share p before; counts only make some values unlikely. For each p two independent
e-values are multiplied: that of the time after against "at most p", and that of the time before
against p itself (its exact p-value, turned into an e-value). The smallest product over all p is an
e-process for "no higher than before", whatever p truly is: the first true p bounds it (0028).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import exp, inf, log, log1p, sqrt

from drillbook.analysis.sequential.binomial import log_at_least, log_at_most
from drillbook.analysis.sequential.counts import Counts
from drillbook.analysis.sequential.evidence import HIGHER, LOWER, log_evidence

HARMFUL_RATIO = 3.0
HARMFUL_SHARE = 0.01
# With so few requests before, and no hit among them, half of all is taken for the worst usual.
THIN_TRIALS = 20
THIN_SHARE = 0.5
_STEPS = 0.1  # of a standard error: what the grid gives away is a few hundredths of the evidence
NEAR, FAR = 3.0, 8.0
_WIDE_STEP = 0.2


def harmful(share: float) -> float:
    """Return the share that is harmful: threefold odds, and at least one in a hundred more."""
    threefold = HARMFUL_RATIO * share / (1.0 + (HARMFUL_RATIO - 1.0) * share)
    return min(1.0, max(threefold, share + HARMFUL_SHARE))


@dataclass(frozen=True)
class Before:
    """
    What is known of the time before a change: fixed counts, seen before the first look.

    `group` is the size of the groups hits came in: so many trials count as one.
    """

    counts: Counts
    group: float = 1.0
    low: tuple[float, ...] = field(init=False, repr=False, compare=False)
    low_knows: tuple[float, ...] = field(init=False, repr=False, compare=False)
    high: tuple[float, ...] = field(init=False, repr=False, compare=False)
    high_knows: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        grouped = self.counts.grouped(self.group)
        trials, hits = grouped.trials, grouped.hits
        if self.counts.trials < THIN_TRIALS and not self.counts.hits:
            above = grid(hits, trials, NEAR, FAR)
            self._set("high", (*tuple(p for p in above if p < THIN_SHARE), THIN_SHARE))
        else:
            self._set("high", grid(hits, trials, NEAR, FAR))
        self._set("low", grid(hits, trials, FAR, NEAR))
        self._set(
            "high_knows", tuple(log_calibrated(log_at_most(hits, trials, p)) for p in self.high)
        )
        self._set(
            "low_knows", tuple(log_calibrated(log_at_least(hits, trials, p)) for p in self.low)
        )

    def _set(self, name: str, value: tuple[float, ...]) -> None:
        object.__setattr__(self, name, value)

    def log_higher(self, after: Counts) -> float:
        """Return the logarithm of the e-value against "after is no higher than before"."""
        after = after.grouped(self.group)
        return smallest(
            self.high,
            self.high_knows,
            lambda share: log_evidence(after, share, HIGHER),
            rising=False,
        )

    def log_harmless(self, after: Counts, harm: Callable[[float], float] = harmful) -> float:
        """Return the logarithm of the e-value against "after is harmfully higher than before"."""
        after = after.grouped(self.group)
        return smallest(
            self.low,
            self.low_knows,
            lambda share: log_evidence(after, harm(share), LOWER),
            rising=True,
        )


def smallest(
    shares: Sequence[float],
    knows: Sequence[float],
    speaks: Callable[[float], float],
    *,
    rising: bool,
) -> float:
    """
    Return a lower bound of `knows + speaks` over all shares from 0 to the last one (or 1).

    Between two points one of the two rises and the other falls, so the smaller end of each
    bounds their sum: no share between the points can be lower.
    """
    spoken = [speaks(share) for share in shares]
    if rising:  # speaks rises and knows falls
        first = speaks(0.0) + knows[0]
        inner = (spoken[i] + knows[i + 1] for i in range(len(shares) - 1))
        return min(first, min(inner, default=inf))
    first = spoken[0] + _LEAST
    inner = (spoken[i + 1] + knows[i] for i in range(len(shares) - 1))
    return min(first, min(inner, default=inf))


def grid(hits: float, trials: float, below: float, above: float) -> tuple[float, ...]:
    """Return shares from `below` standard errors under the usual one, and on up to 1."""
    if trials <= 0:
        return (1.0,)
    step = exp(_STEPS / sqrt(hits + 1.0))
    middle = (hits + 0.5) / (trials + 1.0)
    odds = middle / (1.0 - middle)
    low = odds * step ** (-below / _STEPS) if hits else odds * exp(-below)
    high = odds * step ** (above / _STEPS)
    shares = []
    while low < high:
        shares.append(low / (1.0 + low))
        low *= step
    while low < 1.0 / _CLOSE_TO_ONE:
        shares.append(low / (1.0 + low))
        low *= 1.0 + _WIDE_STEP
    return (*shares, 1.0)


_CLOSE_TO_ONE = 1e-4
_LEAST = log(0.5)  # what the calibrated p-value 1 is worth


def log_calibrated(log_p: float) -> float:
    """
    Return the logarithm of the e-value of a p-value: (1 - p + p log p) / (p log² p).

    The mean over k of the calibrators k p^(k-1) (Vovk): a falling function with the integral 1.
    """
    if log_p > -1e-4:  # noqa: PLR2004 - there the formula loses its digits, and 1/2 is its limit
        return _LEAST
    p = exp(log_p)
    return log1p(p * (log_p - 1.0)) - log_p - 2.0 * log(-log_p)
