"""Migrations of a database: the ledger of what was applied, and the two directions."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from drillbook.core.effect import Effect
from drillbook.core.model import Frozen
from drillbook.core.rehearsal import Observed


class Status(StrEnum):
    """Where a migration stands."""

    APPLYING = "applying"
    APPLIED = "applied"
    TAKING_BACK = "taking back"
    TAKEN_BACK = "taken back"


class StatementDone(Frozen):
    """
    One statement that is in: how long it took, how many rows it changed, at which try.

    Number 0 stands for `count` statements together.
    """

    number: int
    line: int
    says: str
    seconds: float
    rows: int | None = None
    tries: int = 1
    count: int = 1


class Story(Frozen):
    """
    How a migration was applied: its statements, whom it waited for, who waited for it.

    Of thousands of statements the first are kept one by one, and `rest` sums the others up.
    """

    statements: tuple[StatementDone, ...] = ()
    rest: StatementDone | None = None
    waited_for: tuple[str, ...] = ()
    observed: Observed = Observed(seconds=0.0)


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
    story: Story = Story()


class Change(Frozen):
    """
    A migration and how patiently to apply it; `down` is the SQL that takes it back, or empty.

    `capture` runs first, in the first transaction: it keeps in `side_tables` what `down` will put
    back. Transactions in the way are waited for `patience_seconds` before a lock is asked for.
    With `takes_back` it is the way back of the migration of that name: the ledgers forget that one
    with its last statement, and know it again when this change itself is taken back.
    """

    name: str
    sha256: str
    text: str
    down: str = ""
    capture: str = ""
    side_tables: tuple[str, ...] = ()
    takes_back: str = ""
    lock_timeout_seconds: float = 1.0
    retries: int = 5
    patience_seconds: float = 60.0


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
