"""
How much slower an answer must be to be felt, and how many of them; one rule for all who judge.

A quarter of all answers takes three times the median and a tenth of a second more, or a tenth of
them three times what the slowest tenth took and over a quarter of a second, or some three times a
higher quantile and over a second.
"""

from collections.abc import Iterable

from drillbook.analysis.sequential.latency import QUANTILES, Limit

# Up to a tenth of a second more an answer seems as quick as before (Miller 1968, Nielsen 1993).
FELT_MILLISECONDS = 100.0
SLOW_TIMES, NOTICED_MILLISECONDS, LONG_MILLISECONDS = 3.0, 250.0, 1000.0
FELT_SHARE, NOTICED_SHARE = 0.25, 0.1
LONG_SHARE = 0.1  # of one route: there a few are seldom more than chance or one client
TESTS = len(QUANTILES) + 1
CROWDED = 2.0  # so many times as many requests slow answers down, whatever was changed


def felt_limits(found: Iterable[Limit], long_share: float) -> dict[float, float]:
    """Return from how many milliseconds on an answer is slow, and what share must be so."""
    shares: dict[float, float] = {}
    for limit in found:
        times = SLOW_TIMES * limit.milliseconds
        if limit.quantile == min(QUANTILES):
            shares[max(times, limit.milliseconds + FELT_MILLISECONDS)] = FELT_SHARE
            continue
        if limit.quantile < max(QUANTILES):
            shares[max(times, NOTICED_MILLISECONDS)] = NOTICED_SHARE
        shares[max(times, LONG_MILLISECONDS)] = long_share
    return shares
