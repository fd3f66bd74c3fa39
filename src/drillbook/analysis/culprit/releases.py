"""What a release may have brought: by its time, its lines, and what it lacks."""

import re
from collections.abc import Iterator

from drillbook.analysis.culprit.requests import shares
from drillbook.analysis.culprit.route_latency import ALIKE, SLOWER, equal_load, latencies
from drillbook.analysis.culprit.scene import (
    Badness,
    FileDiff,
    MigrationKnown,
    Scene,
    Served,
    Trouble,
)
from drillbook.analysis.culprit.symptoms import Frame, Symptom
from drillbook.analysis.culprit.timing import Timing
from drillbook.analysis.culprit.weighing import TELLING, Case, person
from drillbook.core.incident import Cause, CauseKind, ChangeKind, Fix, FixKind
from drillbook.core.vitals import Entrance

LOG, HOSTING, CODE = "log", "hosting", "repository"
ENOUGH = 10
FEW_WAIT = 0.15
NOT_OF_CODE = (
    Symptom.DATABASE_AWAY,
    Symptom.DATABASE_FULL,
    Symptom.DATABASE_LOGIN,
    Symptom.DATABASE_DISK,
    Symptom.DATABASE_READ_ONLY,
    Symptom.OUTSIDE_AWAY,
    Symptom.OUTSIDE_FAILS,
    Symptom.LIMITED,
    Symptom.TOKEN_EARLY,
    Symptom.CACHE,
    Symptom.DATABASE_LOCK,
)
OF_DATABASE = (
    Symptom.DATABASE_LONG,
    Symptom.DATABASE_LOCK,
    Symptom.DATABASE_FULL,
    Symptom.DATABASE_AWAY,
    Symptom.POOL,
)


def release_cases(scene: Scene, trouble: Trouble, timed: Timing) -> Iterator[Case]:
    """Yield the release that serves."""
    served = scene.serving
    if served is None:
        return
    build = served.deployment
    title = build.message.partition("\n")[0]
    case = Case(
        Cause(
            kind=CauseKind.RELEASE,
            subject=build.id,
            says=f"release {build.id} of {build.commit[:7]}{f' ({title})' if title else ''}",
        ),
        _going_back(scene, served),
        prior=0.0,
    )
    _time(case, timed, served)
    if scene.same_code:
        case.add(
            "it was built from the same commit as the build before: the code is the same",
            -6.0,
            HOSTING,
        )
    _lines(case, scene, trouble)
    _not_of_code(case, scene, trouble)
    _few_wait(case, trouble)
    _slower_there(case, trouble)
    _who(case, trouble, build.id)
    _served_well(case, scene, trouble, timed)
    _lacks_value(case, scene, trouble)
    _lacks_object(case, scene, trouble)
    _leaks(case, scene, trouble)
    yield case


def _going_back(scene: Scene, served: Served) -> Fix:
    if scene.earlier is None:
        return person("no earlier release is known to go back to: correct forward")
    to, leaving = scene.earlier.deployment, served.deployment
    return Fix(
        kind=FixKind.ROLL_BACK,
        says=f"go back to {to.id} of {to.commit[:7]}, which served before",
        harm="what came with the release goes, and new builds get no users until they are resumed",
        to=to.id,
        leaving=leaving.id,
    )


def _time(case: Case, timed: Timing, served: Served) -> None:
    weight, change = timed.of(ChangeKind.DEPLOYMENT, served.deployment.id)
    if change is not None:
        case.add(f"it was given the users at {change.at:%H:%M:%S} UTC", weight, HOSTING, change.at)
    elif timed.known:
        case.add("it served long before it became worse", weight, HOSTING, served.since)


def _lines(case: Case, scene: Scene, trouble: Trouble) -> None:
    """Compare the lines in which errors arose with the lines that the release changed."""
    framed = [one for one in trouble.readings if one.frames]
    if scene.diff is None or not framed or len(framed) < TELLING * len(trouble.readings):
        return
    hits = [_changed(one.frames, scene.diff) for one in framed]
    share = sum(hit is not None for hit in hits) / len(hits)
    exact = sum(hit is not None and hit[1] for hit in hits) / len(hits)
    if exact >= TELLING:
        hit = next(one for one in hits if one is not None and one[1])
        where = f"{hit[0].file.rpartition('/')[2]}:{hit[0].line}"
        case.add(
            f"{exact:.0%} of the stacks go through lines that it changed, such as {where}",
            1.0 + 2.0 * exact,
            CODE,
        )
    elif share >= TELLING:
        # A file is in many stacks, whatever is wrong.
        case.add(f"{share:.0%} of the stacks go through files that it changed", 0.5, CODE)
    elif share == 0:
        case.add("no stack goes through a file that it changed", -1.0, CODE)


