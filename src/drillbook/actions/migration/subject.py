"""The subject all migration actions belong to, and the values that apply and try share."""

from datetime import timedelta
from typing import Required, TypedDict

from drillbook.core.catalog import Domain
from drillbook.core.files import File
from drillbook.core.quantities import Duration
from drillbook.core.rehearsal import Forecast
from drillbook.ports.migrations import Change
from drillbook.ports.ways_back import WayBackScript

domain = Domain("migration")
LOCK_TIMEOUT = timedelta(seconds=1)
RETRIES = 5
PATIENCE = timedelta(seconds=60)


class Given(TypedDict, total=False):
    """The values of `migration.apply`; `migration.try` takes all but the forecast."""

    file: Required[File]
    down: File | None
    way_back: WayBackScript | None
    forecast: Forecast | None
    lock_timeout: Duration
    retries: int
    patience: Duration


def change_of(
    file: File,
    down: File | None = None,
    *,
    way_back: WayBackScript | None = None,
    forecast: Forecast | None = None,
    lock_timeout: timedelta = LOCK_TIMEOUT,
    retries: int = RETRIES,
    patience: timedelta = PATIENCE,
) -> Change:
    """Return the change a provider carries out; a way back counts only when it was proven."""
    proven = way_back if way_back is not None and way_back.proven else None
    return Change(
        name=file.name,
        sha256=file.sha256,
        text=file.text,
        down=proven.down_sql if proven else down.text if down is not None else "",
        capture=proven.capture_sql if proven else "",
        side_tables=proven.side_tables if proven else (),
        lock_timeout_seconds=lock_timeout.total_seconds(),
        retries=retries,
        patience_seconds=patience.total_seconds(),
    )
