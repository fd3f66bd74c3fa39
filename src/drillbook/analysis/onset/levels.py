"""
How often bad ones come: as usual, or at one of a few worse levels.

A stream with a denominator has shares, one without has rates. Both give a cell's likelihood as
`hits * per_hit + rest * per_rest`, where the rest is the good ones or the seconds (streams.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, log1p

from drillbook.analysis.onset.streams import Cells, Seen
from drillbook.analysis.sequential.before import HARMFUL_RATIO, harmful

LEVELS = 12
_HIGHEST_SHARE = 0.995
_SHORT_SHARES = (0.5, 0.9)
_SHORT_RATES = (LEVELS // 2, LEVELS - 2)
_LEAST_SHARE, _MOST_SHARE = 0.0003, 0.5
_FIRST_STEP, _NEXT_STEP = 3.0, 1.35  # between the usual shares that are tried
_LEAST_EVENTS = 0.5  # taken for usual in the whole window where none were seen before


@dataclass(frozen=True, slots=True)
class Level:
    """One level: its share or its rate a second, and the logarithms that count."""

    value: float
    per_hit: float
    per_rest: float


@dataclass(frozen=True, slots=True)
class Levels:
    """The usual level, the worse ones from the least to the highest, and those of short bursts."""

    usual: Level
    worse: tuple[Level, ...]
    short: tuple[Level, ...]


def first_tries(stream: Seen, cells: Cells, index: int) -> list[float]:
    """Return usual shares, or rates a second, far apart and over all that is possible."""
    if stream.has_denominator:
        # Where few were asked, no failure among them does not make failures unheard of.
        every = sum(cells.hits[index]) + sum(cells.rest[index])
        least = min(_MOST_SHARE, max(_LEAST_SHARE, 0.5 / (every + 1.0)))
        # More than a step above the share of the whole window nothing usual can be.
        whole_share = sum(cells.hits[index]) / max(1.0, every)
        most = max(least, min(_MOST_SHARE, _FIRST_STEP * whole_share))
        return _steps(least, most, _FIRST_STEP)
    whole = cells.edges[-1] - cells.edges[0]
    mean = max(_LEAST_EVENTS, float(sum(cells.hits[index]))) / whole
    return _steps(_LEAST_EVENTS / whole, 2.0 * mean, _FIRST_STEP)


def next_tries(best: float) -> list[float]:
    """Return others around the best of the first."""
    return [best * _NEXT_STEP**power for power in (-1, 1, 2, 3)]


def levels_of(usual: float, stream: Seen, cells: Cells, index: int) -> Levels:
    """Return the levels where this much is usual."""
    if stream.has_denominator:
        return _of_share(min(usual, _MOST_SHARE))
    highest = max(hits / cells.seconds(cell) for cell, hits in enumerate(cells.hits[index]))
    return _of_rate(usual, 1.5 * highest)


def _steps(lowest: float, highest: float, step: float) -> list[float]:
    found = [lowest]
    while found[-1] * step <= highest:
        found.append(found[-1] * step)
    return found


def _of_share(usual: float) -> Levels:
    lowest, highest = _odds(harmful(usual)), _odds(_HIGHEST_SHARE)
    worse = tuple(_share(1.0 / (1.0 + exp(-odds))) for odds in _spread(lowest, highest))
    # A burst is one of the worse levels: were it another, it might fit by that alone.
    short = tuple(min(worse, key=lambda w: abs(w.value - share)) for share in _SHORT_SHARES)
    return Levels(_share(usual), worse, short)


def _of_rate(usual: float, highest: float) -> Levels:
    lowest = log(HARMFUL_RATIO * usual)
    worse = tuple(_rate(exp(each)) for each in _spread(lowest, max(log(highest), lowest + 1.0)))
    return Levels(_rate(usual), worse, tuple(worse[i] for i in _SHORT_RATES))


def _spread(lowest: float, highest: float) -> Sequence[float]:
    return [lowest + (highest - lowest) * i / (LEVELS - 1) for i in range(LEVELS)]


def _odds(share: float) -> float:
    return log(share / (1.0 - share))


def _share(share: float) -> Level:
    return Level(share, log(share), log1p(-share))


def _rate(rate: float) -> Level:
    return Level(rate, log(rate), -rate)
