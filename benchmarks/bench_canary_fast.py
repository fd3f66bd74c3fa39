"""The tests of drillbook.analysis.sequential for many deployments at once, by numpy.

The grids and what the time before says of them are the product's own objects; only the loop over
them is written again. tests/canary/test_bench_canary.py holds both against each other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drillbook.analysis.sequential.before import Before, harmful
from drillbook.analysis.sequential.evidence import HIGHER, LOWER

Array = NDArray[np.float64]
LEAST = np.log(0.5)
_ROWS = 2_000


@dataclass(frozen=True)
class Fast:
    """`Before` of one baseline for arrays of counts after."""

    before: Before

    def log_higher(self, trials: Array, hits: Array) -> Array:
        shares = np.array(self.before.high)
        knows = np.array(self.before.high_knows)
        # Between two shares the evidence is least at the upper one, and what is known at the lower.
        return _smallest(shares, np.r_[LEAST, knows[:-1]], HIGHER, trials, hits, self.before.group)

    def log_harmless(self, trials: Array, hits: Array) -> Array:
        low = np.array(self.before.low)
        shares = np.array([harmful(share) for share in np.r_[0.0, low[:-1]]])
        knows = np.array(self.before.low_knows)
        return _smallest(shares, knows, LOWER, trials, hits, self.before.group)

    def log_higher_at_most(self, trials: Array, hits: Array) -> Array:
        """A quick upper bound: the value at one share near the usual one."""
        shares = np.array(self.before.high)
        counts = self.before.counts
        usual = (counts.hits + 0.5) / (counts.trials + 1.0)
        at = min(len(shares) - 1, max(1, int(np.searchsorted(shares, usual))))
        knows = np.array([self.before.high_knows[at - 1]])
        return _smallest(shares[[at]], knows, HIGHER, trials, hits, self.before.group)


def log_evidence(
    share: float, ratios: tuple[float, ...], trials: Array, hits: Array, group: float = 1.0
) -> Array:
    return _smallest(np.array([share]), np.zeros(1), ratios, trials, hits, group)


def log_mean(logs: list[Array], weights: list[float]) -> Array:
    stacked = np.stack([log + np.log(weight) for log, weight in zip(logs, weights, strict=True)])
    return np.asarray(np.logaddexp.reduce(stacked, axis=0) - np.log(sum(weights)))


def _smallest(
    shares: Array,
    knows: Array,
    ratios: tuple[float, ...],
    trials: Array,
    hits: Array,
    group: float,
) -> Array:
    ratio = np.array(ratios)
    costs = np.log1p(np.outer(shares, ratio - 1.0))  # share x ratio
    gains = np.log(ratio)
    flat_trials, flat_hits = np.ravel(trials) / group, np.ravel(hits) / group
    found = np.empty(flat_trials.shape)
    for first in range(0, len(found), _ROWS):
        n, k = flat_trials[first : first + _ROWS], flat_hits[first : first + _ROWS]
        logs = k[:, None, None] * gains - n[:, None, None] * costs
        most = logs.max(axis=2)
        sums = most + np.log(np.exp(logs - most[..., None]).mean(axis=2))
        found[first : first + _ROWS] = (sums + knows).min(axis=1)
    return found.reshape(np.shape(trials))
