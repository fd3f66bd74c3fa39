"""Who is at fault: everything is looked at side by side, weighed, and one cause named, or none."""

from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

from drillbook.actions.errors.picture import picture
from drillbook.actions.errors.subject import domain
from drillbook.actions.errors.table import evidence_table
from drillbook.analysis.culprit import Judgement, judge
from drillbook.analysis.culprit.onsets import FEWEST_BAD
from drillbook.analysis.culprit.requests import Request
from drillbook.analysis.felt import LONG_MILLISECONDS
from drillbook.core.effect import Effect, Evidence
from drillbook.core.errors import Refused
from drillbook.core.incident import Candidate, Change, PartState, SessionToEnd, SourceState
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration
from drillbook.core.waiting import check_watch
from drillbook.ports.logs import Logs
from drillbook.ports.systems import Systems
from drillbook.triage.gathering import Gathered, gather

THIRTY_MINUTES = parse_duration("30m")
FIFTEEN_SECONDS = parse_duration("15s")
MOST_CANDIDATES = 6
# All looks together, and between two; and how long ago a failure still says that it goes on.
LONGEST_SECONDS, PAUSE_SECONDS, LATELY_SECONDS = 25.0, 2.5, 45.0
FAILED, LATE_SECONDS = 500, 3.0
MIGRATIONS = "migrations"


class Culprit(Frozen):
    """
    The cause that the observations point to, or none, and the one thing to do about it.

    `found` False says that none is named: nobody is hit, or none is sure. `fix` is one of the
    words of `core/incident.py`: none, roll back, end sessions, a person, …; what it needs stands
    beside it. `since` is when it became worse, with the interval that holds that moment.
    """

    found: bool
    kind: str
    subject: str
    lacks: str
    probability: float
    says: str
    hit: bool
    feels: str
    at: datetime
    since: datetime | None
    earliest: datetime | None
    latest: datetime | None
    fix: str
    fix_says: str
    harm: str
    to: str
    leaving: str
    migration: str
    variable: str
    role: str
    sessions: tuple[SessionToEnd, ...]
    prefix: str
    source: str
    dependency: str
    none: float
    candidates: tuple[Candidate, ...]
    changes: tuple[Change, ...]
    unknown: tuple[str, ...]
    parts: tuple[PartState, ...]
    sources: tuple[SourceState, ...]
    looks: int = 1
    seconds: float
    evidence: Evidence | None = None
    picture: Evidence | None = None


@domain.read
def culprit(
    logs: Logs,
    systems: Systems,
    effect: Effect,
    *,
    window: Duration = THIRTY_MINUTES,
    migrations: str = MIGRATIONS,
    patience: Duration = FIFTEEN_SECONDS,
) -> Culprit:
    """
    Name what caused the errors of now and the one thing that helps, or say that none is found.

    Reads logs, hosting, values, ledgers, database, login service, dependencies, limiter and
    status pages side by side, each with a deadline; what does not answer is unknown, never well.
    `window` is how far back is looked, `migrations` the folder of the team's own. The first seconds
    of an outage hold few requests: while requests fail and no cause is sure, what changes soon is
    looked at again, for `patience` at most.
    """
    check_watch(window=window)
    if patience.total_seconds() < 0:
        raise Refused("patience is below 0 s", hint="Write patience=0s to look once", again=False)
    begun, now = monotonic(), datetime.now(UTC)
    effect.progress("looks at everything side by side", None)
    start = now - timedelta(seconds=window.total_seconds())
    gathered = gather(logs, systems, start, migrations=migrations)
    judged, looks, took = judge(gathered.scene), 1, monotonic() - begun
    ends = begun + min(LONGEST_SECONDS, took + patience.total_seconds())
    while ends - monotonic() > _needed(gathered, took) and _is_worth(gathered, judged):
        effect.progress(f"no cause is sure after look {looks}: looks again", None)
        sleep(0.0 if _is_late(gathered) else PAUSE_SECONDS)
        again = monotonic()
        gathered = gather(
            logs, systems, start, migrations=migrations, earlier=gathered, seconds=ends - again
        )
        judged, looks, took = judge(gathered.scene), looks + 1, monotonic() - again
    return _told(gathered, judged, effect, looks, monotonic() - begun)


