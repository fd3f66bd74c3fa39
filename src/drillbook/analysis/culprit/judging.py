"""Name the one cause that the observations point to, and the one thing to do; or none."""

from dataclasses import dataclass

from drillbook.analysis.culprit.crowd import crowd_cases
from drillbook.analysis.culprit.databases import database_cases
from drillbook.analysis.culprit.environment_values import value_cases
from drillbook.analysis.culprit.migrations import migration_cases
from drillbook.analysis.culprit.outside import outside_cases
from drillbook.analysis.culprit.releases import release_cases
from drillbook.analysis.culprit.scene import Badness, Scene, Trouble
from drillbook.analysis.culprit.timing import sharpened, timing
from drillbook.analysis.culprit.waiting import waiting_cases
from drillbook.analysis.culprit.weighing import NAMED, Case, person, ranked
from drillbook.analysis.felt import CROWDED
from drillbook.analysis.onset.finding import Onset
from drillbook.core.incident import Candidate, CauseKind, Change, ChangeKind, Fix, FixKind

# What a change may bring about: seen in the middle, and not at the root.
BROUGHT_ABOUT = {
    CauseKind.SLOW_QUERY: {CauseKind.RELEASE, CauseKind.VALUE, CauseKind.MIGRATION},
    CauseKind.PROCESS: {CauseKind.RELEASE, CauseKind.VALUE},
    CauseKind.CONNECTIONS: {CauseKind.RELEASE, CauseKind.VALUE},
    CauseKind.LOCK: {CauseKind.RELEASE, CauseKind.MIGRATION},
}
# By whoever holds them: another program's sessions are not brought about by the app.
OF_SESSIONS = {CauseKind.CONNECTIONS, CauseKind.LOCK}
NEAR = 2.0
CHANGES_OF = {
    CauseKind.RELEASE: ChangeKind.DEPLOYMENT,
    CauseKind.VALUE: ChangeKind.VALUE,
    CauseKind.MIGRATION: ChangeKind.MIGRATION,
}
PASSED_ON = 0.9
WARM_SECONDS = 20.0
OF_BUILD = {CauseKind.RELEASE, CauseKind.VALUE}
UNREAD = "what users feel is not known, the log could not be read"


@dataclass(frozen=True, slots=True)
class Judgement:
    """
    The cause if one is named, all candidates, and what to do; `none` is "none of these".

    `onset` is when it became worse: sharper where the cause is a change whose time is known.
    """

    found: Candidate | None
    candidates: tuple[Candidate, ...]
    none: float
    fix: Fix
    says: str
    onset: Onset | None = None


def judge(scene: Scene) -> Judgement:
    """Weigh every cause that comes into question on the same observations."""
    trouble = scene.trouble
    if trouble is None and "logs" in scene.unknown:
        return Judgement(None, (), 1.0, _see_for_yourself(), "no cause found: " + UNREAD)
    if trouble is None:
        return Judgement(
            None,
            (),
            1.0,
            Fix(kind=FixKind.NONE, says="nothing is to be done"),
            "no cause found: nobody is hit more than before",
        )
    cases = _cases(scene, trouble)
    candidates, none = ranked(cases)
    best = candidates[0] if candidates else None
    if best is None or best.probability < NAMED:
        return Judgement(None, candidates, none, _ask(), _unclear(candidates, none), trouble.onset)
    fix = next(case.fix for case in cases if case.cause == best.cause)
    if trouble.has(Badness.UNHEALTHY):
        fix = person(f"no user is hit, only the health check fails: {fix.says}, in working hours")
    return Judgement(best, candidates, none, fix, _named(best), _onset(trouble, scene, best))


def _onset(trouble: Trouble, scene: Scene, best: Candidate) -> Onset:
    """Return the onset, sharpened by the change that is named."""
    kinds = {CHANGES_OF[best.cause.kind]} if best.cause.kind in CHANGES_OF else set()
    named = [
        one
        for one in scene.changes or ()
        if one.kind in kinds and one.subject == best.cause.subject
    ]
    if not named:
        return trouble.onset
    nearest = min(named, key=lambda one: abs(one.at.timestamp() - trouble.onset.at))
    return sharpened(trouble.onset, nearest)


