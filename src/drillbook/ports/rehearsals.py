"""The rehearsal of a migration on a copy of production: measured, not guessed."""

from typing import Protocol

from drillbook.core.effect import Effect
from drillbook.core.model import Frozen
from drillbook.core.rehearsal import (
    DANGEROUS_SECONDS,
    Blocks,
    CopyTaken,
    Forecast,
    ForecastCompared,
    Growth,
    LockHeld,
    Observed,
    StatementFailed,
    StatementMeasured,
    TableBlocked,
    TableForecast,
)
from drillbook.ports.migrations import Change

__all__ = [
    "DANGEROUS_SECONDS",
    "Blocks",
    "CopyTaken",
    "Forecast",
    "ForecastCompared",
    "Growth",
    "LockHeld",
    "Observed",
    "Rehearsal",
    "Rehearsals",
    "StatementFailed",
    "StatementMeasured",
    "TableBlocked",
    "TableForecast",
]


class Rehearsal(Frozen):
    """
    Everything a rehearsal showed; with `failed` set the migration does not apply.

    `fingerprint` and `objects` are the schema after it, for comparing with production's.
    """

    copied: CopyTaken
    statements: tuple[StatementMeasured, ...]
    failed: StatementFailed | None = None
    blocked: tuple[TableBlocked, ...] = ()
    forecast: Forecast
    fingerprint_before: str
    fingerprint: str
    objects: dict[str, str]


class Rehearsals(Protocol):
    """Rehearse migrations on a copy of one database that is thrown away afterwards."""

    def rehearse(self, change: Change, effect: Effect) -> Rehearsal:
        """
        Copy production, apply the migration to the copy under load, measure, and say what follows.

        Errors: Refused or NotFound where no copy can be made, Unavailable when time is over.
        """
        ...
