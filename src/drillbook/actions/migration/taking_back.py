"""Take back a migration that an earlier run, another tool or a hand applied."""

from collections.abc import Sequence
from datetime import UTC, datetime

from typing_extensions import Unpack

from drillbook.actions.migration.finding import (
    OF_APP,
    GivenName,
    found_among,
    migrations_of,
    own,
)
from drillbook.actions.migration.returning import Before, as_before, taken_back
from drillbook.actions.migration.subject import LOCK_TIMEOUT, PATIENCE, RETRIES, domain
from drillbook.analysis.order import named
from drillbook.analysis.reading import refuse_broken
from drillbook.analysis.standing import APPLIED, GONE, is_of
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, Refused
from drillbook.core.files import File
from drillbook.core.migration_files import LedgerEntry, MigrationFile
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration
from drillbook.core.waiting import CLOCKS_DIFFER
from drillbook.ports.database import Database
from drillbook.ports.migration_files import Ledgers, MigrationFolders
from drillbook.ports.migrations import Change, LedgerRow, Migrations, Status
from drillbook.ports.systems import Systems
from drillbook.ports.ways_back import WayBackScript

SHOWN = 3
NEVER = datetime.min.replace(tzinfo=UTC)
BY_HAND = "a hand: no ledger has it"


class TookBack(Frozen):
    """A migration that is no longer in a database."""

    name: str
    statements: int
    seconds: float
    fingerprint: str
    says: str


class WithIt(Frozen):
    """The schema with the migration, who had applied it, and the change that is taken back."""

    before: Before
    applied_by: str
    change: Change


@domain.write
def take_back(
    database: Database,
    migrations: Migrations,
    ledgers: Ledgers,
    folders: MigrationFolders,
    systems: Systems,
    effect: Effect,
    *,
    name: str,
    folder: str,
    by_hand: bool = False,
    seen: datetime | None = None,
    over: tuple[str, ...] = (),
    of_app: str = OF_APP,
    way_back: WayBackScript | None = None,
    lock_timeout: Duration = LOCK_TIMEOUT,
    retries: int = RETRIES,
    patience: Duration = PATIENCE,
) -> TookBack:
    """
    Run the down script of a migration, whoever applied it; the ledgers forget it with that.

    `name` is the migration's name or version in the team's `folder`, or its whole name in the
    folder `of_app` of the app's repository. Refused where no ledger has
    it, unless it was applied `by_hand`; where its file was changed since; and where later ones
    are applied that are not named in `over`. What the ledger has as taken back already is left as
    it is; `by_hand` with a moment when it was `seen` means one that came again before that.
    """
    given = GivenName(
        name=name, folder=folder, by_hand=by_hand, seen=seen, over=over, of_app=of_app,
        way_back=way_back, lock_timeout=lock_timeout, retries=retries, patience=patience,
    )  # fmt: skip
    change, entry, is_gone = _wanted(ledgers, folders, systems, effect, given)
    if is_gone and entry is not None and migrations.settle(effect) is None:
        return _left_alone(entry, database)
    row = migrations.apply(change, effect)
    if row.status is not Status.APPLIED:
        raise Refused(
            f"{change.takes_back} was taken back, and applied again, by this very task",
            hint="Start a new run.",
        )
    if _changed_nothing(row):
        raise Failed(
            f"the down script of {change.takes_back} ran and changed nothing in the schema: it was "
            "not applied, or the script does not take it back",
            hint="Look at the schema; the errors have another cause.",
            again=False,
        )
    return _took_back(change.takes_back, row)


@take_back.looking
def look_taken_back(
    database: Database,
    migrations: Migrations,
    ledgers: Ledgers,
    folders: MigrationFolders,
    systems: Systems,
    effect: Effect,
    **given: Unpack[GivenName],
) -> TookBack | None:
    """End what an earlier attempt left running, then ask the ledger for this task's own row."""
    row = migrations.settle(effect)
    if row is None or row.status is not Status.APPLIED or _changed_nothing(row):
        return None
    return _took_back(given["name"], row)


