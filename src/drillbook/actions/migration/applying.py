"""Apply a migration, and take it back."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from drillbook.actions.migration.subject import LOCK_TIMEOUT, RETRIES, domain
from drillbook.analysis.fingerprint import differences
from drillbook.analysis.reading import read, refuse_broken
from drillbook.core.effect import Effect, WayBack
from drillbook.core.errors import Failed, Refused, UndoImpossible
from drillbook.core.files import File
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration
from drillbook.ports.database import Database
from drillbook.ports.migrations import Change, LedgerRow, Migrations, Status


class Applied(Frozen):
    """A migration that is in a database; `fingerprint` is the schema's right after it."""

    name: str
    sha256: str
    at: datetime
    seconds: float
    statements: int
    failed: int
    fingerprint: str
    run: str


class Before(Frozen):
    """The schema before a migration."""

    fingerprint: str
    objects: dict[str, str]


class TakenBack(Frozen):
    """A migration that is no longer in a database."""

    name: str
    was_applied: bool
    fingerprint: str


def remember(
    database: Database,
    migrations: Migrations,
    effect: Effect,
    *,
    file: File,
    down: File | None = None,
    lock_timeout: Duration = LOCK_TIMEOUT,
    retries: int = RETRIES,
) -> Before:
    """Remember the schema before the migration."""
    state = database.catalog()
    return Before(fingerprint=state.fingerprint, objects=state.objects)


@domain.write
def apply(
    database: Database,
    migrations: Migrations,
    effect: Effect,
    *,
    file: File,
    down: File | None = None,
    lock_timeout: Duration = LOCK_TIMEOUT,
    retries: int = RETRIES,
) -> Applied:
    """Apply a migration exactly once, waiting for locks only briefly and trying again."""
    refuse_broken(file)
    if down is not None:
        refuse_broken(down)
    row = migrations.apply(change_of(file, down, lock_timeout, retries), effect)
    if row.status is not Status.APPLIED:
        raise Refused(
            f"{file.name} was applied and {row.status} by this very task; it is not applied again",
            hint="Start a new run.",
        )
    return applied_from(row)


@apply.looking
def look_applied(
    database: Database,
    migrations: Migrations,
    effect: Effect,
    *,
    file: File,
    down: File | None = None,
    lock_timeout: Duration = LOCK_TIMEOUT,
    retries: int = RETRIES,
) -> Applied | None:
    """End what an earlier attempt left running, then ask the ledger."""
    row = migrations.settle(effect)
    return applied_from(row) if row is not None and row.status is Status.APPLIED else None


@apply.undone_by(remembering=remember)
def take_back(
    before: Before,
    database: Database,
    migrations: Migrations,
    effect: Effect,
    *,
    file: File,
    down: File | None = None,
    lock_timeout: Duration = LOCK_TIMEOUT,
    retries: int = RETRIES,
) -> TakenBack:
    """Run the down script and compare the schema with the one remembered."""
    row = taken_back(migrations, effect, change_of(file, down, lock_timeout, retries))
    return as_before(before, database, file, was_applied=row is not None)


def as_before(before: Before, database: Database, file: File, *, was_applied: bool) -> TakenBack:
    """Compare the schema with the one remembered; what somebody else changed shows as well."""
    state = database.catalog()
    if was_applied and state.fingerprint != before.fingerprint:
        said = differences(before.objects, state.objects)
        raise Failed(
            f"{file.name} was taken back, but the schema is not as before: {'; '.join(said)}",
            hint="Compare these objects by hand, or restore the backup taken before.",
        )
    return TakenBack(name=file.name, was_applied=was_applied, fingerprint=state.fingerprint)


@apply.telling_way_back
def way_back(values: Mapping[str, object]) -> WayBack:
    """Say which script takes the migration back, and what no script brings back."""
    file, down = values.get("file"), values.get("down")
    if down is None:
        return WayBack(possible=False, says="no down script: only a restore leads back")
    name = down.name if isinstance(down, File) else str(down)
    price = "; ".join(read(file).destructive) if isinstance(file, File) else ""
    return WayBack(
        possible=True,
        says=f"runs {name} and compares the schema with the one remembered",
        price=f"does not bring back: {price}" if price else "",
    )


def change_of(file: File, down: File | None, lock_timeout: timedelta, retries: int) -> Change:
    """Return the change a provider carries out."""
    return Change(
        name=file.name,
        sha256=file.sha256,
        text=file.text,
        down=down.text if down is not None else "",
        lock_timeout_seconds=lock_timeout.total_seconds(),
        retries=retries,
    )


def applied_from(row: LedgerRow) -> Applied:
    """Return the result that a ledger row stands for."""
    return Applied(
        name=row.name,
        sha256=row.sha256,
        at=row.applied_at or datetime.now(UTC),
        seconds=round(row.seconds, 3),
        statements=row.statements,
        failed=0,
        fingerprint=row.fingerprint_after,
        run=row.run,
    )


def taken_back(migrations: Migrations, effect: Effect, change: Change) -> LedgerRow | None:
    """Take back what an effect applied; None when it applied nothing."""
    row = migrations.settle(effect)
    if row is None or row.status is Status.TAKEN_BACK:
        return row
    if not change.down and (row.done or row.status is Status.APPLIED):
        raise UndoImpossible(
            f"{change.name} came without a down script; only a restore leads back",
            hint="Restore the backup taken before it.",
        )
    return migrations.take_back(change, effect)
