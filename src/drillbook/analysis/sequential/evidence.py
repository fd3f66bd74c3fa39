"""
How strongly counts speak for a share above or below a given one, whenever one looks.

For one trial with the share p, `ratio ** hit / (1 + (ratio - 1) * p)` has the mean 1. The product
over trials is a test martingale (an e-process): whatever the share up to p (ratios over 1) or from
p on (ratios under 1), and however often one looks, it reaches 1/alpha with a probability of at
most alpha (Ville). A mean of such products over several ratios is one, too: Bernoulli's case of
the multinomial test of Lindon and Malek 2022, with a prior on the odds ratio.
"""

from collections.abc import Sequence
from math import exp, fsum, inf, log, log1p

from drillbook.analysis.sequential.counts import Counts

# Odds that grow by two fifths to 64 fold, or shrink by a fifth to 32 fold. The 1 bets nothing: it
# keeps a part of the evidence when the share tested is far off on the other side.
HIGHER = (1.0, 1.4, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
LOWER = (1.0, 0.8, 0.5, 0.25, 0.125, 0.03125)


def log_evidence(counts: Counts, share: float, ratios: Sequence[float]) -> float:
    """Return the logarithm of the e-value against `share`; falls (HIGHER) or rises with it."""
    return log_mean(
        [counts.hits * log(r) - counts.trials * log1p((r - 1.0) * share) for r in ratios]
    )


def log_mean(logarithms: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """Return the logarithm of the (weighted) mean of numbers given by their logarithms."""
    most = max(logarithms)
    if most in {-inf, inf}:
        return most
    if weights is None:
        return most + log(fsum(exp(each - most) for each in logarithms) / len(logarithms))
    pairs = zip(logarithms, weights, strict=True)
    return most + log(fsum(weight * exp(each - most) for each, weight in pairs) / fsum(weights))