def remember_taking_back(
    database: Database,
    migrations: Migrations,
    ledgers: Ledgers,
    folders: MigrationFolders,
    systems: Systems,
    effect: Effect,
    **given: Unpack[GivenName],
) -> WithIt:
    """Remember the schema, and what applies the migration again."""
    change, entry, _ = _wanted(ledgers, folders, systems, effect, given)
    by = BY_HAND if entry is None else f"{entry.ledger}, {entry.run}"
    state = database.catalog()
    before = Before(
        fingerprint=state.fingerprint,
        objects=state.objects,
        way_back=_way_back_said(change.takes_back, given.get("way_back")),
    )
    return WithIt(before=before, applied_by=by, change=change)


@take_back.undone_by(remembering=remember_taking_back)
def undo_taking_back(
    remembered: WithIt,
    database: Database,
    migrations: Migrations,
    ledgers: Ledgers,
    folders: MigrationFolders,
    systems: Systems,
    effect: Effect,
    **given: Unpack[GivenName],
) -> TookBack:
    """Apply the migration again and compare the schema with the one remembered."""
    name, before = remembered.change.takes_back, remembered.before
    ran = migrations.settle(effect) if remembered.applied_by == BY_HAND else None
    if ran is not None and ran.status is Status.APPLIED and _changed_nothing(ran):
        return TookBack(
            name=name,
            statements=0,
            seconds=0.0,
            fingerprint=ran.fingerprint_after,
            says=f"{name} was not there, so it is not applied again",
        )
    row = taken_back(migrations, effect, remembered.change)
    found = as_before(before, database, name, was_applied=row is not None)
    return TookBack(
        name=name,
        statements=row.statements if row is not None else 0,
        seconds=0.0,
        fingerprint=found.fingerprint,
        says=f"{name} is applied again" if row is not None else f"{name} was not taken back",
    )


def _changed_nothing(row: LedgerRow) -> bool:
    return row.fingerprint_after == row.fingerprint_before


def _wanted(
    ledgers: Ledgers,
    folders: MigrationFolders,
    systems: Systems,
    effect: Effect,
    given: GivenName,
) -> tuple[Change, LedgerEntry | None, bool]:
    """
    Return the down script as a change of its own, and the ledger's entry of the migration.

    The last says that this entry was taken back already, so that there is nothing to do.
    """
    order = migrations_of(folders, systems, given)
    file, down = found_among(order, given["folder"], given["name"])
    refuse_broken(File(name=down.path, sha256=down.sha256, text=down.text))
    known = ledgers.entries()
    entries = [one for one in known if one.status != GONE]
    gone = _taken_back(known, file, given)
    entry = gone or _entry(entries, file, by_hand=given.get("by_hand", False))
    if gone is None:
        _refuse_later(order, entries, file, given.get("over", ()))
    script = given.get("way_back")
    proven = script if script is not None and script.proven else None
    change = Change(
        # A name of its own for each task: a migration may be applied and taken back again.
        name=f"the way back {down.path.rpartition('/')[2]} ({effect.key})",
        sha256=down.sha256,
        text=down.text,
        down=proven.down_sql if proven else file.text,
        capture=proven.capture_sql if proven else "",
        side_tables=proven.side_tables if proven else (),
        takes_back=entry.name if entry is not None else file.name,
        lock_timeout_seconds=given.get("lock_timeout", LOCK_TIMEOUT).total_seconds(),
        retries=given.get("retries", RETRIES),
        patience_seconds=given.get("patience", PATIENCE).total_seconds(),
    )
    return change, entry, gone is not None


