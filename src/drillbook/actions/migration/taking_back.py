"""Take back a migration that an earlier run, another tool or a hand applied."""

# mypy: disable-error-code="type-abstract"
# Ports are Protocols, and `Systems.find` takes the type itself.

import hashlib
from collections.abc import Sequence
from typing import Required, TypedDict

from typing_extensions import Unpack

from drillbook.actions.migration.returning import Before, as_before, taken_back
from drillbook.actions.migration.subject import LOCK_TIMEOUT, PATIENCE, RETRIES, domain
from drillbook.analysis.order import named, ordered
from drillbook.analysis.reading import refuse_broken
from drillbook.analysis.standing import APPLIED, GONE, is_of
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, NotFound, Refused
from drillbook.core.files import File
from drillbook.core.migration_files import LedgerEntry, MigrationFile, SourceFile
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration
from drillbook.ports.database import Database
from drillbook.ports.migration_files import Ledgers, MigrationFolders
from drillbook.ports.migrations import Change, LedgerRow, Migrations, Status
from drillbook.ports.repository import Repository
from drillbook.ports.systems import Systems
from drillbook.ports.ways_back import WayBackScript

SHOWN = 3
OF_APP = "supabase/migrations"
DOWN_PATHS = ("{}.down.sql", "{}_down.sql", "down/{}.sql")
BY_HAND = "a hand: no ledger has it"


class GivenName(TypedDict, total=False):
    """The values of `migration.take_back`."""

    name: Required[str]
    folder: Required[str]
    by_hand: bool
    over: tuple[str, ...]
    of_app: str
    way_back: WayBackScript | None
    lock_timeout: Duration
    retries: int
    patience: Duration


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
    are applied that are not named in `over`.
    """
    given = GivenName(
        name=name, folder=folder, by_hand=by_hand, over=over, of_app=of_app, way_back=way_back,
        lock_timeout=lock_timeout, retries=retries, patience=patience,
    )  # fmt: skip
    _, change = _wanted(ledgers, folders, systems, effect, given)
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
    by, change = _wanted(ledgers, folders, systems, effect, given)
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
) -> tuple[str, Change]:
    """Return who had applied the migration, and its down script as a change of its own."""
    order = _migrations(folders, systems, given)
    file, down = _found(order, given["folder"], given["name"])
    refuse_broken(File(name=down.path, sha256=down.sha256, text=down.text))
    entries = [one for one in ledgers.entries() if one.status != GONE]
    entry = _entry(entries, file, by_hand=given.get("by_hand", False))
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
    return f"{entry.ledger}, {entry.run}" if entry is not None else BY_HAND, change


def _migrations(
    folders: MigrationFolders, systems: Systems, given: GivenName
) -> Sequence[MigrationFile]:
    """Return the migrations of the team's folder, else the one of this name that the app has."""
    missing: NotFound | None = None
    try:
        found = ordered(folders.read(given["folder"])).migrations
    except NotFound as error:
        found, missing = (), error
    if any(_is_named(one, given["name"]) for one in found):
        return found
    repository = systems.find(Repository)
    of_app = None if repository is None else _of_app(repository, given)
    if of_app is not None:
        return (of_app,)
    if missing is not None:
        raise missing
    return found


def _of_app(repository: Repository, given: GivenName) -> MigrationFile | None:
    """Return a migration by its whole name from the app's own repository, as its branch has it."""
    stem, folder = _own(given["name"]), given.get("of_app", OF_APP).strip("/")
    up = _source(repository, f"{folder}/{stem}.sql")
    if up is None:
        return None
    downs = (_source(repository, f"{folder}/{path.format(stem)}") for path in DOWN_PATHS)
    return MigrationFile(
        name=stem,
        version=named(f"{stem}.sql").written,
        path=up.path,
        sha256=up.sha256,
        text=up.text,
        down=next(filter(None, downs), None),
    )


def _source(repository: Repository, path: str) -> SourceFile | None:
    try:
        data = repository.file(path, repository.branch)
    except NotFound:
        return None
    sha256 = hashlib.sha256(data).hexdigest()
    return SourceFile(path=path, sha256=sha256, text=data.decode("utf-8", "replace"))


def _is_named(file: MigrationFile, name: str) -> bool:
    return _own(name) in {_own(file.name), file.version}


def _found(
    order: Sequence[MigrationFile], folder: str, name: str
) -> tuple[MigrationFile, SourceFile]:
    fits = [one for one in order if _is_named(one, name)]
    if len(fits) != 1:
        many = f"{len(fits)} migrations" if fits else f"no migration among {len(order)}"
        raise NotFound(
            f"{folder} has {many} of the name {name!r}; nothing was changed",
            hint="Give its whole name, or the folder in which the team keeps it.",
        )
    if fits[0].down is None or not fits[0].down.text.strip():
        raise Refused(
            f"{fits[0].name} has no down script in {folder}; nothing was changed",
            hint="Write one and rehearse it, ship a fix forward, or restore the backup before it.",
            again=False,
        )
    return fits[0], fits[0].down


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
    return is_of(entry, file) or _own(entry.name) == _own(file.name)


def _own(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(".sql")


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
    accepted = {_own(one) for one in over}
    names = [one.name for one in migrations]
    later = {_own(one.name) for one in migrations[names.index(file.name) + 1 :]}
    there = [
        _own(entry.name)
        for entry in entries
        if not _is_of(entry, file)
        and (_own(entry.name) in later or _is_later(entry, file))
        and _own(entry.name) not in accepted
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
    theirs, ours = named(f"{_own(entry.name)}.sql"), named(f"{_own(file.name)}.sql")
    return len(theirs.written) == len(ours.written) and theirs.version > ours.version


def _way_back_said(name: str, script: WayBackScript | None) -> str:
    if script is not None and script.proven:
        return "; ".join(filter(None, (script.says, script.price)))
    return f"applies {name} again; what its columns and tables held by then does not come back"


def _took_back(name: str, row: LedgerRow) -> TookBack:
    return TookBack(
        name=name,
        statements=row.statements,
        seconds=round(row.seconds, 3),
        fingerprint=row.fingerprint_after,
        says=f"{name} was taken back: {row.statements} statements in {row.seconds:.2f} s",
    )
