"""Whether an earlier build may serve again: a judgement of facts alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from drillbook.core.deployments import Cron, Deployment, EnvironmentValue, Stage
from drillbook.core.model import Frozen
from drillbook.core.quantities import show_duration

MOST_SAID = 5
SYSTEM = "system"
DATA_FORMATS = (
    "whether the earlier code reads what the newer one has written since (data formats) cannot be "
    "told from outside"
)


class Verdict(StrEnum):
    """What a look at a way back came to; only SAFE may be gone by itself."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    UNKNOWN = "unknown"


class Subject(StrEnum):
    """What a reason is about."""

    BUILD = "build"
    MIGRATION = "migration"
    VALUE = "value"
    CRON = "cron"


class Reason(Frozen):
    """One reason why going back is not safe, or not known to be: about what, and why."""

    subject: Subject
    name: str
    says: str


class Since(Frozen):
    """
    One migration that the earlier code does not know, and that is in force.

    `text` is None where nobody has it. `taken_back`: the other way round, the earlier code knows it
    and it is in force no more. `half`: it is neither.
    """

    name: str
    at: datetime | None = None
    text: str | None = None
    taken_back: bool = False
    half: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What is known of an earlier build, of what serves, and of what changed in between.

    None says that something is not known, and why stands beside it or is said by the verdict:
    `build` None: the platform has it no more; `migrations` None: no ledger tells; `given` None:
    the names of the values the build has are not known; `crons_then` None: its schedule is not.
    `restoring` names the value that is wrong now and that the earlier build has as it was.
    """

    build_name: str
    build: Deployment | None
    serving: Deployment | None
    now: datetime
    oldest: timedelta
    migrations: tuple[Since, ...] | None = ()
    migrations_unknown: tuple[str, ...] = ()
    values: tuple[EnvironmentValue, ...] = ()
    given: tuple[str, ...] | None = ()
    given_now: tuple[str, ...] | None = ()
    crons_then: tuple[Cron, ...] | None = ()
    crons_now: tuple[Cron, ...] = ()
    rolled_back_from: tuple[str, ...] = ()
    restoring: str = ""


class GoingBack(Frozen):
    """
    The judgement: `reasons` make it unsafe, `unknown` keep it from being called safe.

    `notes` hold neither back and are to be read: what stays as it is, and what nobody can tell.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    unknown: tuple[Reason, ...]
    notes: tuple[str, ...]
    says: str


Found = tuple[Reason | None, Reason | None, str]


def judge(facts: Facts) -> GoingBack:
    """Say whether the build may serve again, with every reason against it."""
    found = [*_build(facts), *_migrations(facts), *_values(facts), *_crons(facts)]
    reasons = tuple(reason for reason, _, _ in found if reason is not None)
    unknown = tuple(reason for _, reason, _ in found if reason is not None)
    notes = [note for _, _, note in found if note]
    if _code_differs(facts):
        notes.append(DATA_FORMATS)
    verdict = Verdict.UNSAFE if reasons else Verdict.UNKNOWN if unknown else Verdict.SAFE
    return GoingBack(
        verdict=verdict,
        reasons=reasons,
        unknown=unknown,
        notes=tuple(notes),
        says=_says(facts, verdict, reasons, unknown),
    )


def _against(subject: Subject, name: str, says: str) -> Found:
    return Reason(subject=subject, name=name, says=says), None, ""


def _open(subject: Subject, name: str, says: str) -> Found:
    return None, Reason(subject=subject, name=name, says=says), ""


def _note(says: str) -> Found:
    return None, None, says


def _code_differs(facts: Facts) -> bool:
    build, serving = facts.build, facts.serving
    return build is not None and (serving is None or build.commit != serving.commit)


def _build(facts: Facts) -> Iterator[Found]:
    build, name = facts.build, facts.build_name
    if build is None or build.stage is Stage.GONE:
        yield _against(Subject.BUILD, name, "the platform has this build no more")
        return
    if build.stage is not Stage.READY:
        why = f" ({build.error})" if build.error else ""
        yield _against(Subject.BUILD, name, f"the build is {build.stage}{why}, not ready")
    if facts.serving is not None and facts.serving.id == build.id:
        yield _against(Subject.BUILD, name, "it serves now: there is nothing to go back to")
    if build.has_served is False:
        yield _against(Subject.BUILD, name, "it never served: nobody knows how it does")
    elif build.has_served is None:
        yield _open(Subject.BUILD, name, "whether it ever served is not known")
    if build.id in facts.rolled_back_from:
        yield _against(Subject.BUILD, name, "it was rolled back from: it was bad before")
    if facts.serving is not None and build.created > facts.serving.created:
        yield _note("it is newer than what serves: this goes forward, not back")
    age = facts.now - build.created
    if age > facts.oldest:
        ago = show_duration(timedelta(seconds=round(age.total_seconds())))
        says = f"it was built {ago} ago, longer than {show_duration(facts.oldest)}"
        yield _against(Subject.BUILD, name, says)


