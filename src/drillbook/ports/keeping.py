"""Keep backups for a time, let them go by a rule, and see whether what is promised holds."""

from datetime import datetime, timedelta
from typing import Protocol

from drillbook.core.effect import Effect
from drillbook.core.model import Frozen
from drillbook.ports.backups import Proven, UnreadableBackup


class LeftOver(Frozen):
    """Files of an attempt that did not end; they belong to no backup."""

    name: str
    files: int
    size_bytes: int
    newest: datetime


class Letting(Frozen):
    """What was decided to go, kept before anything goes, so that a second try does the same."""

    goes: tuple[str, ...]
    left_overs: tuple[str, ...]
    freed_bytes: int
    stays: tuple[str, ...]


class BackupKeeping(Protocol):
    """The place of an environment's backups, as one who keeps it sees it."""

    def all(self) -> tuple[Proven, ...]:
        """Return every whole backup that can be read, with its proofs, the newest first."""
        ...

    def unreadable(self) -> tuple[UnreadableBackup, ...]:
        """Return those whose manifest cannot be read, and why."""
        ...

    def left_overs(self) -> tuple[LeftOver, ...]:
        """Return what attempts left that did not end."""
        ...

    def promised(self) -> timedelta | None:
        """Return the promised RPO: how much may be lost at most."""
        ...

    def decided(self, letting: Letting | None, effect: Effect) -> Letting | None:
        """Keep a decision of this effect unless there is one; return the one there is."""
        ...

    def let_go(self, letting: Letting, name: str) -> None:
        """Remove one backup, or one left-over, of a decision; gone already is no error."""
        ...
