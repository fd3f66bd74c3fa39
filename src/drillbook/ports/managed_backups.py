"""Backups that a platform takes by itself, as it lists them."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from drillbook.core.model import Frozen


class Stage(StrEnum):
    """How far a managed backup is."""

    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    GONE = "gone"  # removed, archived or cancelled: nothing to restore


class ManagedBackup(Frozen):
    """One backup of the platform's."""

    id: str
    stage: Stage
    taken: datetime
    is_physical: bool


class Managed(Frozen):
    """All that the platform lists, the newest first, and the moments it can go back to."""

    platform: str
    backups: tuple[ManagedBackup, ...]
    any_moment: bool
    earliest: datetime | None = None
    latest: datetime | None = None


class ManagedBackups(Protocol):
    """Lists what the platform has; None where no platform takes backups."""

    def managed(self) -> Managed | None:
        """Return the list, or None."""
        ...
