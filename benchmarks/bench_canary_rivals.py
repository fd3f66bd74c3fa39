"""The rules others decide by, from their public documentation and code, on the same requests.

Kayenta (github.com/spinnaker/kayenta, MannWhitneyClassifier and NetflixACAJudge): the metric is a
series of one point a minute (the share of errors; minutes without requests are no points), the
baseline runs beside the canary with as many requests. High when the lower end of the Mann-Whitney
confidence interval (98 %) of the shift lies above a quarter of its Hodges-Lehmann estimate. The
interval is R's: the shift where the normal approximation with corrections for ties and continuity
rejects. Judged each minute on all points so far, and once after 30 minutes.

Flagger (docs.flagger.app): each minute the success rate of the last minute must be at least 99 %;
the tenth failed check rolls back. No requests in the minute is a failed check ("no values found").

"> 5 %": more than five in a hundred of the last five minutes' requests failed.
"""

import numpy as np
from numpy.typing import NDArray

from benchmarks.bench_canary_model import LOOKS, Array, Met

NEVER = LOOKS + 1
Z_98 = 2.3263478740408408
TOLERANCE = 0.25
FEWEST_MINUTES = 5  # below five points the test can reject nothing
_ROWS = 500


def minutes(values: Array) -> Array:
    return values.reshape(len(values), LOOKS, -1).sum(axis=2)


def flagger(users: Met) -> NDArray[np.int64]:
    requests, errors = minutes(users.trials), minutes(users.errors)
    failed = (requests == 0) | (errors > 0.01 * requests)
    return _first(np.cumsum(failed, axis=1) >= 10)


def over_five_percent(users: Met, window: int = 5) -> NDArray[np.int64]:
    requests, errors = (
        _window(minutes(users.trials), window),
        _window(minutes(users.errors), window),
    )
    return _first((requests > 0) & (errors > 0.05 * requests))


def kayenta(users: Met, control: Met) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The minute each deployment is called High first; and whether it is after 30 minutes."""
    canary, baseline = _shares(users), _shares(control)
    at = np.full(len(canary), NEVER)
    last = np.zeros(len(canary), dtype=bool)
    for first in range(0, len(canary), _ROWS):
        rows = slice(first, first + _ROWS)
        for look in range(FEWEST_MINUTES, LOOKS + 1):
            high = is_high(canary[rows, :look], baseline[rows, :look])
            at[rows] = np.where(high & (at[rows] == NEVER), look, at[rows])
        last[rows] = high
    return at, last


def is_high(canary: Array, baseline: Array) -> NDArray[np.bool_]:
    """Whether the shift's interval lies above a quarter of its estimate; NaN is no point."""
    shifts = (canary[:, :, None] - baseline[:, None, :]).reshape(len(canary), -1)
    ordered = np.sort(shifts, axis=1)  # NaN goes to the end
    pairs = (~np.isnan(shifts)).sum(axis=1)
    rows = np.arange(len(ordered))
    low, high = np.maximum(pairs - 1, 0) // 2, pairs // 2
    estimate = (ordered[rows, low] + ordered[rows, np.minimum(high, len(ordered[0]) - 1)]) / 2
    limit = TOLERANCE * np.abs(np.nan_to_num(estimate))
    n, m = (~np.isnan(canary)).sum(axis=1), (~np.isnan(baseline)).sum(axis=1)
    statistic = (shifts > limit[:, None]).sum(axis=1) + 0.5 * (shifts == limit[:, None]).sum(axis=1)
    distance = statistic - n * m / 2.0
    ties = _ties(np.concatenate([canary - limit[:, None], baseline], axis=1))
    whole = np.maximum(n + m, 2)
    variance = n * m / 12.0 * ((whole + 1) - ties / (whole * (whole - 1.0)))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (distance - 0.5 * np.sign(distance)) / np.sqrt(variance)
    return (variance > 0) & (np.nan_to_num(z) > Z_98)


def _ties(values: Array) -> Array:
    equal = (values[:, :, None] == values[:, None, :]).sum(axis=2).astype(float)
    return np.where(np.isnan(values), 0.0, equal**2 - 1.0).sum(axis=1)


def _shares(met: Met) -> Array:
    requests, errors = minutes(met.trials), minutes(met.errors)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(requests > 0, errors / requests, np.nan)


def _window(values: Array, length: int) -> Array:
    sums = np.cumsum(values, axis=1)
    sums[:, length:] = sums[:, length:] - sums[:, :-length].copy()
    return sums


def _first(hit: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.where(hit.any(axis=1), hit.argmax(axis=1) + 1, NEVER)
