"""What may be wrong around the app: services it needs, clocks, limits, its hosting, its process."""

import re
from collections.abc import Iterator
from statistics import median

from drillbook.analysis.culprit.environment_values import akin
from drillbook.analysis.culprit.requests import GATEWAY, shares
from drillbook.analysis.culprit.scene import Badness, LimiterSeen, Outside, Scene, Trouble
from drillbook.analysis.culprit.symptoms import Symptom
from drillbook.analysis.culprit.weighing import TELLING, Case, person
from drillbook.core.incident import Cause, CauseKind, Fix, FixKind

PROBE, LOG = "own probe", "log"
SLOW_SECONDS = 1.0
CLOCK_SECONDS = 60.0
PART_OF_IT = 0.7
MANY_TIMES = 3.0
_LOGIN = re.compile(r"auth\d*|oauth\d*|gotrue|login|identity|sso|authenti\w+|authori[sz]\w+")
OUTSIDE = (Symptom.OUTSIDE_AWAY, Symptom.OUTSIDE_FAILS)


def outside_cases(scene: Scene, trouble: Trouble) -> Iterator[Case]:
    """Yield what may be wrong around the app."""
    yield from _auth(scene, trouble)
    yield from _clock(scene, trouble)
    yield from _dependencies(scene, trouble)
    yield from _limits(scene, trouble)
    yield from _cache(scene, trouble)
    yield from _hosting(scene, trouble)


def _answering(case: Case, seen: Outside, scene: Scene, trouble: Trouble) -> None:
    """Weigh how a service answered us, and whether what users feel is what it would bring."""
    if seen.alive and seen.failed:
        said = f"{seen.failed} of {seen.asked} requests of our own to {seen.name} failed"
        case.add(f"{said}, which may be chance", 0.0, PROBE)
    elif not seen.alive:
        share = seen.failed / max(1, seen.asked)
        case.add(
            f"{seen.failed} of {seen.asked} requests of our own to {seen.name} failed: "
            f"{seen.problem}",
            3.5 + 1.5 * share,
            PROBE,
        )
    elif seen.median_seconds < SLOW_SECONDS or not trouble.has(Badness.SLOW):
        case.add(f"{seen.name} answers us within {seen.median_seconds:.2f} s", -5.0, PROBE)
    else:
        weight = _slowness(seen, scene, trouble)
        case.add(f"{seen.name} takes {seen.median_seconds:.1f} s to answer us", weight, PROBE)


def _slowness(seen: Outside, scene: Scene, trouble: Trouble) -> float:
    """Return what it says that a service is slow for us, who may be slow ourselves."""
    times = [(one.milliseconds or 0.0) / 1000 for one in trouble.telling]
    if times and median(times) < PART_OF_IT * seen.median_seconds:
        return -2.0  # users wait for less than it takes
    others = [*(one.median_seconds for one in _around(scene) if one is not seen)]
    others += [scene.vitals.seconds] if scene.vitals else []
    quickest = min(others, default=0.0)
    return 5.0 if seen.median_seconds >= MANY_TIMES * quickest else 0.0


def _around(scene: Scene) -> tuple[Outside, ...]:
    return (*(scene.dependencies or ()), *((scene.auth,) if scene.auth else ()))


def _auth(scene: Scene, trouble: Trouble) -> Iterator[Case]:
    about = trouble.about(*OUTSIDE)
    named = _is_login(about)
    if scene.auth is None and not named:
        return
    case = Case(
        Cause(
            kind=CauseKind.AUTH,
            subject=scene.auth.name if scene.auth else about,
            says="the login service does not answer as it must",
        ),
        person("the login service is another's: call its operator, and watch its status page"),
    )
    if scene.auth is not None:
        _answering(case, scene.auth, scene, trouble)
        if scene.database_ill:
            case.add(
                f"{scene.database_ill}, and login services keep users and sessions there",
                -6.0,
                "database.vitals",
            )
    case.fits(trouble, 2.5, -2.0, *OUTSIDE, Symptom.TOKEN_BAD)
    if about:
        case.add(f"the errors are about the {about}", 1.5 if named else -2.0, LOG)
    yield case


