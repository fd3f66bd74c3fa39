"""Simulated deployments: what users and probes meet before and after, counted in blocks of 10 s."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drillbook.actions.deployment.watch_looks import ASKED_A_MINUTE
from drillbook.analysis.sequential.bursts import (
    BLOCK_SECONDS,
    BURST_BLOCKS,
    BURST_HITS,
    BURST_TIMES,
)
from drillbook.analysis.sequential.latency import QUANTILES, SLOWER_TIMES

Array = NDArray[np.float64]

LOOKS = 30  # one each minute
BLOCKS_A_LOOK = 60 // BLOCK_SECONDS
BASELINE_MINUTES = 1440  # deployment.watch compares with 24 hours by default
PROBED_SHARE = 0.8  # of users' requests go to the paths that are probed
SPREAD = 0.8  # of the logarithm of latency


@dataclass(frozen=True)
class Cell:
    rate: int
    base: float
    factor: float = 1.0
    probes: bool = True
    at_tolerance: bool = False  # every request slower by exactly what is tolerated
    count: int = 10_000
    baseline_minutes: int = BASELINE_MINUTES

    @property
    def probe_rate(self) -> int:
        return max(0, ASKED_A_MINUTE - self.rate) if self.probes else 0


@dataclass(frozen=True)
class Met:
    """One stream in every simulated deployment: counts before, and blocks after."""

    before_trials: int
    before_hits: Array  # deployment
    trials: Array  # deployment x block
    errors: Array  # deployment x block
    slow: tuple[Array, ...]  # for each quantile: deployment x block


def simulated(cell: Cell, random: np.random.Generator) -> tuple[Met, Met | None]:
    blocks = LOOKS * BLOCKS_A_LOOK
    shape = (cell.count, blocks)
    before = cell.rate * cell.baseline_minutes
    hits = random.binomial(before, cell.base, cell.count)
    users = _met(cell, random, before, hits, random.poisson(cell.rate / BLOCKS_A_LOOK, shape))
    if not cell.probe_rate:
        return users, None
    known = round(before * PROBED_SHARE)
    known_hits = random.hypergeometric(hits, before - hits, known)
    sent = np.diff(np.floor(np.arange(blocks + 1) * cell.probe_rate / BLOCKS_A_LOOK)).astype(int)
    return users, _met(cell, random, known, known_hits, np.tile(sent, (cell.count, 1)))


def _met(
    cell: Cell,
    random: np.random.Generator,
    before: int,
    hits: NDArray[np.int64],
    trials: NDArray[np.int64],
) -> Met:
    errors = random.binomial(trials, min(1.0, cell.base * cell.factor))
    return Met(
        before,
        hits.astype(float),
        trials.astype(float),
        errors.astype(float),
        tuple(slow.astype(float) for slow in _slow(cell, random, before, trials)),
    )


def _slow(
    cell: Cell, random: np.random.Generator, before: int, trials: NDArray[np.int64]
) -> list[NDArray[np.int64]]:
    """Requests beyond each limit; the shares above order statistics are uniform spacings."""
    ranks = [min(before, int(np.ceil(q * (before + 1)))) for q in QUANTILES]
    above = np.ones(cell.count)
    last_rank, shares = 0, []
    for rank in ranks:  # the share above the r-th of n, given that above an earlier one
        if rank > last_rank:
            above = above * random.beta(before - rank + 1, rank - last_rank, cell.count)
        last_rank = rank
        shares.append(above if cell.at_tolerance else _beyond(above))
    left, found, last = trials, [], np.ones(cell.count)
    for share in shares:
        left = random.binomial(left, np.clip(share / last, 0.0, 1.0)[:, None])
        found.append(left)
        last = np.maximum(share, 1e-12)
    return found


def _beyond(share: Array) -> Array:
    """The share beyond the tolerance when latency is lognormal and has not changed."""
    from statistics import NormalDist

    normal = NormalDist()
    grid = np.linspace(-8, 8, 4001)
    tail = np.array([1 - normal.cdf(z) for z in grid])
    z = np.interp(-share, -tail, grid)
    return np.interp(z + np.log(SLOWER_TIMES) / SPREAD, grid, tail)


def looked(values: Array) -> Array:
    """Sums up to each look."""
    return np.cumsum(values, axis=1)[:, BLOCKS_A_LOOK - 1 :: BLOCKS_A_LOOK]


def capped(trials: Array, hits: Array, share: Array, burst_blocks: int = BURST_BLOCKS) -> Array:
    """Hits up to each look without what a burst holds beyond `Usual.capped`, for many at once."""
    excess = np.maximum(0.0, hits - BURST_HITS - BURST_TIMES * share[:, None] * trials)
    worst = np.zeros((len(hits), burst_blocks + 1))
    taken = np.zeros((len(hits), LOOKS))
    for block in range(hits.shape[1]):
        worst[:, 0] = excess[:, block]
        if worst[:, 0].any():
            worst.sort(axis=1)
        if (block + 1) % BLOCKS_A_LOOK == 0:
            taken[:, block // BLOCKS_A_LOOK] = worst[:, 1:].sum(axis=1)
    return np.maximum(0.0, looked(hits) - taken)
