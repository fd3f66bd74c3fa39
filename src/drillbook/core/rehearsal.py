"""What a rehearsal measures on a copy, and what it foretells of production."""

from enum import StrEnum

from drillbook.core.model import Frozen

DANGEROUS_SECONDS = 0.1


class Blocks(StrEnum):
    """What has to wait as long as a lock is held."""

    NOTHING = "nothing"
    WRITES = "writes"
    ALL = "reads and writes"


class Growth(StrEnum):
    """How a statement's time grows with the rows of its tables."""

    CONSTANT = "constant"
    BLOCKING = "grows with the rows while others wait"
    FREE = "grows with the rows, nobody waits"


class LockHeld(Frozen):
    """A lock on a table: which statement took it, and how long it was held."""

    table: str
    mode: str
    line: int
    seconds: float
    blocks: Blocks


class StatementMeasured(Frozen):
    """
    One statement as it ran on the copy; `unit` counts what commits together.

    `factor` is how many times longer its growing part takes in production.
    """

    line: int
    says: str
    unit: int
    seconds: float
    growth: Growth
    factor: float = 1.0
    locks: tuple[LockHeld, ...] = ()
    rewritten: tuple[str, ...] = ()
    indexes_built: tuple[str, ...] = ()
    rows_changed: dict[str, int] = {}
    rows_read: dict[str, int] = {}
    wal_bytes: int = 0


class StatementFailed(Frozen):
    """The statement that failed on the copy, and why; `on` names table, column or constraint."""

    line: int
    says: str
    sqlstate: str
    message: str
    detail: str = ""
    on: str = ""


class TableBlocked(Frozen):
    """How long probes of a table really waited on the copy: the longest wait, and all together."""

    table: str
    reads_seconds: float
    writes_seconds: float
    reads_total_seconds: float
    writes_total_seconds: float
    probes: int
    deadlocks: int = 0


class TableForecast(Frozen):
    """How long one table will be blocked in production, and how many rows it has there."""

    table: str
    reads_seconds: float
    writes_seconds: float
    rows: int = 0


class Forecast(Frozen):
    """
    What a migration will do to production's users.

    `dangerous`: reads or writes of a table wait `threshold_seconds` or longer. `tables` holds those
    that are blocked at all, the longest first; `deadlocks` names tables whose users and the
    migration wait for each other: one of the two fails.
    """

    says: str
    dangerous: bool
    seconds: float
    threshold_seconds: float = DANGEROUS_SECONDS
    tables: tuple[TableForecast, ...] = ()
    rows_rewritten: int = 0
    rows_changed: int = 0
    scale: float = 1.0
    deadlocks: tuple[str, ...] = ()

    @property
    def blocked_seconds(self) -> float:
        """The longest wait foretold for any table."""
        return max((max(t.reads_seconds, t.writes_seconds) for t in self.tables), default=0.0)


class Observed(Frozen):
    """What production showed while the migration was applied: its time and the longest waits."""

    seconds: float
    tables: tuple[TableForecast, ...] = ()


class ForecastCompared(Frozen):
    """A forecast beside what was so; it held when no wait was twice as long as foretold."""

    held: bool
    says: str


class CopyTaken(Frozen):
    """
    The copy a migration was rehearsed on: how it was made, how long that took, its size.

    Production takes `pace` times as long as the copy for the same work. `warnings` say what the
    copy could reach.
    """

    kind: str
    source: str
    seconds: float
    size_bytes: int
    rows: int = 0
    production_rows: int = 0
    pace: float = 1.0
    warnings: tuple[str, ...] = ()
