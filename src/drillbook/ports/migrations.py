"""Migrations of a database: the ledger of what was applied, and the two directions."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from drillbook.core.effect import Effect
from drillbook.core.model import Frozen


class Status(StrEnum):
    """Where a migration stands."""

    APPLYING = "applying"
    APPLIED = "applied"
    TAKING_BACK = "taking back"
    TAKEN_BACK = "taken back"


class LedgerRow(Frozen):
    """One migration as the database itself remembers it."""

    effect_key: str
    name: str
    sha256: str
    status: Status
    run: str
    applied_by: str
    statements: int
    units: int
    done: int = 0
    undone: int = 0
    under_way: bool = False
    started_at: datetime
    applied_at: datetime | None = None
    taken_back_at: datetime | None = None
    seconds: float = 0.0
    fingerprint_before: str = ""
    fingerprint_after: str = ""
    fingerprint_back: str = ""
    objects_before: dict[str, str] = {}
    objects_after: dict[str, str] = {}
    way_back: str = ""


class Change(Frozen):
    """A migration and how patiently to apply it; `down` is the SQL that takes it back, or empty."""

    name: str
    sha256: str
    text: str
    down: str = ""
    lock_timeout_seconds: float = 1.0
    retries: int = 5


class Migrations(Protocol):
    """Apply migrations exactly once, whatever dies meanwhile."""

    def settle(self, effect: Effect) -> LedgerRow | None:
        """End what an earlier attempt of this effect left running; return its ledger row."""
        ...

    def in_force(self, name: str) -> LedgerRow | None:
        """Return the row of the migration of this name that is applied or half applied."""
        ...

    def apply(self, change: Change, effect: Effect) -> LedgerRow:
        """
        Apply a migration, going on where an earlier attempt of this effect stopped.

        Errors: Refused when another run holds the lock or applied the name, Unavailable when a
        lock was not free, Failed when a statement fails, OutcomeUnknown when a commit's answer
        was lost.
        """
        ...

    def take_back(self, change: Change, effect: Effect) -> LedgerRow:
        """Run the down script of a migration this effect applied; errors as `apply`."""
        ...

    def judge(self, effect: Effect, way_back: str) -> None:
        """Write down what a trial of the way back showed."""
        ...
