"""Who is at fault: everything is looked at side by side, weighed, and one cause named, or none."""

from datetime import UTC, datetime, timedelta
from time import monotonic

from drillbook.actions.errors.picture import picture
from drillbook.actions.errors.subject import domain
from drillbook.actions.errors.table import evidence_table
from drillbook.analysis.culprit import Judgement, judge
from drillbook.core.effect import Effect, Evidence
from drillbook.core.incident import Candidate, Change, PartState, SessionToEnd, SourceState
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration
from drillbook.core.waiting import check_watch
from drillbook.ports.logs import Logs
from drillbook.ports.systems import Systems
from drillbook.triage.gathering import Gathered, gather

THIRTY_MINUTES = parse_duration("30m")
MOST_CANDIDATES = 6
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
) -> Culprit:
    """
    Name what caused the errors of now and the one thing that helps, or say that none is found.

    Reads logs, hosting, values, ledgers, database, login service, dependencies, limiter and
    status pages side by side, each with a deadline; what does not answer is unknown, never well.
    `window` is how far back is looked, `migrations` the folder of the team's own.
    """
    check_watch(window=window)
    begun, now = monotonic(), datetime.now(UTC)
    effect.progress("looks at everything side by side", None)
    gathered = gather(logs, systems, now - timedelta(seconds=window.total_seconds()),
                      migrations=migrations)  # fmt: skip
    judged = judge(gathered.scene)
    return _told(gathered, judged, effect, now, monotonic() - begun)


def _told(
    gathered: Gathered, judged: Judgement, effect: Effect, now: datetime, seconds: float
) -> Culprit:
    found, fix, trouble = judged.found, judged.fix, gathered.scene.trouble
    onset = trouble.onset if trouble else None
    table = evidence_table(gathered, judged, now)
    return Culprit(
        found=found is not None,
        kind=str(found.cause.kind) if found else "",
        subject=found.cause.subject if found else "",
        lacks=found.cause.lacks if found else "",
        probability=found.probability if found else 0.0,
        says=_says(gathered, judged),
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
        seconds=round(seconds, 2),
        evidence=_kept(effect, "culprit.md", table.encode(), "text/markdown"),
        picture=_drawn(gathered, judged, effect, now),
    )


def _says(gathered: Gathered, judged: Judgement) -> str:
    unknown = ", ".join(gathered.scene.unknown)
    beside = f"; not known: {unknown}" if unknown else ""
    if gathered.scene.trouble is None:
        silent = ", ".join(one.name for one in gathered.sources if one.silent)
        quiet = f"; silent sources say nothing of errors: {silent}" if silent else ""
        return f"no cause found: {gathered.felt.says}{quiet}{beside}"
    return f"{judged.says}{beside}"


def _drawn(gathered: Gathered, judged: Judgement, effect: Effect, now: datetime) -> Evidence | None:
    scene = gathered.scene
    if scene.trouble is None:
        return None
    drawn = picture(scene.trouble, scene.changes or (), now.timestamp(), judged.says)
    return _kept(effect, "culprit.svg", drawn, "image/svg+xml")


def _kept(effect: Effect, name: str, data: bytes, media_type: str) -> Evidence | None:
    try:
        return effect.keep(name, data, media_type)
    except LookupError:
        return None  # nobody keeps evidence: the action was called by hand


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
