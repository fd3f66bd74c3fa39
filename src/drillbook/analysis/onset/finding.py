"""
When it became worse, with the interval that holds the moment, and by how much.

The usual share is not known beforehand: each of a few is tried on coarse cells, and the one that
explains the window best is taken. Then the time around the likely moment is cut at each event, so
the interval is as narrow as the requests allow: between the last good one and the first bad one.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from drillbook.analysis.onset.chain import Began, Passed, began, emissions, forward
from drillbook.analysis.onset.levels import Levels, first_tries, levels_of, next_tries
from drillbook.analysis.onset.states import States, states_of
from drillbook.analysis.onset.streams import Cells, Seen, at_events, cut, even
from drillbook.analysis.sequential.bursts import BLOCK_SECONDS, group_size
from drillbook.analysis.sequential.counts import Counts

# How probable it must be that something is worse now. Low, since one asks where a symptom holds;
# who asks without one should look at `Onset.probability` and take 0.5.
SURE = 0.1
OVER_AFTER = 30.0  # seconds of better times that it takes to be over
OUTSIDE = 0.05  # what the interval leaves out, half on each side
_COARSE, _MOST_CELLS = 240, 500
_LEFT_OUT = 1e-4  # of the probability, when the time around the moment is chosen
_USUAL_FOR_SURE, _MORE_LIKELY = 0.9, 0.5


@dataclass(frozen=True, slots=True)
class Stream:
    """When something was seen, and whether it was bad: seconds of any origin, such as probes'."""

    times: Sequence[float] = ()
    bad: Sequence[bool] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of time and how probable it is that it holds the moment; evenly within it."""

    start: float
    end: float
    probability: float


@dataclass(frozen=True, slots=True)
class Level:
    """What was counted in a time: bad ones, all, and how long it was; `all` is 0 if not known."""

    bad: int
    all: int
    seconds: float

    @property
    def share(self) -> float | None:
        """The share of bad ones, None where it is not known."""
        return self.bad / self.all if self.all else None

    @property
    def a_minute(self) -> float:
        """Bad ones a minute."""
        return 60.0 * self.bad / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Onset:
    """
    The latest change to worse that still holds; times in seconds of the caller's origin.

    `at` is the median, `earliest` and `latest` hold it with 95 %. `before` and `after` count the
    usual time before and the time since; probes apart. `since_before` tells that it may have been
    so since before the window: a longer one should be read. `pieces` is the whole distribution.
    """

    at: float
    earliest: float
    latest: float
    probability: float
    before: Level
    after: Level
    probes_before: Level
    probes_after: Level
    since_before: bool
    pieces: tuple[Piece, ...]


def find_onset(
    times: Sequence[float],
    bad: Sequence[bool],
    now: float,
    *,
    probes: Stream | None = None,
    start: float | None = None,
) -> Onset | None:
    """
    Return when requests began to fail more than usual and still do, or None.

    None also where nothing was seen: silence says nothing of errors (`find_silence`).
    """
    streams = [Seen.of(times, bad)]
    if probes is not None and probes.times:
        streams.append(Seen.of(probes.times, probes.bad))
    return _find(streams, now, start)


def find_onset_of_counts(
    times: Sequence[float], now: float, *, start: float | None = None
) -> Onset | None:
    """Return when bad events that nothing is counted against began to come more often, or None."""
    return _find([Seen.of(times, None)], now, start)


def _find(streams: Sequence[Seen], now: float, start: float | None) -> Onset | None:
    begin = _begin(streams, start)
    if begin is None or begin >= now or not any(stream.sums[-1] for stream in streams):
        return None
    streams = [_within(stream, begin, now) for stream in streams]
    coarse = cut(streams, even(begin, now, _COARSE))
    states, power = _model(streams, coarse)
    cells = _first_cells(streams, begin, now)
    cells = _until_held(cells, forward(states, cells, emissions(states, cells, power)))
    first = _looked(states, cells, power)
    if first.probability < SURE:
        return None
    exact = cut(streams, _finer(streams, cells, first.found))
    return _told(streams, exact, _looked(states, exact, power), now)


def _begin(streams: Sequence[Seen], start: float | None) -> float | None:
    if start is not None:
        return start
    return min((stream.times[0] for stream in streams if stream.times), default=None)


def _within(stream: Seen, begin: float, now: float) -> Seen:
    times = stream.times
    if not times or (times[0] >= begin and times[-1] <= now):
        return stream
    inside = [i for i, at in enumerate(times) if begin <= at <= now]
    kept = None if stream.is_bad is None else [stream.is_bad[i] for i in inside]
    return Seen.of([times[i] for i in inside], kept)


def _model(streams: Sequence[Seen], cells: Cells) -> tuple[States, float]:
    """Return the states by the usual share that explains most, and what a request counts."""
    chosen: list[Levels] = []
    for index, stream in enumerate(streams):
        part = Cells(cells.edges, cells.hits[: index + 1], cells.rest[: index + 1])
        chosen.append(_best(chosen, stream, part, index))
    states = states_of(chosen)
    return states, 1.0 / _group(streams, cells, states)


def _best(chosen: Sequence[Levels], stream: Seen, cells: Cells, index: int) -> Levels:
    """Return the levels of one more stream by the usual share under which all is likeliest."""

    def weighed(usual: float) -> float:
        states = states_of([*chosen, levels_of(usual, stream, cells, index)])
        return forward(states, cells, emissions(states, cells, 1.0)).log_likelihood

    first = max(first_tries(stream, cells, index), key=weighed)
    best = max([first, *next_tries(first)], key=weighed)
    return levels_of(best, stream, cells, index)


def _group(streams: Sequence[Seen], cells: Cells, states: States) -> float:
    """Return how large the groups are that bad ones come in while all is as usual."""
    if not streams[0].has_denominator:
        return 1.0
    passed = forward(states, cells, emissions(states, cells, 1.0))
    begin, now = cells.edges[0], cells.edges[-1]
    blocks = max(1, int((now - begin) // BLOCK_SECONDS))
    counted = cut(streams[:1], [begin + i * BLOCK_SECONDS for i in range(blocks + 1)])
    usual = []
    for block in range(blocks):
        cell = bisect_right(cells.edges, counted.edges[block + 1]) - 1
        if passed.well(min(cell, len(cells))) > _USUAL_FOR_SURE:
            hits, rest = counted.hits[0][block], counted.rest[0][block]
            usual.append(Counts(hits + rest, hits))
    return group_size(usual)


@dataclass(frozen=True, slots=True)
class _Looked:
    passed: Passed
    found: Began

    @property
    def probability(self) -> float:
        return 1.0 - self.found.not_now


def _looked(states: States, cells: Cells, power: float) -> _Looked:
    seen = emissions(states, cells, power)
    passed = forward(states, cells, seen)
    return _Looked(passed, began(states, cells, seen, passed))


def _first_cells(streams: Sequence[Seen], begin: float, now: float) -> Cells:
    if sum(len(stream.times) for stream in streams) <= _MOST_CELLS:
        return cut(streams, at_events(streams, begin, now))
    count = min(_MOST_CELLS, max(_COARSE, int((now - begin) // BLOCK_SECONDS)))
    return cut(streams, even(begin, now, count))


def _until_held(cells: Cells, passed: Passed) -> Cells:
    """Leave out the last seconds if things look better in them: nobody can tell yet."""
    earliest = cells.edges[-1] - OVER_AFTER
    last = max(bisect_right(cells.edges, earliest) - 1, 1)
    held = [i for i in range(last, len(cells) + 1) if 1.0 - passed.well(i) >= SURE]
    kept = max(held) if held else min(range(last, len(cells) + 1), key=passed.well)
    return Cells(
        cells.edges[: kept + 1],
        [each[:kept] for each in cells.hits],
        [each[:kept] for each in cells.rest],
    )


def _finer(streams: Sequence[Seen], cells: Cells, found: Began) -> list[float]:
    """Return edges cut at each event, or evenly, where the moment may lie; the others as before."""
    likely = [i for i, share in enumerate(found.cells) if share > _LEFT_OUT]
    if not likely:
        return list(cells.edges)
    low, high = max(0, likely[0] - 1), min(len(cells), likely[-1] + 2)
    start, end = cells.edges[low], cells.edges[high]
    inside = at_events([_within(stream, start, end) for stream in streams], start, end)
    if len(inside) > _MOST_CELLS:
        inside = even(start, end, _MOST_CELLS)
    return [*cells.edges[:low], *inside, *cells.edges[high + 1 :]]


def _told(streams: Sequence[Seen], cells: Cells, looked: _Looked, now: float) -> Onset | None:
    found = looked.found
    whole = sum(found.cells) + found.before
    if whole <= 0.0 or looked.probability < SURE:
        return None
    begin = cells.edges[0]
    pieces = [
        Piece(start, end, share / whole)
        for (start, end), share in zip(pairwise(cells.edges), found.cells, strict=True)
        if share > 0.0
    ]
    all_pieces = [Piece(begin, begin, found.before / whole), *pieces]
    at = quantile(all_pieces, 0.5)
    usual = _usual(streams, cells, looked.passed, at)
    after = [_level(stream, [(at, now)]) for stream in streams]
    return Onset(
        at=at,
        earliest=quantile(all_pieces, OUTSIDE / 2),
        latest=quantile(all_pieces, 1 - OUTSIDE / 2),
        probability=looked.probability,
        before=usual[0],
        after=after[0],
        probes_before=usual[1] if len(usual) > 1 else Level(0, 0, 0.0),
        probes_after=after[1] if len(after) > 1 else Level(0, 0, 0.0),
        since_before=found.before / whole > OUTSIDE,
        pieces=tuple(each for each in pieces if each.probability > _LEFT_OUT / 10),
    )


def quantile(pieces: Sequence[Piece], part: float) -> float:
    """Return the moment before which so much of the probability lies."""
    left = part
    for piece in pieces:
        if left <= piece.probability:
            inside = left / piece.probability if piece.probability else 0.0
            return piece.start + inside * (piece.end - piece.start)
        left -= piece.probability
    return pieces[-1].end


def _usual(streams: Sequence[Seen], cells: Cells, passed: Passed, at: float) -> list[Level]:
    """Count the time before that was as usual: not an earlier trouble."""
    spans = [
        (start, min(end, at))
        for cell, (start, end) in enumerate(pairwise(cells.edges))
        if start < at and passed.well(cell + 1) > _MORE_LIKELY
    ]
    return [_level(stream, spans) for stream in streams]


def _level(stream: Seen, spans: Sequence[tuple[float, float]]) -> Level:
    bad = every = 0
    for start, end in spans:
        low, high = bisect_right(stream.times, start), bisect_right(stream.times, end)
        bad += stream.sums[high] - stream.sums[low]
        every += high - low
    seconds = sum(end - start for start, end in spans)
    return Level(bad, every if stream.has_denominator else 0, seconds)
