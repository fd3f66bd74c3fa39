"""
What goes wrong now, kind by kind, and since when it does.

Bad requests of one kind are held against good ones alone: an outage of another kind, that is over
or goes on beside it, lends it neither its time nor its words, and makes none of it usual.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from drillbook.analysis.culprit.kinds import Kind, Kinds
from drillbook.analysis.culprit.onsets import (
    IsBad,
    hit_routes,
    lately,
    onset_of,
)
from drillbook.analysis.culprit.requests import Request
from drillbook.analysis.onset.finding import Onset

OVER = 0.003
LATEST = 7  # bad requests that tell what goes wrong now
MOST_KINDS = 4
TOGETHER_SECONDS = 20.0
RUN_SECONDS, RUN_REQUESTS = 20.0, 30  # of an outage, by which one tells whether it ended


@dataclass(frozen=True, slots=True)
class Begun:
    """What is bad of the kinds that began together, and since when; `is_bad` is of these alone."""

    is_bad: IsBad
    onset: Onset


def begun(
    requests: Sequence[Request],
    is_bad: IsBad,
    now: float,
    start: float,
    health: Sequence[Request] = (),
) -> Begun | None:
    """Return what became worse and is so still, None where nothing did."""
    recent = lately(requests, is_bad, now)
    if not recent:
        return None
    bad = [is_bad(one) for one in requests]
    known = Kinds(one for one, wrong in zip(requests, bad, strict=True) if wrong)
    kinds = [known.of(one) if wrong else None for one, wrong in zip(requests, bad, strict=True)]
    every = {one for one in kinds if one is not None}
    over = _over(requests, kinds)
    current = [kind for one in recent if (kind := known.of(one)) not in over]
    if not current:
        return None
    latest, often = Counter(current[-LATEST:]), Counter(current)
    asked = sorted(often, key=lambda one: (latest[one], often[one]), reverse=True)[:MOST_KINDS]
    found: dict[Kind, Onset] = {}
    for kind in asked if len(every) > 1 else ():
        stream = _of(requests, kinds, {kind})
        if kind.route:
            stream = [one for one in stream if one.route == kind.route]
        onset = _still(stream, is_bad, now, start, health)
        if onset is not None:
            found[kind] = onset
    if not found:
        # Of each kind there is too little: together those that are not over may be enough.
        onset = _still(_of(requests, kinds, every - over), is_bad, now, start, health)
        return None if onset is None else Begun(_without(is_bad, known, over), onset)
    onset, old = _together(requests, is_bad, kinds, found, now, start)
    return Begun(_without(is_bad, known, old), onset)


def _together(
    requests: Sequence[Request],
    is_bad: IsBad,
    kinds: Sequence[Kind | None],
    found: dict[Kind, Onset],
    now: float,
    start: float,
) -> tuple[Onset, set[Kind]]:
    """Return since when it goes wrong, with the kinds that began together, and which are older."""
    main = next(iter(found))
    onset = found[main]
    group = {one for one, other in found.items() if abs(other.at - onset.at) <= TOGETHER_SECONDS}
    if len(group) > 1:
        onset = _still(_of(requests, kinds, group), is_bad, now, start, ()) or onset
    old = {
        kind
        for one, kind in zip(requests, kinds, strict=True)
        if kind is not None and one.at < onset.earliest
    }
    return onset, old - group


def _without(is_bad: IsBad, known: Kinds, others: set[Kind]) -> IsBad:
    def is_of_it(request: Request) -> bool:
        return is_bad(request) and known.of(request) not in others

    return is_of_it if others else is_bad


def _over(requests: Sequence[Request], kinds: Sequence[Kind | None]) -> set[Kind]:
    """Return the kinds that ended."""
    good: dict[str, list[float]] = defaultdict(list)
    bad: dict[Kind, list[Request]] = defaultdict(list)
    for one, kind in zip(requests, kinds, strict=True):
        if kind is None:
            good[one.route].append(one.at)
        else:
            bad[kind].append(one)
    return {kind for kind, those in bad.items() if _is_over(those, good)}


def _is_over(bad: Sequence[Request], good: dict[str, list[float]]) -> bool:
    """Whether so many good ones came since the last bad one, where it was, that it ended."""
    last = bad[-1].at
    routes = {one.route for one in bad if one.at >= last - RUN_SECONDS}
    mine = [one.at for one in bad if one.route in routes]
    there = [good[route] for route in routes if route in good]
    ends = [bisect_right(times, last) for times in there]
    since = sum(len(times) - end for times, end in zip(there, ends, strict=True))
    latest = mine[-RUN_REQUESTS:]
    for times, end in zip(there, ends, strict=True):
        latest += times[max(0, end - RUN_REQUESTS) : end]
    begin = min(last - RUN_SECONDS, sorted(latest)[-RUN_REQUESTS:][0])
    failed = len(mine) - bisect_left(mine, begin)
    well = sum(end - bisect_left(times, begin) for times, end in zip(there, ends, strict=True))
    return (1.0 - failed / (failed + well + 1)) ** since <= OVER


def _of(
    requests: Sequence[Request], kinds: Sequence[Kind | None], wanted: set[Kind]
) -> Sequence[Request]:
    """Return the good requests, and the bad ones of the kinds that are asked for."""
    return [
        one for one, kind in zip(requests, kinds, strict=True) if kind is None or kind in wanted
    ]


def _still(
    requests: Sequence[Request],
    is_bad: IsBad,
    now: float,
    start: float,
    health: Sequence[Request],
) -> Onset | None:
    onset = onset_of(requests, is_bad, now, start, health)
    return onset if onset is not None and is_now(requests, is_bad, onset, now) else None


def is_now(requests: Sequence[Request], is_bad: IsBad, onset: Onset, now: float) -> bool:
    """Whether it is so still: as many good ones in a row as now would not be chance, were it so."""
    hit = hit_routes(requests, is_bad, now)
    since = [is_bad(one) for one in requests if one.at >= onset.at and one.route in hit]
    if not any(since):
        return False
    good = since[::-1].index(True)
    before = since[: len(since) - good]
    share = sum(before) / (len(before) + 1)
    return (1.0 - share) ** good > OVER