def _changed(frames: tuple[Frame, ...], diff: tuple[FileDiff, ...]) -> tuple[Frame, bool] | None:
    """Return the frame in a changed line, else the innermost in a changed file."""
    found = None
    for frame in frames:  # the innermost is last
        for file in diff:
            if _same_file(frame.file, file.path):
                exact = any(first <= frame.line <= last for first, last in file.lines)
                if exact or found is None or not found[1]:
                    found = frame, exact
    return found


def _same_file(seen: str, path: str) -> bool:
    return seen == path or seen.endswith(f"/{path}") or path.endswith(f"/{seen}")


def _not_of_code(case: Case, scene: Scene, trouble: Trouble) -> None:
    share = trouble.share(*NOT_OF_CODE)
    if share >= TELLING:
        case.add(
            f"{share:.0%} of the bad requests tell of systems outside of the code",
            -4.0 * min(1.0, share),
            LOG,
        )
    if trouble.share(Symptom.CODE) >= TELLING:
        case.add(f"the code itself fails: {trouble.about(Symptom.CODE)}", 2.0, LOG)
    vitals = scene.vitals
    if vitals is None and trouble.share(*OF_DATABASE) >= TELLING:
        case.add("the errors are about the database, and how it is, is not known", -4.0, LOG)
    if vitals is not None and vitals.entrance not in {Entrance.OPEN, Entrance.FAILED}:
        case.add(f"the database: {vitals.entrance}", -2.0, "database.vitals")


def _few_wait(case: Case, trouble: Trouble) -> None:
    """Weigh that few wait longer: a busy machine does that as well as any code."""
    if trouble.kinds[0] is not Badness.SLOW:
        return
    routes = {one.route for one in trouble.bad}
    there = sum(one.route in routes for one in trouble.since)
    share = len(trouble.bad) / there if there else 0.0
    if share < FEW_WAIT:
        case.add(f"only {share:.0%} of the answers are slow", -3.0, LOG)


def _slower_there(case: Case, trouble: Trouble) -> None:
    """Weigh that some routes alone became slower at the same load, as by code, or none for good."""
    if trouble.kinds[0] is not Badness.SLOW or not equal_load(trouble):
        return
    found = latencies(trouble)
    slower = [one for one in found if one.times >= SLOWER]
    as_before = [one for one in found if one.times < ALIKE]
    if slower and as_before and len(slower) + len(as_before) == len(found):
        worst = slower[0]
        case.add(
            f"{worst.route} takes {worst.since:.0f} ms, {worst.before:.0f} before, and "
            f"{len(as_before)} other routes what they took, at the same load",
            2.0,
            LOG,
        )
    elif len(found) > 1 and len(as_before) == len(found):
        case.add(
            f"half of the answers of each of {len(found)} routes take what they took: some wait, "
            "wherever they are",
            -2.0,
            LOG,
        )


def _who(case: Case, trouble: Trouble, build: str) -> None:
    """Compare this release's requests with those that another one answered at the same time."""
    own = [one.at for one in trouble.since if one.deployment == build]
    others = [one.at for one in trouble.since if one.deployment and one.deployment != build]
    if not own or not others:
        return
    # While both answer: one after the other tells of the times, and not of the releases.
    begin, end = max(own[0], others[0]), min(own[-1], others[-1])
    spread = shares(
        "deployment",
        (one for one in trouble.bad if begin <= one.at <= end),
        (one for one in trouble.since if begin <= one.at <= end),
    )
    count = sum(count for name, count in spread.every.items() if name != build)
    if spread.every[build] < ENOUGH or count < ENOUGH:
        return
    mine = spread.rate(build)
    other = sum(count for name, count in spread.bad.items() if name != build) / count
    if mine > 3 * other and mine > 0:
        case.add(
            f"{mine:.1%} of its requests are bad, {other:.1%} of another release's meanwhile",
            3.0,
            HOSTING,
        )
    elif other > mine / 2:
        case.add(
            f"{other:.1%} of another release's requests are bad as well, {mine:.1%} of its own",
            -4.0,
            HOSTING,
        )


