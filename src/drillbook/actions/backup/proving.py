"""Prove what a backup is, and compare a database with it."""

from enum import StrEnum

from drillbook.actions.backup.subject import domain
from drillbook.analysis.fingerprint import differences
from drillbook.analysis.rows import changes, content_differences
from drillbook.core.effect import Effect
from drillbook.core.model import Frozen
from drillbook.ports.backups import Backups, Contents, Verified, Verifier
from drillbook.ports.database import Database


class ProofOf(StrEnum):
    """How far a backup is proven."""

    FILES = "files"
    WHOLE = "whole"


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
def verify(
    backups: Backups,
    verifier: Verifier,
    effect: Effect,
    *,
    backup: str,
    level: ProofOf = ProofOf.WHOLE,
) -> Verified:
    """
    Restore a backup into a server of its own and prove it equal to its source.

    `level=files` only compares its files with its manifest.
    """
    if level is ProofOf.WHOLE:
        return verifier.verify(backup, effect)
    checked, manifest = backups.verify(backup, effect), backups.get(backup)
    return Verified(
        id=checked.id,
        level=checked.level,
        files=checked.files,
        size_bytes=checked.size_bytes,
        tables=len(manifest.contents),
        rows=sum(manifest.rows.values()),
        seconds_to_restore=0.0,
        seconds_to_prove=0.0,
        how="its files compared with its manifest",
    )


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
