"""
Forward and backward through time: how probable each state is, and when worse began.

Exact sums over all courses the states may have taken (Rabiner 1989), cell by cell. The courses that
count for an onset left USUAL in a cell and have not been there since: WORSE, at whatever level, or
a burst that has not ended yet, which is how each trouble looks at first. A burst that ended, or an
earlier trouble that was mended, is summed over like all else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp, inf, log

from drillbook.analysis.onset.states import (
    AGAIN_WITHIN,
    LEVEL_LASTS,
    MENDED_LASTS,
    SHORT_EVERY,
    SHORT_LASTS,
    WELL,
    WORSE_EVERY,
    WORSE_LASTS,
    States,
)
from drillbook.analysis.onset.streams import Cells

Row = list[float]
_LEAST = 1e-300


@dataclass(frozen=True, slots=True)
class Moves:
    """How probable each move is within a cell, given how long the cell is."""

    worse: float
    short: float
    mended: float
    again: float
    settled: float
    short_ends: float
    level: float

    @classmethod
    def within(cls, seconds: float) -> "Moves":
        """Return them for a cell of so many seconds; even cells are asked for again and again."""
        return _moves(round(seconds, 6))

    @classmethod
    def of(cls, seconds: float) -> "Moves":
        """Work them out."""
        # A burst may come and go within a long cell: both moves of a two-state chain.
        both = 1.0 / SHORT_EVERY + 1.0 / SHORT_LASTS
        moved = (1.0 - exp(-seconds * both)) / both
        return cls(
            worse=1.0 - exp(-seconds / WORSE_EVERY),
            short=moved / SHORT_EVERY * exp(-seconds / WORSE_EVERY),
            mended=1.0 - exp(-seconds / WORSE_LASTS),
            again=1.0 - exp(-seconds / AGAIN_WITHIN),
            settled=(1.0 - exp(-seconds / MENDED_LASTS)) * exp(-seconds / AGAIN_WITHIN),
            short_ends=moved / SHORT_LASTS,
            level=1.0 - exp(-seconds / LEVEL_LASTS),
        )


@lru_cache(maxsize=8192)
def _moves(seconds: float) -> Moves:
    return Moves.of(seconds)


@dataclass(frozen=True, slots=True)
class Passed:
    """The states after each cell, each row adding to 1, and the logarithm of what they weigh."""

    rows: list[Row]  # rows[0] is the beginning
    logs: list[float]

    def well(self, row: int) -> float:
        """Return how probable it is that all is as usual there."""
        return sum(self.rows[row][:WELL])

    @property
    def log_likelihood(self) -> float:
        """How probable all that was seen is."""
        return self.logs[-1]


def emissions(states: States, cells: Cells, power: float) -> list[tuple[Row, float]]:
    """Return each cell's likelihood under each state, the best as 1, and that best's logarithm."""
    streams = range(len(cells.hits))
    distinct = [list({id(s[k]): s[k] for s in states.logs}.values()) for k in streams]
    place = [{id(level): i for i, level in enumerate(distinct[k])} for k in streams]
    where = [[place[k][id(s[k])] for s in states.logs] for k in streams]
    found = []
    for cell in range(len(cells)):
        whole = [0.0] * len(states.logs)
        for k in streams:
            hits, rest = cells.hits[k][cell] * power, cells.rest[k][cell] * power
            if hits or rest:
                logs = [hits * level.per_hit + rest * level.per_rest for level in distinct[k]]
                whole = [a + logs[i] for a, i in zip(whole, where[k], strict=True)]
        best = max(whole)
        found.append(([exp(each - best) for each in whole], best))
    return found


def forward(states: States, cells: Cells, seen: list[tuple[Row, float]]) -> Passed:
    """Go through time once."""
    row, total = states.start(), 0.0
    rows, logs = [row], [total]
    entry, first = states.entry(), states.first_worse
    for cell, (likely, best) in enumerate(seen):
        moves = Moves.within(cells.seconds(cell))
        usual, mended, short, worse = row[0], row[1], row[WELL:first], row[first:]
        settled, begun = mended * moves.settled, usual * moves.worse + mended * moves.again
        stay = 1.0 - moves.mended
        each_short = usual * moves.short / states.short
        after = [
            usual * (1.0 - moves.worse - moves.short) + settled + moves.short_ends * sum(short),
            mended * (1.0 - moves.again - moves.settled) + moves.mended * sum(worse),
            *(s * (1.0 - moves.short_ends) + each_short for s in short),
            *(
                stay * w + begun * e
                for w, e in zip(shifted(worse, states.families, moves.level), entry, strict=True)
            ),
        ]
        row = [a * e for a, e in zip(after, likely, strict=True)]
        scale = sum(row)
        row = [each / scale for each in row]
        total += best + log(scale)
        rows.append(row)
        logs.append(total)
    return Passed(rows, logs)


def shifted(worse: Sequence[float], families: Sequence[int], level: float) -> Row:
    """Return worse states after a move to the level above or below within each family."""
    found: Row = []
    at = 0
    half = level / 2.0
    for length in families:
        own = worse[at : at + length]
        at += length
        found.append(own[0] * (1.0 - half) + own[1] * half)
        found += [
            own[i] * (1.0 - level) + (own[i - 1] + own[i + 1]) * half for i in range(1, length - 1)
        ]
        found.append(own[-1] * (1.0 - half) + own[-2] * half)
    return found


@dataclass(frozen=True, slots=True)
class Began:
    """How probable it is that it began in each cell and holds; before the first; not at all."""

    cells: list[float]
    before: float
    not_now: float


def began(states: States, cells: Cells, seen: list[tuple[Row, float]], passed: Passed) -> Began:
    """Go back from now through states that are not USUAL, and weigh each cell it began in."""
    first, entry = states.first_worse, states.entry()
    ahead: Row = [1.0] * (len(states.logs) - WELL)
    ahead_log = 0.0
    weights = [-inf] * len(cells)
    for cell in range(len(cells) - 1, -1, -1):
        likely, best = seen[cell]
        moves = Moves.within(cells.seconds(cell))
        inside = [a * e for a, e in zip(ahead, likely[WELL:], strict=True)]
        short, worse = inside[: states.short], inside[states.short :]
        usual, mended = passed.rows[cell][:WELL]
        entered = sum(i * e for i, e in zip(worse, entry, strict=True))
        weight = usual * moves.short * sum(short) / states.short
        weight += (usual * moves.worse + mended * moves.again) * entered
        if weight > 0.0:
            weights[cell] = log(weight) + passed.logs[cell] + best + ahead_log
        # Moves between levels are as probable both ways, so the same shift goes back in time.
        stay, last = 1.0 - moves.mended, 1.0 - moves.short_ends
        inside = [
            *(last * each for each in short),
            *(stay * each for each in shifted(worse, states.families, moves.level)),
        ]
        scale = max(inside) or _LEAST
        ahead = [each / scale for each in inside]
        ahead_log += best + log(scale)
    held = sum(s * a for s, a in zip(states.start()[first:], ahead[states.short :], strict=True))
    before = (log(held) if held > 0.0 else -inf) + ahead_log
    return _shares(weights, before, passed.log_likelihood, passed.well(-1))


def _shares(weights: list[float], before: float, whole: float, not_now: float) -> Began:
    shares = [exp(min(0.0, each - whole)) if each > -inf else 0.0 for each in weights]
    return Began(shares, exp(min(0.0, before - whole)), not_now)
