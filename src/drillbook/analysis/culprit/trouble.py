"""
What users feel, and since when; whatever only one source meets is told apart.

A refusal is harm only where somebody who was let in before is not any more: wrong passwords and
bad tokens that come on top of what goes on as before hurt nobody else.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from drillbook.analysis.culprit.begun import TOGETHER_SECONDS, begun, is_now
from drillbook.analysis.culprit.onsets import (
    FEWEST,
    FEWEST_BAD,
    LATER_SECONDS,
    IsBad,
    hit_routes,
    lately,
    onset_of,
)
from drillbook.analysis.culprit.requests import Request, folded
from drillbook.analysis.culprit.scene import Badness, Trouble
from drillbook.analysis.error_rate import binomial_tail
from drillbook.analysis.felt import FELT_MILLISECONDS, NOTICED_SHARE
from drillbook.analysis.onset.finding import Level, Onset, Piece
from drillbook.analysis.onset.silence import find_silence
from drillbook.analysis.onset.slowness import SLOWER_TIMES, slow_from

ONE_SOURCE = 0.8
CROWD_OF_SOURCES = 12
NEW_SECONDS = 60.0
FEWER = 0.05
MOST_ROUTES = 6
CROWD = 2.0
LONGEST_BEFORE = 900.0


@dataclass(frozen=True, slots=True)
class Felt:
    """The trouble, if there is one, and in a sentence what was seen."""

    trouble: Trouble | None
    says: str
    only: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    badness: Badness
    is_bad: IsBad
    onset: Onset
    slow_from: float = 0.0


def find_trouble(
    requests: Sequence[Request],
    now: float,
    start: float,
    *,
    door: Sequence[Request] = (),
    health: Sequence[Request] = (),
) -> Felt:
    """
    Return what became worse for users since `start` and still is.

    `requests` are users', in order of time; `door` our own of just now; `health` what health
    checks met, which hurts nobody by itself.
    """
    requests = _folded(requests)
    silent = find_silent(requests, now, start, door)
    if silent is not None:
        return silent  # nothing that was logged before tells of now
    found, only = _families(requests, now, start, health)
    if found:
        return Felt(_trouble(found, requests, now), _says(found[0], requests), only)
    if only:
        return Felt(None, f"only one source is hit: {only}", only)
    sick = _health(health, now, start)
    if sick is not None:
        return Felt(sick, "only the health check fails: no user is hit more than before")
    failed = sum(one.failed for one in requests)
    return Felt(None, f"{failed} of {len(requests)} requests failed, and no more than before")


def _folded(requests: Sequence[Request]) -> tuple[Request, ...]:
    names = folded(one.route for one in requests)
    return tuple(
        one if names[one.route] == one.route else replace(one, route=names[one.route])
        for one in requests
    )


def _families(
    requests: Sequence[Request], now: float, start: float, health: Sequence[Request]
) -> tuple[list[_Found], str]:
    """Return what became worse, what hurts most first, and who alone is hit otherwise."""
    found: list[_Found] = []
    only: list[str] = []
    for badness, is_bad in ((Badness.FAILED, _failed), (Badness.REFUSED, _refused)):
        seen = begun(requests, is_bad, now, start, health)
        if seen is None:
            continue
        source = _one_source(requests, seen.is_bad, seen.onset)
        if source:
            only.append(source)
            rest = [one for one in requests if source not in {one.user, one.address}]
            seen = begun(rest, is_bad, now, start)
        if seen is None:
            continue
        if badness is Badness.FAILED or _turned_away(requests, seen.is_bad, seen.onset):
            found.append(_Found(badness, seen.is_bad, seen.onset))
    slow = _slow(requests, now, start, health)
    if slow is not None:
        # What failed until answers became slow, and not since, is over.
        found = [one for one in found if _last(requests, one) >= slow.onset.earliest]
        found.append(slow)
    found.sort(key=lambda one: _hardness(one, requests), reverse=True)
    return found, ", ".join(only)


def _failed(request: Request) -> bool:
    return request.failed


def _refused(request: Request) -> bool:
    return request.refused


def _slow(
    requests: Sequence[Request], now: float, start: float, health: Sequence[Request]
) -> _Found | None:
    """Return since when answers take so much longer that it is felt."""
    timed = [one for one in requests if one.milliseconds is not None and not one.failed]
    usual = slow_from([one.milliseconds or 0.0 for one in timed])
    if usual is None or usual <= 0:
        return None
    # What nine of ten answers need, half as much again is slow; and a little more is not felt.
    limit = max(usual, usual / SLOWER_TIMES + FELT_MILLISECONDS)

    def is_slow(request: Request) -> bool:
        return (request.milliseconds or 0.0) > limit

    return _slow_routes(timed, is_slow, now, start, limit) or _slow_there(
        timed, is_slow, now, start, limit, health
    )


def _slow_routes(
    requests: Sequence[Request], is_slow: IsBad, now: float, start: float, limit: float
) -> _Found | None:
    """Return the routes that became slow together, each by itself: others' hiccups hide none."""
    often = Counter(one.route for one in lately(requests, is_slow, now))
    found: dict[str, _Found] = {}
    for route, count in often.most_common(MOST_ROUTES):
        stream = [one for one in requests if one.route == route]
        slow = _slow_there(stream, is_slow, now, start, limit) if count >= FEWEST_BAD else None
        if slow is not None:
            found[route] = slow
    if not found:
        return None
    main = next(iter(found.values()))
    group = {
        route
        for route, one in found.items()
        if abs(one.onset.at - main.onset.at) <= TOGETHER_SECONDS
    }

    def is_of_it(request: Request) -> bool:
        return request.route in group and is_slow(request)

    there = [one for one in requests if one.route in group]
    together = _slow_there(there, is_of_it, now, start, limit) if len(group) > 1 else None
    return replace(together or main, is_bad=is_of_it)


