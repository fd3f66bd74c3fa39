"""Take a migration from file to proof: check, review, apply, verify, and the way back."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from drillbook.analysis.changes import (
    danger_sentences,
    lone_sentences,
    price_of_way_back,
    problem_sentences,
    refuse_broken,
)
from drillbook.analysis.dangers import dangers_of, destructive_of, tables_of
from drillbook.analysis.fingerprint import differences
from drillbook.analysis.statements import read_script
from drillbook.analysis.units import units_of
from drillbook.core.catalog import Domain
from drillbook.core.effect import Effect, WayBack
from drillbook.core.errors import Failed, Refused, UndoImpossible
from drillbook.core.files import File
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration
from drillbook.ports.database import Database, TableSize
from drillbook.ports.migrations import Change, LedgerRow, Migrations, Status

domain = Domain("migration")
LOCK_TIMEOUT = timedelta(seconds=1)
RETRIES = 5


class Checked(Frozen):
    """What a migration file is, read without any database."""

    statements: int
    errors: int
    problems: tuple[str, ...]
    transactional: bool
    non_transactional: tuple[str, ...]
    destructive: tuple[str, ...]
    dangers: tuple[str, ...]
    tables: tuple[str, ...]
    has_down: bool


class Reviewed(Frozen):
    """What a migration meets in one database."""

    already_applied: bool
    changed: bool
    status: str
    applied_by: str
    applied_at: datetime | None
    sizes: tuple[TableSize, ...]
    dangers: tuple[str, ...]


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


class Verified(Frozen):
    """Whether a database is what it should be after a migration."""

    applied: bool
    fingerprint: str
    matches: bool
    differences: tuple[str, ...]
    invalid_indexes: tuple[str, ...]
    unvalidated: tuple[str, ...]


@domain.read
def check(*, file: File, down: File | None = None) -> Checked:
    """Read a migration file by the server's own grammar: errors, what it loses, who may wait."""
    script = read_script(file.text)
    problems = problem_sentences(file, script.problems)
    if down is not None:
        problems += problem_sentences(down, read_script(down.text).problems)
    units = units_of(script.statements)
    return Checked(
        statements=len(script.statements),
        errors=len(problems),
        problems=problems,
        transactional=len(units) == 1 and units[0].lone is None,
        non_transactional=lone_sentences(units),
        destructive=danger_sentences(destructive_of(script.statements)),
        dangers=danger_sentences(dangers_of(script.statements)),
        tables=tables_of(script.statements),
        has_down=down is not None,
    )


@domain.read
def review(database: Database, migrations: Migrations, *, file: File) -> Reviewed:
    """Look what a migration meets: the ledger, and the sizes of the tables it names."""
    statements = refuse_broken(file).statements
    row = migrations.in_force(file.name)
    return Reviewed(
        already_applied=row is not None and row.status is Status.APPLIED,
        changed=row is not None and row.sha256 not in {"", file.sha256},
        status=row.status if row else "not applied",
        applied_by=row.run or row.applied_by if row else "",
        applied_at=row.applied_at if row else None,
        sizes=database.sizes(tables_of(statements)),
        dangers=danger_sentences(dangers_of(statements)),
    )


def _remember(
    database: Database,
    migrations: Migrations,
    effect: Effect,
    *,
    file: File,
    down: File | None = None,
    lock_timeout: Duration = LOCK_TIMEOUT,
    retries: int = RETRIES,
) -> Before:
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


@apply.undone_by(remembering=_remember)
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
    found = row.fingerprint_back if row is not None else database.catalog().fingerprint
    if row is not None and found != before.fingerprint:
        said = differences(before.objects, database.catalog().objects)
        raise Failed(
            f"{file.name} was taken back, but the schema is not as before: {'; '.join(said)}",
            hint="Compare these objects by hand, or restore the backup taken before.",
        )
    return TakenBack(name=file.name, was_applied=row is not None, fingerprint=found)


@apply.telling_way_back
def way_back(values: Mapping[str, object]) -> WayBack:
    """Say which script takes the migration back, and what no script brings back."""
    file, down = values.get("file"), values.get("down")
    if down is None:
        return WayBack(possible=False, says="no down script: only a restore leads back")
    name = down.name if isinstance(down, File) else str(down)
    price = price_of_way_back(file) if isinstance(file, File) else ""
    return WayBack(
        possible=True,
        says=f"runs {name} and compares the schema with the one remembered",
        price=f"does not bring back: {price}" if price else "",
    )


@domain.read
def verify(
    database: Database,
    migrations: Migrations,
    *,
    file: File | None = None,
    against: str = "",
    objects: dict[str, str] | None = None,
) -> Verified:
    """Compare a schema with a fingerprint, or with the one right after the migration."""
    row = migrations.in_force(file.name) if file is not None else None
    applied = row is not None and row.status is Status.APPLIED and file is not None
    if applied and row is not None and file is not None:
        applied = row.sha256 in {"", file.sha256}
    state = database.catalog()
    expected = against or (row.fingerprint_after if row is not None else "")
    known = objects or (row.objects_after if row is not None else {})
    said = differences(known, state.objects) if known else ()
    matches = not expected or expected == state.fingerprint
    if not matches and not said:
        said = (f"the fingerprint is {state.fingerprint}, expected was {expected}",)
    return Verified(
        applied=applied or file is None,
        fingerprint=state.fingerprint,
        matches=matches,
        differences=said if not matches else (),
        invalid_indexes=state.invalid_indexes,
        unvalidated=state.unvalidated,
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