def _taken_back(
    entries: Sequence[LedgerEntry], file: MigrationFile, given: GivenName
) -> LedgerEntry | None:
    """Return the entry of a migration that was taken back, and not applied again since."""
    mine = [one for one in entries if _is_of(one, file)]
    if not mine or any(one.status != GONE for one in mine):
        return None
    last = max(mine, key=lambda one: one.taken_back_at or NEVER)
    if not given.get("by_hand", False):
        return last
    seen = given.get("seen")
    # A hand that applied it again left no entry: what was seen after the way back is such a one.
    is_later = seen is not None and (last.taken_back_at or NEVER) >= seen - CLOCKS_DIFFER
    return last if is_later else None


def _entry(
    entries: Sequence[LedgerEntry], file: MigrationFile, *, by_hand: bool
) -> LedgerEntry | None:
    """Return the entry of the ledger that has it; None for what was applied by hand."""
    mine = [one for one in entries if _is_of(one, file)]
    for entry in mine:
        _refuse_other(entry, file)
    if not mine and not by_hand:
        raise Refused(
            f"no ledger of the database has {file.name}; nothing was changed",
            hint="If somebody applied it by hand, say so: by_hand=true",
            again=False,
        )
    return mine[0] if mine else None


def _is_of(entry: LedgerEntry, file: MigrationFile) -> bool:
    return is_of(entry, file) or own(entry.name) == own(file.name)


def _refuse_other(entry: LedgerEntry, file: MigrationFile) -> None:
    if entry.status != APPLIED:
        raise Refused(
            f"{file.name} is {entry.status}, in part only, by {entry.run}; nothing was changed",
            hint=f"Resume or undo that run: drillbook resume {entry.run}",
        )
    if entry.sha256 and entry.sha256 != file.sha256:
        raise Refused(
            f"{file.name} was changed after it was applied (sha256 {entry.sha256[:12]}, now "
            f"{file.sha256[:12]}), so its down script may not fit; nothing was changed",
            hint="Take the folder as it was then: git finds the commit.",
            again=False,
        )


def _refuse_later(
    migrations: Sequence[MigrationFile],
    entries: Sequence[LedgerEntry],
    file: MigrationFile,
    over: tuple[str, ...],
) -> None:
    accepted = {own(one) for one in over}
    names = [one.name for one in migrations]
    later = {own(one.name) for one in migrations[names.index(file.name) + 1 :]}
    there = [
        own(entry.name)
        for entry in entries
        if not _is_of(entry, file)
        and (own(entry.name) in later or _is_later(entry, file))
        and own(entry.name) not in accepted
    ]
    if there:
        more = f" and {len(there) - SHOWN} more" if len(there) > SHOWN else ""
        raise Refused(
            f"{', '.join(there[:SHOWN])}{more} came after {file.name} and may build on it; "
            "nothing was changed",
            hint="Take those back first, or name them in over=… when they do not need it.",
            again=False,
        )


def _is_later(entry: LedgerEntry, file: MigrationFile) -> bool:
    """Whether a ledger's entry has a later number of the same kind: 0005 is not before a date."""
    theirs, ours = named(f"{own(entry.name)}.sql"), named(f"{own(file.name)}.sql")
    return len(theirs.written) == len(ours.written) and theirs.version > ours.version


def _way_back_said(name: str, script: WayBackScript | None) -> str:
    if script is not None and script.proven:
        return "; ".join(filter(None, (script.says, script.price)))
    return f"applies {name} again; what its columns and tables held by then does not come back"


def _left_alone(entry: LedgerEntry, database: Database) -> TookBack:
    at = f" at {entry.taken_back_at:%Y-%m-%d %H:%M:%S} UTC" if entry.taken_back_at else ""
    return TookBack(
        name=entry.name,
        statements=0,
        seconds=0.0,
        fingerprint=database.catalog().fingerprint,
        says=f"{entry.name} was taken back already{at}, so nothing was changed",
    )


def _took_back(name: str, row: LedgerRow) -> TookBack:
    return TookBack(
        name=name,
        statements=row.statements,
        seconds=round(row.seconds, 3),
        fingerprint=row.fingerprint_after,
        says=f"{name} was taken back: {row.statements} statements in {row.seconds:.2f} s",
    )
