"""Look at a migration: the file, what it meets, and whether a database is as it should be."""

from datetime import datetime

from drillbook.actions.migration.subject import domain
from drillbook.analysis.fingerprint import differences
from drillbook.analysis.reading import read, refuse_broken
from drillbook.core.files import File
from drillbook.core.model import Frozen
from drillbook.ports.database import Database, TableSize
from drillbook.ports.migrations import Migrations, Status


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
    invalid_indexes: tuple[str, ...] = ()


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
    reading = read(file)
    problems = reading.problems + (read(down).problems if down is not None else ())
    return Checked(
        statements=reading.statements,
        errors=len(problems),
        problems=problems,
        transactional=reading.transactional,
        non_transactional=reading.non_transactional,
        destructive=reading.destructive,
        dangers=reading.dangers,
        tables=reading.tables,
        has_down=down is not None,
    )


@domain.read
def review(database: Database, migrations: Migrations, *, file: File) -> Reviewed:
    """Look what a migration meets: the ledger, the sizes of its tables, indexes left invalid."""
    reading = refuse_broken(file)
    row = migrations.in_force(file.name)
    return Reviewed(
        already_applied=row is not None and row.status is Status.APPLIED,
        changed=row is not None and row.sha256 not in {"", file.sha256},
        status=row.status if row else "not applied",
        applied_by=row.run or row.applied_by if row else "",
        applied_at=row.applied_at if row else None,
        sizes=database.sizes(reading.tables),
        dangers=reading.dangers,
        invalid_indexes=database.catalog().invalid_indexes,
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
