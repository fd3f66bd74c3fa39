"""Since when requests of one badness are more than before, on the routes that have them."""

from collections import Counter
from collections.abc import Callable, Sequence

from drillbook.analysis.culprit.requests import Request
from drillbook.analysis.error_rate import fisher_tail, is_raised
from drillbook.analysis.onset.finding import Onset, Stream, find_onset

FEWEST, FEWEST_BAD = 4, 3
CHANCE = 0.001
LATELY_SECONDS, OF_NOW_SECONDS, LATER_SECONDS = 180.0, 45.0, 90.0
SHORTER_SECONDS = (600.0, 240.0, 120.0)
NEARLY_ALL = 0.9

IsBad = Callable[[Request], bool]


def onset_of(
    requests: Sequence[Request],
    is_bad: IsBad,
    now: float,
    start: float,
    health: Sequence[Request] = (),
) -> Onset | None:
    """
    Return the onset on the routes that are hit, where only some are, else that of all requests.

    Most trouble is that of a few routes. Where others are asked meanwhile all seems well again, and
    so the other routes say nothing; but a few bad ones on a few requests may be chance. Health
    checks that meet it as well sharpen the moment of what hits all; those that are well say
    nothing of a route that is not.
    """
    everywhere = _onset_there(requests, is_bad, now, start, _probes(health, is_bad, now))
    hit = hit_routes(requests, is_bad, now)
    there = [one for one in requests if one.route in hit]
    if not hit or len(there) == len(requests):
        return everywhere
    local = _onset_there(there, is_bad, now, start)
    if local is None:
        return everywhere
    if everywhere is not None and abs(everywhere.at - local.at) <= LATER_SECONDS:
        return local
    before, after = local.before, local.after
    sure = after.bad >= FEWEST and (
        fisher_tail(after.bad, after.all, before.bad, before.all) < CHANCE
    )
    return local if sure else everywhere


def _probes(health: Sequence[Request], is_bad: IsBad, now: float) -> Stream | None:
    if not any(is_bad(one) for one in health if one.at >= now - LATELY_SECONDS):
        return None
    return Stream([one.at for one in health], [is_bad(one) for one in health])


def lately(requests: Sequence[Request], is_bad: IsBad, now: float) -> list[Request]:
    """Return what went wrong in the last seconds; of the last minutes, where that is too little."""
    found = [one for one in requests if one.at >= now - LATELY_SECONDS and is_bad(one)]
    latest = [one for one in found if one.at >= now - OF_NOW_SECONDS]
    return latest if len(latest) >= FEWEST_BAD else found


def hit_routes(requests: Sequence[Request], is_bad: IsBad, now: float) -> set[str]:
    """Return the routes that have nearly all that went wrong lately."""
    routes = [one.route for one in lately(requests, is_bad, now)]
    found: set[str] = set()
    covered = 0
    for route, count in Counter(routes).most_common():
        if covered >= NEARLY_ALL * len(routes):
            break
        found.add(route)
        covered += count
    return found


def _onset_there(
    requests: Sequence[Request],
    is_bad: IsBad,
    now: float,
    start: float,
    probes: Stream | None = None,
) -> Onset | None:
    """
    Return the onset where so many are bad since that it is no chance.

    Where outages that are over fill the window, the calm time right before is what to compare with;
    and a lull that may be chance is no end: who fails comes and goes, as customers do.
    """
    times, bad = [one.at for one in requests], [is_bad(one) for one in requests]
    if sum(bad) < FEWEST_BAD:
        return None
    last = max(at for at, wrong in zip(times, bad, strict=True) if wrong)
    for seconds in (now - start, *SHORTER_SECONDS):
        begin = max(start, now - seconds)
        onset = find_onset(times, bad, now, probes=probes, start=begin)
        if onset is None and now - last <= OF_NOW_SECONDS:
            onset = _before_lull(times, bad, last, begin)
        if onset is not None and is_sure(onset):
            return onset
    return None


def _before_lull(
    times: Sequence[float], bad: Sequence[bool], last: float, begin: float
) -> Onset | None:
    """Return the onset as it was when the last bad one came, if the lull since may be chance."""
    onset = find_onset(times, bad, last + 0.001, start=begin)
    share = onset.after.share if onset else None
    if share is None or (1.0 - share) ** sum(at > last for at in times) < CHANCE:
        return None
    return onset


def is_sure(onset: Onset) -> bool:
    """Whether so many are bad since that chance does not explain it."""
    before, after = onset.before, onset.after
    return after.bad >= FEWEST_BAD and is_raised(after.bad, after.all, before.bad, before.all)