def _migrations(facts: Facts) -> Iterator[Found]:
    if facts.migrations is None:
        says = "no ledger tells which migrations the database has: it may be changed since"
        yield _open(Subject.MIGRATION, "", says)
        return
    for says in facts.migrations_unknown:
        yield _open(Subject.MIGRATION, "", says)
    readable = [one for one in facts.migrations if one.text is not None and not one.taken_back]
    found = _breaks(tuple((one.name, one.text or "") for one in readable))
    broken = {name for name, _, _ in found}
    for name, says, sure in found:
        yield (_against if sure else _open)(Subject.MIGRATION, name, says)
    for one in facts.migrations:
        yield from _migration(one, broken)


def _migration(one: Since, broken: set[str]) -> Iterator[Found]:
    when = f" at {one.at:%Y-%m-%d %H:%M} UTC" if one.at else ""
    if one.taken_back:
        says = f"it was taken back{when}, and that release was built with it"
        yield _against(Subject.MIGRATION, one.name, says)
    elif one.half:
        yield _open(Subject.MIGRATION, one.name, "it is neither applied nor taken back")
    elif one.text is None:
        says = f"it was applied{when}, and its text is not known"
        yield _open(Subject.MIGRATION, one.name, says)
    elif one.name not in broken:
        yield _note(f"{one.name} was applied{when} and only adds: the earlier code may ignore it")


def _breaks(migrations: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str, bool], ...]:
    if not migrations:
        return ()
    from drillbook.analysis.oldcode import breaks_old_code  # noqa: PLC0415 - costs 0.25 s

    return tuple(
        (one.migration, f"line {one.line}: {one.says}", one.sure)
        for one in breaks_old_code(migrations)
    )


def _values(facts: Facts) -> Iterator[Found]:
    build = facts.build
    if build is None:
        return
    here = {one.key: one for one in facts.values if one.kind != SYSTEM}
    given = facts.given
    if given is None:
        says = "the names of the values this build has are not known: one may be gone since"
        yield _open(Subject.VALUE, "", says)
        given = tuple(key for key, one in here.items() if one.created <= build.created)
    own = {one.key for one in facts.values if one.kind == SYSTEM}
    for key in sorted(set(given) - own):
        if key == facts.restoring:
            yield _note(f"{key} is what going back is for: this build has it as it was")
            continue
        yield from _value(facts, build, key, here.get(key))


def _value(
    facts: Facts, build: Deployment, key: str, value: EnvironmentValue | None
) -> Iterator[Found]:
    serving, given_now = facts.serving, facts.given_now
    if value is None:
        if serving is not None and given_now is not None and key in given_now:
            # Taken away after both, or given by a place that is not listed: when was it changed?
            says = "both builds have it and no setting tells of it: they may have different ones"
            yield _open(Subject.VALUE, key, says)
        else:
            says = "it was taken away since; this build still has it, and what it opens may be gone"
            yield _against(Subject.VALUE, key, says)
        return
    if value.changed <= build.created:
        return
    when = f"{value.changed:%Y-%m-%d %H:%M} UTC"
    if serving is not None and value.changed > serving.created:
        # The platform tells of the last change alone: there may have been one between the two.
        says = f"it was changed at {when}, after both builds, which may have different ones"
        yield _open(Subject.VALUE, key, says)
    else:
        says = f"it was changed at {when}, after this build: it would serve with the old one"
        yield _against(Subject.VALUE, key, says)


def _crons(facts: Facts) -> Iterator[Found]:
    if facts.build is None:
        return
    if facts.crons_then is None:
        yield _open(Subject.CRON, "", "what the platform would call by schedule is not known")
        return
    then, now = _schedules(facts.crons_then), _schedules(facts.crons_now)
    for path in sorted(then.keys() | now.keys()):
        before, after = then.get(path), now.get(path)
        if before == after:
            continue
        if before is None:
            says = f"it runs now ({after}), and would run no more"
        elif after is None:
            says = f"it runs no more, and would run again ({before})"
        else:
            says = f"it runs by {after} now, and would run by {before}"
        yield _against(Subject.CRON, path, says)


def _schedules(crons: tuple[Cron, ...]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for one in crons:
        found.setdefault(one.path, set()).add(one.schedule)
    return {path: ", ".join(sorted(schedules)) for path, schedules in found.items()}


def _says(
    facts: Facts, verdict: Verdict, reasons: tuple[Reason, ...], unknown: tuple[Reason, ...]
) -> str:
    about = f"going back to {facts.build_name} is {verdict}"
    told = [
        f"{' '.join(filter(None, (one.subject, one.name)))}: {one.says}"
        for one in (*reasons, *unknown)
    ]
    if not told:
        count = len(facts.migrations or ())
        plural = "s" if count > 1 else ""
        return f"{about}; {count} migration{plural} since only added" if count else about
    more = f"; and {len(told) - MOST_SAID} more" if len(told) > MOST_SAID else ""
    return f"{about}: {'; '.join(told[:MOST_SAID])}{more}"
