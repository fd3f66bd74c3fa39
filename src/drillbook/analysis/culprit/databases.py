"""What may be wrong with the database: away, full, out of disk, the login refused."""

import re
from collections.abc import Iterator

from drillbook.analysis.culprit.scene import Scene, Trouble
from drillbook.analysis.culprit.symptoms import Symptom
from drillbook.analysis.culprit.weighing import Case, person
from drillbook.core.incident import Cause, CauseKind, Fix, FixKind, SessionToEnd
from drillbook.core.vitals import Blocker, Entrance, Holder, RoleUse, Vitals

VITALS = "database.vitals"
AWAY = {Entrance.REFUSED, Entrance.NO_ANSWER, Entrance.STARTING}
NEAR_SECONDS = 90.0
NEARLY_FULL = 95.0
_USER = re.compile(r"for (?:user|role) [\"'](?P<role>[^\"']+)[\"']")


def database_cases(scene: Scene, trouble: Trouble) -> Iterator[Case]:
    """Yield what may be wrong with the database."""
    if scene.vitals is None and not trouble.share(*_DATABASE):
        return
    yield _down(scene, trouble)
    yield from _full(scene, trouble)
    yield from _disk(scene, trouble)
    yield from _login(trouble, scene)


_DATABASE = (
    Symptom.DATABASE_AWAY,
    Symptom.DATABASE_FULL,
    Symptom.DATABASE_LOGIN,
    Symptom.DATABASE_LOCK,
    Symptom.DATABASE_LONG,
    Symptom.DATABASE_DISK,
    Symptom.DATABASE_READ_ONLY,
    Symptom.POOL,
)


_OF_LOGIN = (Symptom.OUTSIDE_AWAY, Symptom.OUTSIDE_FAILS)


def _of_login(scene: Scene) -> tuple[Symptom, ...]:
    """Return what a login service brings that fails because its users are kept there, too."""
    return _OF_LOGIN if scene.auth is not None and not scene.auth.alive else ()


def _down(scene: Scene, trouble: Trouble) -> Case:
    vitals = scene.vitals
    how = vitals.entrance if vitals else None
    case = Case(
        Cause(kind=CauseKind.DATABASE, subject="database", says="the database is not reached"),
        Fix(
            kind=FixKind.RESTART_DATABASE,
            says="restart the database",
            harm="every session of it ends",
        ),
    )
    case.fits(trouble, 3.0, -2.0, Symptom.DATABASE_AWAY, *_of_login(scene))
    if vitals is None or how is None:
        return case
    if how in AWAY:
        case.add(f"{how}: {vitals.problem}", 6.0, VITALS)
        if how is Entrance.STARTING:  # another restart would only begin its recovery anew
            case.fix = person("the database starts or stops just now: wait, and see what it logs")
    elif vitals.started_at is not None and is_near(trouble, vitals.started_at.timestamp()):
        case.add(
            f"Postgres was started anew at {vitals.started_at:%H:%M:%S} UTC and lets us in",
            -1.0,
            VITALS,
            vitals.started_at,
        )
        case.fix = person("the database is up again: see why it was started anew")
    else:
        case.add(f"it lets us in within {vitals.seconds:.2f} s", -6.0, VITALS)
    return case


def _full(scene: Scene, trouble: Trouble) -> Iterator[Case]:
    vitals = scene.vitals
    if vitals is None:
        return
    full = [one for one in vitals.roles if one.is_full and one.limit > 0]
    whole = vitals.entrance is Entrance.FULL or (0 < vitals.limit <= vitals.used)
    if not full and not whole:
        return
    holder = _holder(vitals, full)
    subject = f"{holder.application or holder.role}" if holder else "connections"
    about = _limit_said(vitals, full)
    case = Case(
        Cause(kind=CauseKind.CONNECTIONS, subject=subject, says=_holds(holder, about)),
        _freeing(holder, full, trouble),
    )
    case.add(about, 5.0, VITALS)
    case.fits(
        trouble,
        2.5,
        -1.0,
        Symptom.DATABASE_FULL,
        Symptom.POOL,
        Symptom.DATABASE_AWAY,
        *_of_login(scene),
    )
    if holder is not None:
        if holder.waiting_for_locks * 2 > holder.count:
            case.add(
                f"{holder.waiting_for_locks} of them wait for a lock: that is why", -6.0, VITALS
            )
        elif holder.idle * 2 > holder.count:
            case.add(
                f"{holder.idle} of {subject}'s {holder.count} sessions do nothing", 1.0, VITALS
            )
    yield case


