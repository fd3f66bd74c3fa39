"""What deployment.watch decides in many simulated deployments at once."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.bench_canary_fast import Fast, log_evidence, log_mean
from benchmarks.bench_canary_model import LOOKS, Array, Cell, Met, capped, looked
from drillbook.analysis.sequential.before import Before, harmful
from drillbook.analysis.sequential.bursts import Usual
from drillbook.analysis.sequential.counts import Counts
from drillbook.analysis.sequential.evidence import LOWER
from drillbook.analysis.sequential.judging import (
    ERRORS_WEIGHT,
    FALSE_ALARMS,
    FALSE_PASSES,
    LATENCY_WEIGHT,
    probes_weight,
)
from drillbook.analysis.sequential.latency import QUANTILES

NEVER = LOOKS + 1


@cache
def fast(trials: int, hits: int) -> Fast:
    return Fast(Before(Counts(trials, hits)))


@dataclass(frozen=True)
class Asked:
    """One test of one stream: its weight, and counts up to each look (deployment x look)."""

    weight: float
    before_trials: int
    before_hits: NDArray[np.int64]
    trials: Array
    hits: Array

    def log_worse(self, rows: NDArray[np.int64], look: int, *, quick: bool) -> Array:
        trials, hits = self.trials[rows, look], self.hits[rows, look]
        found = np.empty(len(rows))
        known = self.before_hits[rows]
        for value in np.unique(known):
            of = known == value
            test = fast(self.before_trials, int(value))
            ask = test.log_higher_at_most if quick else test.log_higher
            found[of] = ask(trials[of], hits[of])
        return found


def questions(met: Met, weight: float) -> tuple[Asked, list[Asked]]:
    trials, before = looked(met.trials), met.before_hits.astype(int)
    shares = np.array([Usual.of(Counts(met.before_trials, h), 1.0).share for h in before])
    errors = Asked(
        weight * ERRORS_WEIGHT,
        met.before_trials,
        before,
        trials,
        capped(met.trials, met.errors, shares),
    )
    latency = []
    for quantile, slow in zip(QUANTILES, met.slow, strict=True):
        rank = min(met.before_trials, int(np.ceil(quantile * (met.before_trials + 1))))
        left = np.full(len(before), met.before_trials - rank)
        usual = np.full(len(before), 1.0 - quantile)
        latency.append(
            Asked(
                weight * LATENCY_WEIGHT / len(QUANTILES),
                met.before_trials,
                left,
                trials,
                capped(met.trials, slow, usual),
            )
        )
    return errors, latency


def failed_at(cell: Cell, users: Met, probes: Met | None) -> NDArray[np.int64]:
    """The look at which each deployment is called worse; NEVER where it is not."""
    part = probes_weight(cell.probe_rate, cell.rate)
    tests: list[Asked] = []
    for met, weight in ((users, 1.0 - part), (probes, part)):
        if met is not None:
            errors, latency = questions(met, weight)
            tests += [errors, *latency]
    weights = [test.weight for test in tests]
    at = np.full(len(users.before_hits), NEVER)
    for look in range(LOOKS):
        rows = np.flatnonzero(at == NEVER)
        for quick in (True, False):  # the bound from above first: it settles nearly all
            logs = [test.log_worse(rows, look, quick=quick) for test in tests]
            rows = rows[log_mean(logs, weights) >= -np.log(FALSE_ALARMS)]
            if not len(rows):
                break
        at[rows] = look + 1
    return at


def passed_at(users: Met, probes: Met | None) -> NDArray[np.int64]:
    """The look at which harm is ruled out, by users or else by probes; NEVER where it is not."""
    at = np.full(len(users.before_hits), NEVER)
    for look in range(1, LOOKS):  # a PASS comes after two minutes at the earliest
        rows = np.flatnonzero(at == NEVER)
        for met in (users, probes):
            if met is not None and len(rows):
                of = rows[_rules_out(met, look, rows)]
                at[of] = np.minimum(at[of], look + 1)
    return at


def _rules_out(met: Met, look: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each test reaches its bound: latency first, which is quick to ask."""
    trials = looked(met.trials)[rows, look]
    good = np.ones(len(rows), dtype=bool)
    bound = -np.log(FALSE_PASSES)
    for quantile, slow in zip(QUANTILES, met.slow, strict=True):
        harm = harmful(1.0 - quantile)
        good &= log_evidence(harm, LOWER, trials, looked(slow)[rows, look]) >= bound
    errors = looked(met.errors)[rows, look]
    known = met.before_hits[rows].astype(int)
    for value in np.unique(known[good]):
        of = np.flatnonzero(good & (known == value))
        test = fast(met.before_trials, int(value))
        good[of] = test.log_harmless(trials[of], errors[of]) >= bound
    return good