def _cases(scene: Scene, trouble: Trouble) -> list[Case]:
    timed = timing(trouble.onset, scene.changes)
    cases = [
        *release_cases(scene, trouble, timed),
        *migration_cases(scene, trouble, timed),
        *value_cases(scene, trouble, timed),
        *database_cases(scene, trouble),
        *waiting_cases(scene, trouble),
        *outside_cases(scene, trouble),
        *crowd_cases(scene, trouble),
    ]
    _pass_on(cases)
    _crowded(cases, trouble)
    _just_begun(cases, scene, trouble)
    _before_it(cases, scene, trouble)
    return cases


def _crowded(cases: list[Case], trouble: Trouble) -> None:
    """Weigh that many more come: load slows answers down, whatever was changed that minute."""
    if trouble.kinds[0] is not Badness.SLOW or trouble.rate_ratio < CROWDED:
        return
    for case in cases:
        if case.cause.kind in CHANGES_OF:
            case.add(
                f"{trouble.rate_ratio:.1f} times as many requests come, and nothing fails: load "
                "slows answers down",
                -8.0,
                "log",
            )


def _just_begun(cases: list[Case], scene: Scene, trouble: Trouble) -> None:
    """Weigh that a build answers slowly at first, until its code and its connections are warm."""
    change = _switched(scene)
    if trouble.kinds[0] is not Badness.SLOW or change is None:
        return
    seconds = (scene.now - change.at).total_seconds()
    if not 0 <= seconds < WARM_SECONDS:
        return
    for case in cases:
        if case.cause.kind in OF_BUILD:
            case.add(
                f"the build has served for {seconds:.0f} s: any is slow at first", -5.0, "hosting"
            )


def _before_it(cases: list[Case], scene: Scene, trouble: Trouble) -> None:
    """Weigh that it was the build before that met it: what serves now may be its very repair."""
    change = _switched(scene)
    if change is None or not trouble.telling:
        return
    moment = change.at.timestamp()
    since = sum(
        one.deployment == change.subject if one.deployment else one.at >= moment
        for one in trouble.telling
    )
    if 2 * since >= len(trouble.telling):
        return
    says = (
        f"{len(trouble.telling) - since} of {len(trouble.telling)} bad requests came before it "
        f"served, at {change.at:%H:%M:%S} UTC"
    )
    for case in cases:
        if case.cause.kind in OF_BUILD | {CauseKind.PASSWORD}:  # a password, too, is a build's
            case.add(says, -8.0, "log")


def _switched(scene: Scene) -> Change | None:
    """Return when the users were given the build that serves."""
    name = scene.serving.deployment.id if scene.serving else ""
    found = [
        one
        for one in scene.changes or ()
        if one.kind is ChangeKind.DEPLOYMENT and one.subject == name
    ]
    return max(found, key=lambda one: one.at, default=None)


def _pass_on(cases: list[Case]) -> None:
    """Let a change that fits in time have for itself what it may have brought about."""
    middle = [
        case
        for case in cases
        if case.cause.kind in BROUGHT_ABOUT
        and case.measured > 0
        and not case.is_root
        and (case.of_the_app or case.cause.kind not in OF_SESSIONS)
    ]
    for case in cases:
        mine = [one for one in middle if case.cause.kind in BROUGHT_ABOUT[one.cause.kind]]
        if not mine or case.cleared or not _near(case):
            continue
        strongest = max(mine, key=lambda one: one.score)
        case.add(
            f"it may have brought this about: {strongest.cause.says}",
            PASSED_ON * max(0.0, strongest.score - strongest.prior),
            "triage",
        )


def _near(case: Case) -> bool:
    """Whether its time fits: the first that is said of a change is when it was in force."""
    return any(one.at is not None and one.weight >= NEAR for one in case.evidence)


def _see_for_yourself() -> Fix:
    return person("the log could not be read: see by hand whether users are hit")


def _ask() -> Fix:
    return Fix(
        kind=FixKind.PERSON, says="no cause is sure enough to act on: look at the candidates"
    )


def _unclear(candidates: tuple[Candidate, ...], none: float) -> str:
    if not candidates:
        return "no cause found: nothing that was looked at is out of the ordinary"
    told = "; ".join(f"{one.cause.says} ({one.probability:.0%})" for one in candidates[:3])
    return f"no cause found: none is sure ({told}; none of these {none:.0%})"


def _named(best: Candidate) -> str:
    reasons = [one.says for one in best.evidence if one.weight > 0][:3]
    lacks = f", and lacks {best.cause.lacks}" if best.cause.lacks else ""
    return f"{best.cause.kind}: {best.cause.says}{lacks} ({'; '.join(reasons)})"
