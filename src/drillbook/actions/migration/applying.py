"""Apply a migration, and take it back."""

from datetime import UTC, datetime

from typing_extensions import Unpack

from drillbook.actions.migration.returning import (
    Before,
    TakenBack,
    as_before,
    remember,
    taken_back,
    way_back,
)
from drillbook.actions.migration.subject import (
    LOCK_TIMEOUT,
    PATIENCE,
    RETRIES,
    Given,
    change_of,
    domain,
)
from drillbook.analysis.forecast import compare, seconds_says
from drillbook.analysis.reading import refuse_broken
from drillbook.core.effect import Effect
from drillbook.core.errors import Refused
from drillbook.core.files import File
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration
from drillbook.core.rehearsal import Forecast, Observed
from drillbook.ports.database import Database
from drillbook.ports.migrations import LedgerRow, Migrations, Status
from drillbook.ports.ways_back import WayBackScript


class Applied(Frozen):
    """
    A migration that is in a database; `fingerprint` is the schema's right after it.

    `observed` is how long others really waited, beside what was foretold; `waited_for` names the
    sessions that were in its way.
    """

    name: str
    sha256: str
    at: datetime
    seconds: float
    statements: int
    failed: int
    fingerprint: str
    run: str
    says: str = ""
    observed: Observed = Observed(seconds=0.0)
    forecast: Forecast | None = None
    forecast_held: bool = True
    waited_for: tuple[str, ...] = ()


@domain.write
def apply(
    database: Database,
    migrations: Migrations,
    effect: Effect,
    *,
    file: File,
    down: File | None = None,
    way_back: WayBackScript | None = None,
    forecast: Forecast | None = None,
    lock_timeout: Duration = LOCK_TIMEOUT,
    retries: int = RETRIES,
    patience: Duration = PATIENCE,
) -> Applied:
    """Apply a migration exactly once, waiting for locks only briefly and trying again."""
    refuse_broken(file)
    if down is not None:
        refuse_broken(down)
    change = change_of(
        file, down, way_back=way_back, lock_timeout=lock_timeout, retries=retries,
        patience=patience,
    )  # fmt: skip
    row = migrations.apply(change, effect)
    if row.status is not Status.APPLIED:
        raise Refused(
            f"{file.name} was applied and {row.status} by this very task; it is not applied again",
            hint="Start a new run.",
        )
    return applied_from(row, forecast)


@apply.looking
def look_applied(
    database: Database, migrations: Migrations, effect: Effect, **given: Unpack[Given]
) -> Applied | None:
    """End what an earlier attempt left running, then ask the ledger."""
    row = migrations.settle(effect)
    if row is None or row.status is not Status.APPLIED:
        return None
    return applied_from(row, given.get("forecast"))


@apply.undone_by(remembering=remember)
def take_back(
    before: Before,
    database: Database,
    migrations: Migrations,
    effect: Effect,
    **given: Unpack[Given],
) -> TakenBack:
    """Run the down script and compare the schema with the one remembered."""
    row = taken_back(migrations, effect, change_of(**given))
    return as_before(before, database, given["file"].name, was_applied=row is not None)


apply.telling_way_back(way_back)


def applied_from(row: LedgerRow, forecast: Forecast | None) -> Applied:
    """Return the result that a ledger row stands for."""
    observed = row.story.observed
    compared = compare(forecast, observed) if forecast is not None else None
    return Applied(
        name=row.name,
        sha256=row.sha256,
        at=row.applied_at or datetime.now(UTC),
        seconds=round(row.seconds, 3),
        statements=row.statements,
        failed=0,
        fingerprint=row.fingerprint_after,
        run=row.run,
        says=compared.says if compared is not None else _waits_said(observed),
        observed=observed,
        forecast=forecast,
        forecast_held=compared.held if compared is not None else True,
        waited_for=row.story.waited_for,
    )


def _waits_said(observed: Observed) -> str:
    if not observed.tables:
        return "nobody was seen waiting for it"
    worst = observed.tables[0]
    reads, writes = seconds_says(worst.reads_seconds), seconds_says(worst.writes_seconds)
    return f"of {worst.table} reads waited {reads} at most, writes {writes}"