def _slow_there(
    requests: Sequence[Request],
    is_slow: IsBad,
    now: float,
    start: float,
    limit: float,
    health: Sequence[Request] = (),
) -> _Found | None:
    onset = onset_of(requests, is_slow, now, start, health)
    if onset is None or not is_now(requests, is_slow, onset, now):
        return None
    found = _Found(Badness.SLOW, is_slow, onset, limit)
    return found if _is_felt(requests, is_slow, onset, now) else None


def _is_felt(requests: Sequence[Request], is_bad: IsBad, onset: Onset, now: float) -> bool:
    """Whether so many are slow where it is that it is more than a machine's hiccups."""
    hit = hit_routes(requests, is_bad, now)
    since = [is_bad(one) for one in requests if one.at >= onset.at and one.route in hit]
    return sum(since) >= NOTICED_SHARE * len(since)


def _one_source(requests: Sequence[Request], is_bad: IsBad, onset: Onset) -> str:
    """
    Return the one user or address that nearly all bad requests come from, "" for several.

    Of few users one is many: only somebody new, or one of a crowd, is "one source".
    """
    since = [one for one in requests if one.at >= onset.earliest]
    bad = [one for one in since if is_bad(one)]
    for trait in ("user", "address"):
        told = Counter(value for one in bad if (value := str(getattr(one, trait))))
        if len(bad) < FEWEST or not told:
            continue
        top, count = told.most_common(1)[0]
        every = {value for one in requests if (value := str(getattr(one, trait)))}
        before = sum(one.at < onset.earliest and getattr(one, trait) == top for one in requests)
        is_new = before == 0 and len(every) > 1 and onset.earliest - requests[0].at > NEW_SECONDS
        if count >= ONE_SOURCE * len(bad) and (is_new or len(every) >= CROWD_OF_SOURCES):
            return top
    return ""


def _turned_away(requests: Sequence[Request], is_bad: IsBad, onset: Onset) -> bool:
    """Whether fewer are let in on the routes of the refusals than before, or many more come."""
    hit = {one.route for one in requests if one.at >= onset.at and is_bad(one)}
    good = [one.at for one in requests if one.route in hit and not is_bad(one)]
    since, seconds = sum(at >= onset.at for at in good), onset.after.seconds
    before_start = max(requests[0].at, onset.earliest - LONGEST_BEFORE)
    before = sum(before_start <= at < onset.earliest for at in good)
    earlier = onset.earliest - before_start
    if earlier <= 0 or seconds <= 0 or before == 0:
        return True  # nobody was let in before: there is nothing to compare with
    everybody = sum(one.at >= onset.at for one in requests) / seconds
    usual = sum(before_start <= one.at < onset.earliest for one in requests) / earlier
    if usual and everybody > CROWD * usual:
        return True
    share = earlier / (earlier + seconds)
    return binomial_tail(before, before + since, share) < FEWER


