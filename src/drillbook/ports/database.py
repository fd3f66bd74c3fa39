"""A database as the actions see it: who may do what, how full it is, who blocks whom."""

from typing import Protocol

from drillbook.core.model import Frozen
from drillbook.core.vitals import Blocker

__all__ = [
    "Access",
    "Blocker",
    "Blockers",
    "CatalogState",
    "Connections",
    "Database",
    "TableSize",
]


class Access(Frozen):
    """What was found when the database was entered."""

    server_version: str
    server_major: int
    database: str
    user: str
    writable: bool
    read_only_because: str = ""
    superuser: bool
    size_bytes: int
    latency_ms: float


class Connections(Frozen):
    """How many sessions there are and how many there may be."""

    used: int
    limit: int
    active: int
    idle_in_transaction: int
    longest_transaction_seconds: float


class Blockers(Frozen):
    """Who blocks now; `longest_seconds` is the age of the oldest of their transactions."""

    count: int
    longest_seconds: float
    sessions: tuple[Blocker, ...]
    oldest: Blocker | None = None


class CatalogState(Frozen):
    """The whole schema as digests by object, and what in it is unfinished."""

    fingerprint: str
    objects: dict[str, str]
    invalid_indexes: tuple[str, ...] = ()
    unvalidated: tuple[str, ...] = ()


class TableSize(Frozen):
    """
    One table, how many rows the server believes it has, and its bytes with indexes.

    `key` is the column of a primary key of one column; `unique_indexes` counts those over all rows.
    """

    table: str
    rows: int
    size_bytes: int
    partitioned: bool = False
    unique_indexes: int = 0
    key: str = ""


class Database(Protocol):
    """Look at one database without changing it."""

    def access(self) -> Access:
        """Enter the database and say what is so there."""
        ...

    def connections(self) -> Connections:
        """Count the sessions of the server."""
        ...

    def blockers(self, table: str) -> tuple[Blocker, ...]:
        """Return who blocks others; with a table, who has a transaction open on it."""
        ...

    def catalog(self) -> CatalogState:
        """Read the whole schema."""
        ...

    def sizes(self, tables: tuple[str, ...]) -> tuple[TableSize, ...]:
        """Return the sizes of those of the tables that exist."""
        ...
