"""
What goes wrong now, kind by kind, and since when it does.

Bad requests of one kind are held against good ones alone: an outage of another kind, that is over
or goes on beside it, lends it neither its time nor its words, and makes none of it usual.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from drillbook.analysis.culprit.onsets import (
    IsBad,
    hit_routes,
    lately,
    onset_of,
)
from drillbook.analysis.culprit.requests import Request, reading_of
from drillbook.analysis.culprit.symptoms import Symptom
from drillbook.analysis.onset.finding import Onset

OVER = 0.003
LATEST = 7  # bad requests that tell what goes wrong now
MOST_KINDS = 4
TOGETHER_SECONDS = 20.0
RUN_SECONDS, RUN_REQUESTS = 20.0, 30  # of an outage, by which one tells whether it ended
LONGEST_SHAPE = 60
_NUMBER = re.compile(r"\d+")


class Kind(NamedTuple):
    """
    What a bad request is, and what about; its words where that tells neither.

    Where it has no words at all, such as in an access log, its status and its route are its kind.
    """

    symptom: Symptom
    about: str
    words: str = ""
    route: str = ""


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
    kinds = [_kind(one) if is_bad(one) else None for one in requests]
    over = {kind for kind in set(kinds) if kind is not None and _is_over(requests, kinds, kind)}
    recent = [one for one in recent if _kind(one) not in over]
    if not recent:
        return None
    every = {one for one in kinds if one is not None}
    latest = Counter(_kind(one) for one in recent[-LATEST:])
    often = Counter(_kind(one) for one in recent)
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
        return None if onset is None else Begun(_without(is_bad, over), onset)
    return _together(requests, is_bad, kinds, found, now, start)


def _together(
    requests: Sequence[Request],
    is_bad: IsBad,
    kinds: Sequence[Kind | None],
    found: dict[Kind, Onset],
    now: float,
    start: float,
) -> Begun:
    """Return the kind that goes wrong now with those that began when it did, or with it first."""
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
    return Begun(_without(is_bad, old - group), onset)


def _without(is_bad: IsBad, others: set[Kind]) -> IsBad:
    def is_of_it(request: Request) -> bool:
        return is_bad(request) and _kind(request) not in others

    return is_of_it if others else is_bad


def _is_over(requests: Sequence[Request], kinds: Sequence[Kind | None], kind: Kind) -> bool:
    """Whether so many good ones came since the last bad one, where it was, that it ended."""
    places = [place for place, one in enumerate(kinds) if one == kind]
    last = requests[places[-1]].at
    routes = {requests[place].route for place in places if requests[place].at >= last - RUN_SECONDS}
    there = [
        (one.at, other == kind)
        for one, other in zip(requests, kinds, strict=True)
        if one.route in routes and other in {None, kind}
    ]
    good = sum(at > last for at, _ in there)
    until = [(at, bad) for at, bad in there if at <= last]
    begin = min(last - RUN_SECONDS, until[-RUN_REQUESTS:][0][0])
    run = [bad for at, bad in until if at >= begin]
    share = sum(run) / (len(run) + 1)
    return (1.0 - share) ** good <= OVER


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


def _kind(request: Request) -> Kind:
    read = reading_of(request)
    if read.symptom not in {Symptom.OTHER, Symptom.CODE}:
        return Kind(read.symptom, read.about)
    if not request.message:
        return Kind(read.symptom, read.about, str(request.status), request.route)
    return Kind(read.symptom, read.about, _NUMBER.sub("#", request.message[:LONGEST_SHAPE]))
