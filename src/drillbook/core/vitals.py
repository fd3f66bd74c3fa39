"""How a database is right now, as values: who is in it, who waits for whom, what is slow."""

from datetime import datetime
from enum import StrEnum

from drillbook.core.model import Frozen


class Blocker(Frozen):
    """
    A session that holds what others wait for, or that has a transaction open on a table.

    Number and both beginnings together name it for good: a number is used again, they are not.
    `state_since` is when it came into the state that it is in.
    """

    pid: int
    application: str
    user: str
    state: str
    transaction_seconds: float
    query: str
    waiting: int = 0
    session_started: datetime | None = None
    transaction_started: datetime | None = None
    state_since: datetime | None = None

    @property
    def says(self) -> str:
        """Return the session in one phrase, for error sentences."""
        who = self.application or self.user or "a session without a name"
        query = f", last query: {self.query}" if self.query else ""
        return f"pid {self.pid} ({who}, {self.state}, {self.transaction_seconds:.1f} s{query})"


class Entrance(StrEnum):
    """What came of entering the database."""

    OPEN = "open"
    REFUSED = "nobody listens"
    NO_ANSWER = "no answer"
    STARTING = "starting or stopping"
    FULL = "no connection left"
    PASSWORD = "login refused"  # noqa: S105 - what happened, not a secret
    FAILED = "failed"


class RoleUse(Frozen):
    """One role's sessions against the limit it has of its own; `limit` -1: none."""

    role: str
    used: int
    limit: int
    idle: int
    applications: tuple[str, ...] = ()

    @property
    def is_full(self) -> bool:
        """Whether the role gets no further session."""
        return 0 <= self.limit <= self.used


class Holder(Frozen):
    """Sessions of one application and role: how many, how many of them do nothing, how long."""

    role: str
    application: str
    count: int
    idle: int
    longest_idle_seconds: float
    waiting_for_locks: int
    sessions: tuple[Blocker, ...] = ()


class Waiting(Frozen):
    """A session that waits for a lock: for whom, on what, and how long it has been waiting."""

    pid: int
    role: str
    application: str
    seconds: float
    relation: str
    mode: str
    query: str
    blocked_by: tuple[int, ...]


class Statement(Frozen):
    """A statement that runs now, in how many sessions, and how long the oldest has run."""

    query: str
    sessions: int
    longest_seconds: float
    role: str
    application: str
    waits_for: str


class TableUse(Frozen):
    """
    What is read of a table, and how: `…_per_second` were measured just now.

    `read_per_scan` are the rows a scan of the whole table read; `before_per_second` is the mean
    since the server began to count. `unindexed` are columns that refer to other tables and that
    no index begins with.
    """

    table: str
    rows: int
    size_bytes: int
    scans_per_second: float
    rows_per_second: float
    before_per_second: float
    read_per_scan: float
    unindexed: tuple[str, ...] = ()
    inserted: int = 0


class Vitals(Frozen):
    """The database now; what needs a session is empty where nobody gets in."""

    entrance: Entrance
    problem: str = ""
    seconds: float = 0.0
    started_at: datetime | None = None
    clock_ahead_seconds: float = 0.0
    read_only: bool = False
    used: int = 0
    limit: int = 0
    roles: tuple[RoleUse, ...] = ()
    holders: tuple[Holder, ...] = ()
    blockers: tuple[Blocker, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    running: tuple[Statement, ...] = ()
    tables: tuple[TableUse, ...] = ()
