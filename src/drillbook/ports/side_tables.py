"""The copies that ways back need: kept in production until nobody will go back any more."""

from datetime import datetime
from typing import Protocol

from drillbook.core.effect import Effect
from drillbook.core.model import Frozen


class KeptBefore(Frozen):
    """
    What one migration's way back keeps from before it.

    Without a name in the ledger nothing says whose copies they are: `migration` is then empty.
    """

    migration: str = ""
    applied_at: datetime | None = None
    run: str = ""
    tables: tuple[str, ...]
    size_bytes: int


class BeforeForgotten(Frozen):
    """The copies of a migration, dropped; only a backup leads back from it now."""

    migration: str
    tables: tuple[str, ...] = ()
    size_bytes: int = 0


class SideTables(Protocol):
    """The side tables `drillbook.before_…` of one database."""

    def all(self) -> tuple[KeptBefore, ...]:
        """Return them by migration, the largest first."""
        ...

    def gone(self, name: str, sha256: str) -> BeforeForgotten | None:
        """Return that nothing is kept, when the migration is applied and has no copies."""
        ...

    def forget(self, name: str, sha256: str, effect: Effect) -> BeforeForgotten:
        """
        Drop the copies of a migration; without `sha256`, of the one that is applied.

        Errors: Refused when it is not applied, or with other contents, or being worked on.
        """
        ...
