"""The rehearsal of a migration on a copy of production: measured, not guessed."""

from typing import Protocol

from drillbook.core.behaviour import Compared
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
from drillbook.ports.ways_back import WayBackRehearsal

__all__ = [
    "DANGEROUS_SECONDS",
    "Blocks",
    "CopyTaken",
    "Forecast",
    "ForecastCompared",
    "Growth",
    "How",
    "LockHeld",
    "Observed",
    "Rehearsal",
    "Rehearsals",
    "StatementFailed",
    "StatementMeasured",
    "TableBlocked",
    "TableForecast",
]


class How(Frozen):
    """
    How to rehearse.

    `physical` says how the copy is made (None: by its files where that is allowed), `from_backup`
    names a backup to build it from ("latest": the newest); a wait of `threshold_seconds` is
    dangerous.
    """

    physical: bool | None = None
    from_backup: str = ""
    threshold_seconds: float = DANGEROUS_SECONDS


class Rehearsal(Frozen):
    """
    Everything a rehearsal showed; with `failed` set the migration does not apply.

    `behaviour` compares what the app could do before and after, `way_back` was tried on clones of
    the copy; both are missing where the migration does not apply. `fingerprint` and `objects` are
    the schema after it, for comparing with production's.
    """

    copied: CopyTaken
    statements: tuple[StatementMeasured, ...]
    failed: StatementFailed | None = None
    blocked: tuple[TableBlocked, ...] = ()
    forecast: Forecast
    behaviour: Compared | None = None
    way_back: WayBackRehearsal | None = None
    fingerprint_before: str
    fingerprint: str
    objects: dict[str, str]


class Rehearsals(Protocol):
    """Rehearse migrations on a copy of one database that is thrown away afterwards."""

    def rehearse(self, change: Change, effect: Effect, how: How) -> Rehearsal:
        """
        Copy production, apply the migration to the copy under load, measure, and say what follows.

        Errors: Refused or NotFound where no copy can be made, Unavailable when time is over.
        """
        ...
