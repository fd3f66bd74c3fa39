"""Take backups, prove what they are, compare with one, and go back to one."""

from collections.abc import Mapping
from datetime import UTC, datetime

from drillbook.analysis.fingerprint import differences
from drillbook.analysis.rows import changes
from drillbook.core.catalog import Domain
from drillbook.core.effect import Effect, WayBack
from drillbook.core.errors import NotFound
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration
from drillbook.ports.backups import (
    BackupRoom,
    Backups,
    CheckedBackup,
    Contents,
    Manifest,
    Readiness,
    Restored,
    Restores,
    SwappedBack,
)
from drillbook.ports.database import Database

domain = Domain("backup")


class Backup(Frozen):
    """A whole backup; level 1: its files are what its manifest says."""

    id: str
    label: str
    at: datetime
    age: Duration
    size_bytes: int
    seconds: float
    tables: int
    rows: int
    lsn: str
    server_version: str
    catalog_fingerprint: str
    level: int
    run: str


class BackupList(Frozen):
    """All whole backups of an environment, the newest first."""

    count: int
    backups: tuple[Backup, ...]


class Compared(Frozen):
    """A database beside one of its backups."""

    backup: str
    tables: int
    different: int
    rows_then: int
    rows_now: int
    more: dict[str, int]
    fewer: dict[str, int]
    lost_rows: int
    fingerprint_equal: bool
    differences: tuple[str, ...]


class BeforeRestore(Frozen):
    """The schema of a database before a restore."""

    fingerprint: str


@domain.read
def ready(room: BackupRoom) -> Readiness:
    """Look whether a backup could be taken now: the tool, the folder, the space."""
    return room.ready()


@domain.additive(because="a backup takes nothing away; it is kept")
def create(backups: Backups, effect: Effect, *, label: str = "") -> Backup:
    """Dump the database, with its rows counted and its schema taken in the same snapshot."""
    return _backup(backups.create(label, effect))


@create.looking
def look_created(backups: Backups, effect: Effect, *, label: str = "") -> Backup | None:
    """Look for a whole backup of this effect; clear away what a dead attempt left."""
    found = backups.settle(effect)
    return _backup(found) if found is not None else None


@domain.read
def list_(backups: Backups) -> BackupList:
    """List all whole backups, the newest first."""
    found = tuple(map(_backup, backups.all()))
    return BackupList(count=len(found), backups=found)


@domain.read
def latest(backups: Backups) -> Backup:
    """Return the newest whole backup and its age."""
    found = backups.all()
    if not found:
        raise NotFound(
            "there is no backup at all", hint="Take one: drillbook do backup.create on=…"
        )
    return _backup(found[0])


@domain.read
def verify(backups: Backups, *, backup: str) -> CheckedBackup:
    """Compare every file of a backup with its manifest."""
    return backups.verify(backup)


@domain.read
def compare(backups: Backups, database: Database, contents: Contents, *, backup: str) -> Compared:
    """Compare rows per table and the schema with those of a backup."""
    manifest = backups.get(backup)
    now = contents.rows()
    found = changes(manifest.rows, now)
    state = database.catalog()
    return Compared(
        backup=manifest.id,
        tables=found.tables,
        different=found.different,
        rows_then=sum(manifest.rows.values()),
        rows_now=sum(now.values()),
        more=found.more,
        fewer=found.fewer,
        lost_rows=sum(found.fewer.values()),
        fingerprint_equal=state.fingerprint == manifest.fingerprint,
        differences=differences(manifest.objects, state.objects),
    )


def _remember(
    restores: Restores, database: Database, effect: Effect, *, backup: str
) -> BeforeRestore:
    return BeforeRestore(fingerprint=database.catalog().fingerprint)


@domain.destroy
def restore(restores: Restores, database: Database, effect: Effect, *, backup: str) -> Restored:
    """Build a backup beside the database, prove it equal, swap the names, and keep the old one."""
    return restores.restore(backup, effect)


@restore.looking
def look_restored(
    restores: Restores, database: Database, effect: Effect, *, backup: str
) -> Restored | None:
    """End what a dead attempt left running, then look which databases there are."""
    return restores.settle(effect)


@restore.undone_by(remembering=_remember)
def swap_back(
    before: BeforeRestore, restores: Restores, database: Database, effect: Effect, *, backup: str
) -> SwappedBack:
    """Swap the names back: the database before the restore serves again."""
    return restores.swap_back(effect)


@restore.telling_way_back
def way_back(values: Mapping[str, object]) -> WayBack:
    """Say that the database before is kept, and what swapping back costs."""
    return WayBack(
        possible=True,
        says="the database before is kept beside and gets its name again",
        price="what was written after the restore stays in the database that is taken out",
    )


def _backup(manifest: Manifest) -> Backup:
    return Backup(
        id=manifest.id,
        label=manifest.label,
        at=manifest.at,
        age=max(datetime.now(UTC) - manifest.at, datetime.resolution * 0),
        size_bytes=manifest.size_bytes,
        seconds=manifest.seconds,
        tables=len(manifest.rows),
        rows=sum(manifest.rows.values()),
        lsn=manifest.lsn,
        server_version=manifest.server_version,
        catalog_fingerprint=manifest.fingerprint,
        level=manifest.level,
        run=manifest.run,
    )
