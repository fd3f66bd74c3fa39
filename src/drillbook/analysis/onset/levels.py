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

LEVELS = 8
_HIGHEST_SHARE = 0.995
_SHORT_TROUBLE = (0.3, 0.95)  # a burst fails this much while it lasts
_USUAL_SHARES = (0.0005, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.5)
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


def candidates(stream: Seen, cells: Cells, index: int) -> list[Levels]:
    """Return the levels for each usual share or rate that is worth a try."""
    if stream.has_denominator:
        return [_of_share(share) for share in _USUAL_SHARES]
    whole = cells.edges[-1] - cells.edges[0]
    highest = max(hits / cells.seconds(cell) for cell, hits in enumerate(cells.hits[index]))
    mean = max(_LEAST_EVENTS, float(sum(cells.hits[index]))) / whole
    rate, found = _LEAST_EVENTS / whole, []
    while rate <= 2.0 * mean:
        found.append(_of_rate(rate, 1.5 * highest))
        rate *= 2.0
    return found


def _of_share(usual: float) -> Levels:
    lowest, highest = _odds(harmful(usual)), _odds(_HIGHEST_SHARE)
    worse = [_share(1.0 / (1.0 + exp(-odds))) for odds in _spread(lowest, highest)]
    return Levels(_share(usual), tuple(worse), tuple(_share(each) for each in _SHORT_TROUBLE))


def _of_rate(usual: float, highest: float) -> Levels:
    lowest = log(HARMFUL_RATIO * usual)
    worse = tuple(_rate(exp(each)) for each in _spread(lowest, max(log(highest), lowest + 1.0)))
    return Levels(_rate(usual), worse, (worse[LEVELS // 2], worse[-1]))


def _spread(lowest: float, highest: float) -> Sequence[float]:
    return [lowest + (highest - lowest) * i / (LEVELS - 1) for i in range(LEVELS)]


def _odds(share: float) -> float:
    return log(share / (1.0 - share))


def _share(share: float) -> Level:
    return Level(share, log(share), log1p(-share))


def _rate(rate: float) -> Level:
    return Level(rate, log(rate), -rate)
