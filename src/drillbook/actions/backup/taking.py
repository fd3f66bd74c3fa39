"""Take backups and list them."""

from datetime import UTC, datetime

from drillbook.actions.backup.subject import domain
from drillbook.core.effect import Effect
from drillbook.core.errors import Damaged, NotFound
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration
from drillbook.ports.backups import BackupKind, BackupRoom, Backups, Manifest, Readiness


class Backup(Frozen):
    """A whole backup; level 1: its files are what its manifest says."""

    id: str
    kind: BackupKind
    parent: str
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
    """All whole backups of an environment, the newest first, and those that cannot be read."""

    count: int
    backups: tuple[Backup, ...]
    unreadable: tuple[str, ...] = ()


@domain.read
def ready(room: BackupRoom) -> Readiness:
    """Look whether a backup could be taken now: the tool, the folder, the space."""
    return room.ready()


@domain.additive(because="a backup takes nothing away; it is kept")
def create(
    backups: Backups,
    effect: Effect,
    *,
    label: str = "",
    kind: BackupKind = BackupKind.LOGICAL,
) -> Backup:
    """
    Take a backup, with the checksums of all rows and the schema of the very same moment.

    logical: `pg_dump` of the database, on any server. physical: `pg_basebackup` of the whole
    server, from which points in time can be reached; incremental: what changed since the newest
    physical one (Postgres 17).
    """
    return describe(backups.create(label, effect, kind))


@create.looking
def look_created(
    backups: Backups,
    effect: Effect,
    *,
    label: str = "",
    kind: BackupKind = BackupKind.LOGICAL,
) -> Backup | None:
    """Look for a whole backup of this effect; clear away what a dead attempt left."""
    found = backups.settle(effect)
    return describe(found) if found is not None else None


@domain.read
def list_(backups: Backups) -> BackupList:
    """List all whole backups, the newest first; those that cannot be read are named apart."""
    found = tuple(map(describe, backups.all()))
    unreadable = tuple(one.says for one in backups.unreadable())
    return BackupList(count=len(found), backups=found, unreadable=unreadable)


@domain.read
def latest(backups: Backups) -> Backup:
    """Return the newest whole backup that can be read, and its age."""
    found = backups.all()
    if not found and (unreadable := backups.unreadable()):
        raise Damaged(
            f"no backup can be read: {'; '.join(one.says for one in unreadable)}",
            hint="Set the key they were made with, or look at the disk; or take another.",
        )
    if not found:
        raise NotFound(
            "there is no backup at all", hint="Take one: drillbook do backup.create on=…"
        )
    return describe(found[0])


def describe(manifest: Manifest) -> Backup:
    """Say what a backup is."""
    return Backup(
        id=manifest.id,
        kind=manifest.kind,
        parent=manifest.parent,
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