def _is_late(gathered: Gathered) -> bool:
    """Whether the log was still being read when its time was over, and did not fail."""
    return "logs" in gathered.looks.late


def _needed(gathered: Gathered, took: float) -> float:
    """Return the seconds of another look: of a log under way a few more may bring the answer."""
    return LATE_SECONDS if _is_late(gathered) else PAUSE_SECONDS + took


def _is_worth(gathered: Gathered, judged: Judgement) -> bool:
    """Whether some seconds more may tell: somebody is hit, or may be, and no cause is sure."""
    if judged.found is not None:
        return False
    read, since = gathered.read, gathered.scene.now.timestamp() - LATELY_SECONDS
    door, newest = gathered.scene.door, [one for one in read.requests if one.at >= since]
    return (
        gathered.scene.trouble is not None
        or _is_late(gathered)
        or any(one.failed for one in newest)
        or sum(map(_waits_or_is_refused, newest)) >= FEWEST_BAD
        or any(one.failed for one in read.health if one.at >= since)
        or (door is not None and any(status == 0 or status >= FAILED for status in door.statuses))
    )


def _waits_or_is_refused(request: Request) -> bool:
    return request.refused or (request.milliseconds or 0.0) >= LONG_MILLISECONDS


def _told(
    gathered: Gathered, judged: Judgement, effect: Effect, looks: int, seconds: float
) -> Culprit:
    now = gathered.scene.now
    found, fix, trouble = judged.found, judged.fix, gathered.scene.trouble
    onset = judged.onset
    table = evidence_table(gathered, judged, now)
    return Culprit(
        found=found is not None,
        kind=str(found.cause.kind) if found else "",
        subject=found.cause.subject if found else "",
        lacks=found.cause.lacks if found else "",
        probability=found.probability if found else 0.0,
        says=_says(gathered, judged, looks),
        hit=trouble is not None,
        feels=gathered.felt.says,
        at=now,
        since=_time(onset.at) if onset else None,
        earliest=_time(onset.earliest) if onset else None,
        latest=_time(onset.latest) if onset else None,
        fix=str(fix.kind),
        fix_says=fix.says,
        harm=fix.harm,
        to=fix.to,
        leaving=fix.leaving,
        migration=fix.migration,
        variable=fix.variable,
        role=fix.role,
        sessions=fix.sessions,
        prefix=fix.prefix,
        source=fix.source,
        dependency=fix.dependency,
        none=judged.none,
        candidates=judged.candidates[:MOST_CANDIDATES],
        changes=gathered.scene.changes or (),
        unknown=tuple(f"{name}: {why}" for name, why in gathered.scene.unknown.items()),
        parts=gathered.parts,
        sources=gathered.sources,
        looks=looks,
        seconds=round(seconds, 2),
        evidence=_kept(effect, "culprit.md", table.encode(), "text/markdown"),
        picture=_drawn(gathered, judged, effect, now),
    )


def _says(gathered: Gathered, judged: Judgement, looks: int) -> str:
    unknown = ", ".join(gathered.scene.unknown)
    beside = f"; not known: {unknown}" if unknown else ""
    beside += f"; {looks} looks" if looks > 1 else ""
    if gathered.scene.trouble is None:
        silent = ", ".join(one.name for one in gathered.sources if one.silent)
        quiet = f"; silent sources say nothing of errors: {silent}" if silent else ""
        return f"no cause found: {gathered.felt.says}{quiet}{beside}"
    return f"{judged.says}{beside}"


def _drawn(gathered: Gathered, judged: Judgement, effect: Effect, now: datetime) -> Evidence | None:
    scene = gathered.scene
    if scene.trouble is None:
        return None
    drawn = picture(scene.trouble, judged, scene.changes or (), now.timestamp())
    return _kept(effect, "culprit.svg", drawn, "image/svg+xml")


def _kept(effect: Effect, name: str, data: bytes, media_type: str) -> Evidence | None:
    try:
        return effect.keep(name, data, media_type)
    except LookupError:
        return None  # nobody keeps evidence: the action was called by hand


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
