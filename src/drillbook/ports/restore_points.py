"""Moments a database can be brought back to, and how a moment is given a name."""

from datetime import datetime
from typing import Protocol

from drillbook.core.effect import Effect
from drillbook.core.model import Frozen


class NamedPoint(Frozen):
    """A moment with a name; `at` is when it was made, or the last commit before it."""

    name: str
    lsn: str
    at: datetime | None


class Reach(Frozen):
    """What can be reached from one backup: every moment from its own to where its WAL ends."""

    backup: str
    kind: str
    from_lsn: str
    from_at: datetime
    to_lsn: str
    to_at: datetime


class RestorePointsNow(Frozen):
    """Which moments can be reached now; `missing` names what keeps others from it."""

    archive: str
    backups: int
    first: datetime | None
    last: datetime | None
    reaches: tuple[Reach, ...]
    named: tuple[NamedPoint, ...]
    missing: tuple[str, ...]


class RestorePoints(Protocol):
    """The points in time of one environment."""

    def reachable(self) -> RestorePointsNow:
        """Look which moments can be reached now."""
        ...

    def find(self, name: str, effect: Effect) -> NamedPoint | None:
        """Look for the point that this effect made."""
        ...

    def mark(self, name: str, effect: Effect) -> NamedPoint:
        """Give this moment a name in the WAL, and wait until it is archived."""
        ...