def _is_login(about: str) -> bool:
    """Whether a name says that it is a login service; "processor" and "author" do not."""
    return any(_LOGIN.fullmatch(word) for word in re.split(r"[\W_]+", about.lower()))


def _clock(scene: Scene, trouble: Trouble) -> Iterator[Case]:
    ahead = scene.auth_clock_seconds
    wrong = ahead is not None and abs(ahead) >= CLOCK_SECONDS
    early = trouble.share(Symptom.TOKEN_EARLY)
    if not wrong and not early:
        return
    case = Case(
        Cause(
            kind=CauseKind.CLOCK,
            subject=scene.auth.name if scene.auth else "login service",
            says="the login service's clock and the app's differ: its tokens are from the future",
        ),
        person("have the clock of the login service set right; until then nobody new gets in"),
    )
    if ahead is not None:
        case.add(f"its clock is {ahead:+.0f} s from ours", 5.0 if wrong else -3.0, PROBE)
    case.fits(trouble, 5.0, -2.0, Symptom.TOKEN_EARLY, Symptom.TOKEN_BAD)
    if early >= TELLING:
        case.add(f"{early:.0%} of the errors say that a token is from the future", 3.0, LOG)
    yield case


def _dependencies(scene: Scene, trouble: Trouble) -> Iterator[Case]:
    about = trouble.about(*OUTSIDE)
    for seen in scene.dependencies or ():
        case = Case(
            Cause(
                kind=CauseKind.DEPENDENCY,
                subject=seen.name,
                says=f"{seen.name}, which the app needs, does not answer as it must",
            ),
            _switching_off(seen),
        )
        _answering(case, seen, scene, trouble)
        _routes(case, seen, trouble)
        if about:
            mine = akin(about, seen.name)
            case.add(f"the errors are about the {about}", 1.5 if mine else -1.5, LOG)
        case.fits(trouble, 2.0, -1.5 if not trouble.has(Badness.SLOW) else 0.0, *OUTSIDE)
        yield case
    known = _around(scene)
    if about and not any(akin(about, one.name) for one in known) and not _is_login(about):
        case = Case(
            Cause(
                kind=CauseKind.DEPENDENCY,
                subject=about,
                says=f"the {about}, which the app needs, does not answer as it must",
            ),
            person(f"call the operator of the {about}; the stack names no way to turn it off"),
        )
        case.fits(trouble, 3.5, -2.0, *OUTSIDE)
        yield case


def _routes(case: Case, seen: Outside, trouble: Trouble) -> None:
    """Weigh whether it is the routes that need it which are bad."""
    if not seen.routes:
        return
    mine = sum(any(_is_on(one.route, route) for route in seen.routes) for one in trouble.telling)
    share = mine / len(trouble.telling) if trouble.telling else 0.0
    case.add(
        f"{share:.0%} of the bad requests are on routes that need {seen.name}",
        2.0 if share >= 1 - TELLING else -3.0 if share < TELLING else 0.0,
        LOG,
    )


def _is_on(route: str, written: str) -> bool:
    """Whether a route is one that a stack names, whose `*` or `:id` stand for anything."""
    seen = route.partition(" ")[2].split("/")
    want = written.rpartition(" ")[2].split("/")
    if len(seen) != len(want):
        return False
    return all(
        w == s or w.startswith((":", "*", "{", "[", "$")) or s == "*"
        for s, w in zip(seen, want, strict=True)
    )


def _switching_off(seen: Outside) -> Fix:
    if not seen.switch:
        return person(f"call the operator of {seen.name}; the stack names no way to turn it off")
    return Fix(
        kind=FixKind.SWITCH_OFF,
        says=f"turn {seen.name} off by {seen.switch} and redeploy",
        harm=f"what needs {seen.name} is put off",
        dependency=seen.name,
    )


