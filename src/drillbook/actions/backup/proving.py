"""Prove what a backup is, and compare a database with it."""

from drillbook.actions.backup.subject import domain
from drillbook.analysis.fingerprint import differences
from drillbook.analysis.rows import changes, content_differences
from drillbook.core.model import Frozen
from drillbook.ports.backups import Backups, CheckedBackup, Contents
from drillbook.ports.database import Database


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
    contents_equal: bool
    changed: tuple[str, ...]  # a sentence for each table whose rows are others, by checksum
    fingerprint_equal: bool
    differences: tuple[str, ...]


@domain.read
def verify(backups: Backups, *, backup: str) -> CheckedBackup:
    """Compare every file of a backup with its manifest."""
    return backups.verify(backup)


@domain.read
def compare(backups: Backups, database: Database, contents: Contents, *, backup: str) -> Compared:
    """Compare the contents of every table and the schema with those of a backup."""
    manifest = backups.get(backup)
    read = contents.read()
    now = {table: found.rows for table, found in read.items()}
    found = changes(manifest.rows, now)
    changed = content_differences(manifest.contents, read)
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
        contents_equal=not changed,
        changed=changed,
        fingerprint_equal=state.fingerprint == manifest.fingerprint,
        differences=differences(manifest.objects, state.objects),
    )
