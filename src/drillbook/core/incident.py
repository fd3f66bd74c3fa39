"""An incident's shared words: what may have caused it, what speaks for that, what helps."""

from datetime import datetime
from enum import StrEnum

from drillbook.core.model import Frozen


class CauseKind(StrEnum):
    """What kind of thing is at fault."""

    RELEASE = "release"
    MIGRATION = "migration"
    VALUE = "environment value"
    PASSWORD = "password"  # noqa: S105 - a kind of cause, not a secret
    LIMIT = "rate limit"
    CONNECTIONS = "database connections"
    LOCK = "database lock"
    SLOW_QUERY = "slow query"
    DATABASE = "database down"
    DISK = "database disk"
    CACHE = "cache"
    AUTH = "auth service"
    CLOCK = "clock"
    DEPENDENCY = "dependency"
    HOSTING = "hosting"
    PROCESS = "app process"
    TRAFFIC = "traffic"
    SOURCE = "one source"


class Cause(Frozen):
    """
    One thing that may be at fault.

    `subject` names it: a deployment's id, a migration's version, a value's name, a table, `pid
    APPLICATION`, a dependency, an address. `lacks` says what a release needs and has not: the
    value's name, the migration's column or file; "" where it lacks nothing.
    """

    kind: CauseKind
    subject: str
    says: str
    lacks: str = ""


class Evidence(Frozen):
    """
    One observation and what it says of a cause.

    `weight` is the natural logarithm of a likelihood ratio: how much more often this is seen
    where the cause is at fault than where it is not; below zero it speaks against it.
    """

    says: str
    weight: float
    source: str
    at: datetime | None = None


class Candidate(Frozen):
    """A cause with all that speaks for and against it; `probability` is among all, and none."""

    cause: Cause
    evidence: tuple[Evidence, ...]
    score: float
    probability: float = 0.0


class FixKind(StrEnum):
    """What mends it; a book's `when:` compares with these words."""

    NONE = "none"
    ROLL_BACK = "roll back"
    REDEPLOY = "redeploy"
    TAKE_BACK_MIGRATION = "take back the migration"
    END_SESSIONS = "end sessions"
    RAISE_CONNECTIONS = "raise connections"
    RESTART_DATABASE = "restart the database"
    RESTORE_VALUE = "restore a value"
    CLEAR_LIMIT = "clear a limit"
    BLOCK_SOURCE = "block a source"
    SHED = "shed"
    SWITCH_OFF = "switch a dependency off"
    PERSON = "a person"


class SessionToEnd(Frozen):
    """
    A database session for good: its number is given out again, its beginnings are not.

    `unchanged_since`: end it only while its state is the one it has been in since then.
    `waited_for`: end it also while others wait for it.
    """

    pid: int
    session_started: datetime
    transaction_started: datetime | None = None
    unchanged_since: datetime | None = None
    waited_for: bool = False
    says: str = ""


class Fix(Frozen):
    """
    The one thing to do, with what its action needs; "" and () where it needs it not.

    `to` is the deployment to go back to, `leaving` the one that is left, `harm` what it costs.
    For PERSON, `says` tells whom to call and what to do.
    """

    kind: FixKind
    says: str
    harm: str = ""
    to: str = ""
    leaving: str = ""
    migration: str = ""
    variable: str = ""
    role: str = ""
    sessions: tuple[SessionToEnd, ...] = ()
    prefix: str = ""
    source: str = ""
    dependency: str = ""


class ChangeKind(StrEnum):
    """What kind of thing was changed."""

    DEPLOYMENT = "deployment"
    MIGRATION = "migration"
    VALUE = "environment value"
    LIMIT = "limit"
    FLAG = "flag"
    PLATFORM = "platform incident"
    REPOSITORY = "repository"
    SETTING = "setting"


class Change(Frozen):
    """
    Something that was changed or happened, and when it had its effect.

    `at` is when users could first feel it (a release: when it was given the users, not when it
    was built); `not_before` begins the interval where only an interval is known.
    """

    kind: ChangeKind
    at: datetime
    not_before: datetime | None = None
    subject: str
    says: str
    by: str = ""
    source: str = ""
    environment: str = ""


class SourceState(Frozen):
    """Whether a source of lines speaks; a silent one says nothing of errors, and never "0"."""

    name: str
    kind: str
    lines: int
    newest: datetime | None
    silent: bool
    says: str


class PartState(Frozen):
    """Whether a part of the triage answered; one that did not is unknown, not well."""

    name: str
    answered: bool
    seconds: float
    says: str = ""