def _limits(scene: Scene, trouble: Trouble) -> Iterator[Case]:
    share, limiter = trouble.share(Symptom.LIMITED), scene.limiter
    if not share:
        return
    endless = limiter.endless if limiter is not None else 0
    if limiter is None or not endless:
        return
    case = Case(
        Cause(
            kind=CauseKind.LIMIT,
            subject=limiter.prefix or "rate limits",
            says=f"{endless} counts of the rate limiter never end: who is counted there is locked "
            "out",
        ),
        Fix(
            kind=FixKind.CLEAR_LIMIT,
            says=f"remove the {endless} counts without an end",
            harm="those users are counted anew",
            prefix=limiter.prefix,
        ),
    )
    case.add(f"{endless} of {limiter.counts} counts have no end", 5.0, "ratelimit.state")
    case.fits(trouble, 4.0, -4.0, Symptom.LIMITED)
    yield case


def _cache(scene: Scene, trouble: Trouble) -> Iterator[Case]:
    limiter = scene.limiter
    share = trouble.share(Symptom.CACHE)
    said = [
        one for one in scene.words if one.at >= trouble.onset.earliest and _of_cache(one.message)
    ]
    if not share and not said and (limiter is None or limiter.reachable):
        return
    case = Case(
        Cause(
            kind=CauseKind.CACHE,
            subject="cache",
            says="the cache, in which requests are counted, does not answer",
        ),
        _without_limits(limiter),
    )
    if limiter is not None:
        case.add(
            limiter.says or "it answers us", -5.0 if limiter.reachable else 5.0, "ratelimit.state"
        )
        if not limiter.reachable and trouble.kinds[0] is Badness.SLOW:
            case.add("requests wait, as those do that are counted there", 2.0, LOG)
    if share:
        case.fits(trouble, 3.0, -1.0, Symptom.CACHE)
    if said:
        case.add(f"{len(said)} lines of the log say so since: {said[0].message[:80]}", 2.0, LOG)
    yield case


def _without_limits(limiter: LimiterSeen | None) -> Fix:
    if limiter is None or not limiter.switch:
        return person("the cache is its operator's to start anew: call whoever runs it")
    return Fix(
        kind=FixKind.SWITCH_OFF,
        says=f"let the app count nobody while the cache is ill, by {limiter.switch}, and redeploy",
        harm="nobody is limited meanwhile",
        dependency="limits",
    )


def _of_cache(message: str) -> bool:
    words = message.lower()
    return any(one in words for one in ("redis", "valkey", "memcache", "misconf"))


def _hosting(scene: Scene, trouble: Trouble) -> Iterator[Case]:
    """Yield hosting and process: nobody listens there, or somebody listens and nothing answers."""
    door = scene.door
    if door is None:
        return
    silent = trouble.share(Symptom.NO_ANSWER)
    if door.is_shut:
        case = Case(
            Cause(
                kind=CauseKind.HOSTING,
                subject="edge",
                says="nobody listens at the app's address: its hosting is away",
            ),
            person("the hosting is another's: call its support, and watch its status page"),
        )
        case.add(
            f"{door.unconnected} of {len(door.statuses)} requests of our own got no connection: "
            f"{door.problem}",
            6.0,
            PROBE,
        )
        case.fits(trouble, 2.0, -1.0, Symptom.NO_ANSWER)
        yield case
    elif silent or door.hangs or set(door.statuses) & set(GATEWAY):
        yield _process(scene, trouble, door.statuses)


def _process(scene: Scene, trouble: Trouble, statuses: tuple[int, ...]) -> Case:
    build = scene.serving.deployment.id if scene.serving else ""
    case = Case(
        Cause(
            kind=CauseKind.PROCESS,
            subject=build or "app",
            says="the hosting answers, and the app's process does not",
        ),
        Fix(
            kind=FixKind.REDEPLOY,
            says="start the app anew: the same commit, deployed again",
            harm="requests under way are lost",
            leaving=build,
        ),
    )
    bad = [one for one in statuses if one == 0 or one in GATEWAY]
    weight = 5.0 if len(bad) == len(statuses) else 1.0 if bad else -5.0
    told = ", ".join(str(one or "no answer") for one in statuses)
    case.add(f"our own requests met: {told}", weight, PROBE)
    case.fits(trouble, 3.0, -3.0, Symptom.NO_ANSWER)
    routes = shares("route", trouble.bad, trouble.since)
    if routes.hit > 2:  # noqa: PLR2004 - a route alone may have a reason of its own
        case.add(f"{routes.hit} routes are hit", 0.5, LOG)
    return case
