"""The way back of a migration: given or derived, and proven before it is offered."""

from typing import Protocol

from drillbook.core.effect import Effect
from drillbook.core.model import Frozen
from drillbook.ports.migrations import Change

ONLY_A_RESTORE = "only a restore leads back"


class WayBackScript(Frozen):
    """
    The SQL that takes a migration back.

    `capture_sql` runs before the migration, inside its first transaction; it copies what would be
    lost into the side tables, which lie in schema `drillbook`. `down_sql` puts it back and drops
    them; `forget_sql` drops them once nobody will go back any more.
    """

    name: str
    capture_sql: str = ""
    down_sql: str
    forget_sql: str = ""
    side_tables: tuple[str, ...] = ()
    derived: bool
    proven: bool
    says: str
    price: str = ""


class WayBackRehearsal(Frozen):
    """
    What trying the way back showed; there is a script only when it is proven.

    `why_not` is the reason when there is none, `differences` names what was not as before.
    """

    script: WayBackScript | None = None
    says: str
    price: str = ""
    why_not: str = ""
    differences: tuple[str, ...] = ()
    captured_rows: int = 0
    seconds: float = 0.0

    @property
    def proven(self) -> bool:
        """Whether there is a way back that leads to the same schema and data."""
        return self.script is not None


class WaysBack(Protocol):
    """Find and prove ways back on a server whose databases nobody needs."""

    def rehearse(self, change: Change, effect: Effect) -> WayBackRehearsal:
        """
        Try the given down script, or derive one; it goes up, down, up and down again.

        Errors: Failed when the migration itself cannot be applied to the copy.
        """
        ...
