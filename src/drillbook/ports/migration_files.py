"""Folders of migrations, and what the databases' ledgers know of them."""

from datetime import datetime
from typing import Protocol

from drillbook.core.migration_files import (
    LedgerEntry,
    MigrationFile,
    Order,
    OrderedBy,
    Refusal,
    RefusalKind,
    SourceFile,
    SourceFolder,
    Standing,
)
from drillbook.core.model import Frozen

__all__ = [
    "Expectation",
    "LedgerEntry",
    "Ledgers",
    "MigrationFile",
    "MigrationFolders",
    "Order",
    "OrderedBy",
    "Refusal",
    "RefusalKind",
    "SourceFile",
    "SourceFolder",
    "Standing",
]


class Expectation(Frozen):
    """What the schema was right after the latest change that the ledger knows."""

    name: str
    at: datetime | None
    fingerprint: str
    objects: dict[str, str]


class MigrationFolders(Protocol):
    """Read folders of migrations and what git knows of them."""

    def read(self, folder: str) -> SourceFolder:
        """Return all SQL files below a folder; NotFound when there is no such folder."""
        ...


class Ledgers(Protocol):
    """Read what a database's ledgers know, without changing them."""

    def entries(self) -> tuple[LedgerEntry, ...]:
        """Return every migration that any ledger of the database has."""
        ...

    def expectation(self) -> Expectation | None:
        """Return what the schema should be now; None when no ledger says."""
        ...