def _served_well(case: Case, scene: Scene, trouble: Trouble, timed: Timing) -> None:
    """Weigh what this very build, or another of its commit, did before it was given the users."""
    served = scene.serving
    _, change = timed.of(ChangeKind.DEPLOYMENT, case.cause.subject)
    if change is None or served is None:
        return
    commit = served.deployment.commit
    mine = {name for name, other in scene.commits.items() if commit and other == commit}
    mine.add(case.cause.subject)
    given = (change.not_before or change.at).timestamp() - 1.0
    before = sum(one.deployment in mine and one.at < given for one in trouble.before)
    bad = sum(one.deployment in mine and one.at < given for one in trouble.before_bad)
    if before >= ENOUGH and bad * 20 <= before:
        case.cleared = True
        case.add(
            f"the same code answered {before} requests before, {bad} of them badly", -4.0, HOSTING
        )


def _lacks_value(case: Case, scene: Scene, trouble: Trouble) -> None:
    name = trouble.about(Symptom.VALUE_MISSING)
    if not name or trouble.share(Symptom.VALUE_MISSING) < TELLING or scene.serving is None:
        return
    given, before = scene.serving.given, scene.earlier.given if scene.earlier else None
    if before is not None and name in before:
        case.add(
            f"the build before was given {name}: it was taken away, whatever the code",
            -4.0,
            HOSTING,
        )
        return
    if given is not None and name in given:
        return
    if _introduces(scene, name):
        case.cause = case.cause.model_copy(update={"lacks": name})
        case.add(f"its code reads {name} anew, and neither build has it", 5.0, CODE)
    else:
        case.add(f"it needs {name}, which neither this build nor the one before has", 2.0, HOSTING)


def _introduces(scene: Scene, word: str) -> bool:
    """Whether the release's new lines say a word that its old ones did not."""
    if scene.diff is None:
        return False
    pattern = re.compile(rf"\b{re.escape(word)}\b")
    added = any(pattern.search(file.added) for file in scene.diff)
    return added and not any(pattern.search(file.removed) for file in scene.diff)


def _lacks_object(case: Case, scene: Scene, trouble: Trouble) -> None:
    name = trouble.about(Symptom.DATABASE_OBJECT).rpartition(".")[2]
    if not name or trouble.share(Symptom.DATABASE_OBJECT) < TELLING:
        return
    code = [file for file in scene.diff or () if not file.path.endswith(".sql")]
    pattern = re.compile(rf"\b{re.escape(name)}\b")
    if any(pattern.search(file.added) for file in code):
        waits = _in_code_only(scene, name)
        lacks = waits.name if waits else name
        case.cause = case.cause.model_copy(update={"lacks": lacks})
        case.add(
            f"its code asks for {name} anew, and the database has it not"
            f"{f': {waits.name} is not applied' if waits else ''}",
            5.0,
            CODE,
        )


def _in_code_only(scene: Scene, name: str) -> MigrationKnown | None:
    """Return the migration that makes this object and is not, or no more, in force."""
    pattern = re.compile(rf"\b{re.escape(name)}\b")
    waits = (one for one in scene.migrations or () if one.in_code_only or one.undone_at)
    return next((one for one in waits if pattern.search(one.text)), None)


def _leaks(case: Case, scene: Scene, trouble: Trouble) -> None:
    """Weigh a pool without a free place while the database has places, and nobody waits there."""
    share, vitals = trouble.share(Symptom.POOL), scene.vitals
    if share < TELLING or vitals is None or vitals.entrance is not Entrance.OPEN:
        return
    busy = sum(one.longest_seconds >= 1.0 for one in vitals.running)
    full = any(one.is_full for one in vitals.roles) or vitals.used >= vitals.limit
    if vitals.waiting or busy or full:
        return
    case.add(
        f"the app has no free connection, while the database has {vitals.limit - vitals.used} "
        "free, nobody waits and no statement is slow: the app gives its own ones away",
        4.0,
        "database.vitals",
    )