def _limit_said(vitals: Vitals, full: list[RoleUse]) -> str:
    if full:
        return f"{full[0].role} has all {full[0].limit} connections it may have"
    if vitals.entrance is Entrance.FULL:
        return f"the server gives no connection: {vitals.problem}"
    return f"all {vitals.limit} connections of the server are used"


def _holder(vitals: Vitals, full: list[RoleUse]) -> Holder | None:
    roles = {one.role for one in full}
    found = [one for one in vitals.holders if not roles or one.role in roles]
    return max(found, key=lambda one: one.count, default=None)


def _holds(holder: Holder | None, about: str) -> str:
    if holder is None:
        return about
    who = holder.application or holder.role
    return f"{about}; {who} holds {holder.count} of them, {holder.idle} idle"


def _freeing(holder: Holder | None, full: list[RoleUse], trouble: Trouble) -> Fix:
    if holder is None:
        return person("look who holds the connections: nobody gets in to see it")
    idle = [one for one in holder.sessions if one.state.startswith("idle")]
    if len(idle) * 2 > holder.count:
        who = holder.application or holder.role
        return Fix(
            kind=FixKind.END_SESSIONS,
            says=f"end the {len(idle)} idle sessions of {who}",
            harm="what they had not committed is lost to their clients",
            sessions=tuple(to_end(one) for one in idle),
            role=holder.role,
        )
    if full:
        return Fix(
            kind=FixKind.RAISE_CONNECTIONS,
            says=f"give {full[0].role} more connections",
            harm="fewer remain for others",
            role=full[0].role,
        )
    crowd = f"{trouble.rate_ratio:.1f} times as many requests as before"
    return person(f"all connections work ({crowd}): raise max_connections or shed load")


def _disk(scene: Scene, trouble: Trouble) -> Iterator[Case]:
    said = [one for one in scene.words if one.source == "database"]
    refused = trouble.share(Symptom.DATABASE_DISK, Symptom.DATABASE_READ_ONLY)
    full = scene.disk_used_percent is not None and scene.disk_used_percent >= NEARLY_FULL
    if not refused and not full:
        return
    table = trouble.about(Symptom.DATABASE_DISK)
    case = Case(
        Cause(
            kind=CauseKind.DISK,
            subject=table or "disk",
            says="the database cannot write: its disk gives no more room",
        ),
        person("free space on the database's disk or enlarge it; nothing of ours can"),
    )
    case.fits(trouble, 6.0, -3.0, Symptom.DATABASE_DISK, Symptom.DATABASE_READ_ONLY)
    if scene.disk_used_percent is not None:
        weight = 3.0 if full else -0.5
        case.add(
            f"the disk is {scene.disk_used_percent:g} % full by the platform's word",
            weight,
            "database.platform",
        )
    if said and any("could not" in one.message for one in said):
        case.add("Postgres' own log says so, too", 1.0, "database log")
    yield case


def _login(trouble: Trouble, scene: Scene) -> Iterator[Case]:
    if not trouble.share(Symptom.DATABASE_LOGIN):
        return
    role = _role(trouble)
    case = Case(
        Cause(
            kind=CauseKind.PASSWORD,
            subject=role or "the app's login",
            says="the database refuses the password that the serving release has",
        ),
        person("give the app the password that the database has now: set the value and redeploy"),
    )
    case.fits(trouble, 5.0, -3.0, Symptom.DATABASE_LOGIN)
    if scene.vitals is not None and scene.vitals.entrance is Entrance.OPEN:
        case.add("the database lets us in with our own login", 1.0, VITALS)
    yield case


def _role(trouble: Trouble) -> str:
    for one in trouble.bad:
        found = _USER.search(one.message) or _USER.search(one.stack)
        if found:
            return found["role"]
    return ""


def is_near(trouble: Trouble, at: float) -> bool:
    """Whether something happened when it became worse, or shortly before."""
    onset = trouble.onset
    return onset.earliest - NEAR_SECONDS <= at <= onset.latest + 5.0


def to_end(one: Blocker) -> SessionToEnd:
    """Return a session by the names that it has for good."""
    if one.session_started is None:
        raise AssertionError("the vitals tell when each session began")
    return SessionToEnd(
        pid=one.pid,
        session_started=one.session_started,
        transaction_started=one.transaction_started,
        unchanged_since=one.state_since,
        waited_for=one.waiting > 0,
        says=one.says,
    )
