"""What to do afterwards, by the kind of cause, and which role it falls to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from drillbook.core.incident import CauseKind


class Area(StrEnum):
    """Whose work it is."""

    DATABASE = "database"
    CODE = "code"
    OPERATIONS = "operations"


# The roles that teams give such work, the likeliest first; the stack says which there are.
ROLES: Mapping[Area, Sequence[str]] = {
    Area.DATABASE: ("dba", "database", "data", "backend"),
    Area.CODE: ("developers", "developer", "dev", "engineering", "release", "backend"),
    Area.OPERATIONS: ("on-call", "oncall", "sre", "ops", "operations", "platform"),
}


@dataclass(frozen=True, slots=True)
class FollowUp:
    """One thing to do."""

    does: str
    area: Area


_CODE, _DATABASE, _OPS = Area.CODE, Area.DATABASE, Area.OPERATIONS
_AFTER: Mapping[CauseKind, Sequence[tuple[str, Area]]] = {
    CauseKind.RELEASE: (
        ("Write the test that fails on this release, before the next merge", _CODE),
        ("Watch the next deployment with a canary before all users get it", _CODE),
    ),
    CauseKind.MIGRATION: (
        ("Rehearse the mended migration, with what users do with the tables, on a copy", _DATABASE),
        ("Add the statement that broke to what the checks before a migration try", _DATABASE),
    ),
    CauseKind.VALUE: (
        ("Let the app refuse to start without the value, and say its name", _CODE),
        ("Name the value in the stack, so that a missing one is seen before a deployment", _OPS),
    ),
    CauseKind.PASSWORD: (
        ("Change passwords in both places in one run, with the way back rehearsed", _OPS),
    ),
    CauseKind.LIMIT: (("Set an end to every count of the rate limiter where it is made", _CODE),),
    CauseKind.CONNECTIONS: (
        ("Bound the app's pool below what its login may have, and close idle ones", _CODE),
        ("Warn when a login has used four fifths of its connections", _DATABASE),
    ),
    CauseKind.LOCK: (
        ("Give the statements that took the lock a lock_timeout", _DATABASE),
        ("Give the login that held it an idle_in_transaction_session_timeout", _DATABASE),
    ),
    CauseKind.SLOW_QUERY: (
        ("Give the slow statement its index, measured on a copy first", _DATABASE),
        ("Set a statement_timeout for the app's login", _DATABASE),
    ),
    CauseKind.DATABASE: (("Find out why the database went, from its own log", _DATABASE),),
    CauseKind.DISK: (("Warn while there is still a day of room on the disk", _DATABASE),),
    CauseKind.CACHE: (("Let the app go on without the cache, within a short deadline", _CODE),),
    CauseKind.AUTH: (("Log in with the test user every minute, and warn when it fails", _OPS),),
    CauseKind.CLOCK: (("Set the clocks by a time service, and warn when they part", _OPS),),
    CauseKind.DEPENDENCY: (
        ("Give calls to the service a deadline and an answer without it", _CODE),
        ("Ask the service what happened, and how it will be told next time", _OPS),
    ),
    CauseKind.HOSTING: (("Ask the hosting what happened, with these times", _OPS),),
    CauseKind.PROCESS: (("Find out why the app's process ended or hung", _CODE),),
    CauseKind.TRAFFIC: (("Measure how many requests the app can take, and shed above it", _OPS),),
    CauseKind.SOURCE: (("Limit what one address may ask for", _OPS),),
}


def after(kind: str) -> list[FollowUp]:
    """Return what is to be done after a cause of this kind; of none found, what finds it."""
    if kind in set(CauseKind):
        return [FollowUp(does, area) for does, area in _AFTER[CauseKind(kind)]]
    return [FollowUp("Find the cause: none was named with enough certainty", Area.OPERATIONS)]


def owner(area: Area, roles: Iterable[str]) -> str:
    """Return the stack's role for an area, or that somebody must be named."""
    known = {role.casefold(): role for role in roles}
    for wanted in ROLES[area]:
        if wanted in known:
            return known[wanted]
    return f"to be named ({area})"