def _last(requests: Sequence[Request], found: _Found) -> float:
    return max(one.at for one in requests if found.is_bad(one))


def _hardness(found: _Found, requests: Sequence[Request]) -> tuple[bool, int]:
    """Order what is felt: whoever gets no answer is hit harder than whoever waits for one."""
    bad = sum(one.at >= found.onset.at and found.is_bad(one) for one in requests)
    return found.badness is not Badness.SLOW, bad


def _trouble(found: Sequence[_Found], requests: Sequence[Request], now: float) -> Trouble:
    main = found[0]
    together = [one for one in found if abs(one.onset.at - main.onset.at) <= LATER_SECONDS]
    onset = main.onset
    begin = max(onset.earliest - LONGEST_BEFORE, requests[0].at)
    # The moment lies somewhere in its interval: the first bad one in it belongs to what began.
    bad = [one.at for one in requests if onset.earliest <= one.at < onset.at and main.is_bad(one)]
    first = min(bad, default=onset.at)
    since = tuple(one for one in requests if first <= one.at <= now)
    before = tuple(one for one in requests if begin <= one.at < onset.earliest)
    return Trouble(
        kinds=tuple(one.badness for one in together),
        onset=replace(
            onset,
            before=Level(onset.before.bad, onset.before.all, max(0.0, onset.earliest - begin)),
        ),
        bad=tuple(one for one in since if main.is_bad(one)),
        since=since,
        before=before,
        before_bad=tuple(one for one in before if main.is_bad(one)),
        slow_from=max(one.slow_from for one in together),
    )


def find_silent(
    requests: Sequence[Request], now: float, start: float, door: Sequence[Request]
) -> Felt | None:
    """Return that nobody is answered: nothing comes any more, and our own requests fail, too."""
    failed = [one for one in door if one.failed]
    silence = find_silence([one.at for one in requests], now, start=start)
    if not failed or len(failed) * 2 <= len(door):
        return None
    if silence is None and requests and now - requests[-1].at < FEWEST:
        return None
    since = silence.since if silence else (requests[-1].at if requests else start)
    whole = max(1.0, now - since)
    gap = min(max(5.0, 180.0 / silence.a_minute if silence else 60.0), whole)
    if not requests:
        gap = whole  # it may have begun at any time
    before = tuple(one for one in requests if one.at >= since - LONGEST_BEFORE)
    onset = Onset(
        at=since + gap / 2,
        earliest=since,
        latest=since + gap,
        probability=1.0,
        before=Level(0, len(before), max(0.0, since - (before[0].at if before else start))),
        after=Level(len(failed), len(door), max(1.0, now - since)),
        probes_before=Level(0, 0, 0.0),
        probes_after=Level(len(failed), len(door), now - since),
        since_before=not requests,
        pieces=(Piece(since, since + gap, 1.0),),
    )
    trouble = Trouble(
        kinds=(Badness.SILENT,), onset=onset, bad=tuple(failed), since=tuple(door), before=before,
        before_bad=(),
    )  # fmt: skip
    return Felt(trouble, f"{len(failed)} of {len(door)} own requests failed, and no user's comes")


def _health(health: Sequence[Request], now: float, start: float) -> Trouble | None:
    if not health:
        return None
    seen = begun(health, _failed, now, start)
    if seen is None:
        return None
    onset = seen.onset
    since = tuple(one for one in health if one.at >= onset.at)
    before = tuple(one for one in health if one.at < onset.earliest)
    return Trouble(
        kinds=(Badness.UNHEALTHY,),
        onset=onset,
        bad=tuple(one for one in since if seen.is_bad(one)),
        since=since,
        before=before,
        before_bad=tuple(one for one in before if seen.is_bad(one)),
    )


def _says(found: _Found, requests: Sequence[Request]) -> str:
    since = [one for one in requests if one.at >= found.onset.at]
    bad = sum(found.is_bad(one) for one in since)
    more = f" (over {found.slow_from:.0f} ms)" if found.slow_from else ""
    return f"{found.badness}{more}: {bad} of {len(since)} since it became worse"
