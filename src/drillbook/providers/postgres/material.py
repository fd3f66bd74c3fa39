"""What a database can be built from: a dump in a folder, and what the built one must equal."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from drillbook.ports.backups import Manifest, TableContents


@dataclass(frozen=True, slots=True)
class Material:
    """A folder that `pg_dump -Fd` wrote, with the proof data of the database it came from."""

    folder: Path
    objects: dict[str, str]
    contents: dict[str, TableContents]
    sequences: dict[str, int]
    source: str  # for sentences: "backup b-1", "backup b-1 and its WAL up to 14:02:00 UTC"
    at: datetime  # the moment it holds: what was written after it is lost
    backup: str
    roles: tuple[str, ...] = ()
    extensions: dict[str, str] = field(default_factory=dict[str, str])
    database_bytes: int = 0  # the size of the database it came from, for the estimate


def material_of(manifest: Manifest, folder: Path) -> Material:
    """Return a logical backup, whose dump lies in `folder`, as material."""
    return Material(
        folder=folder,
        objects=manifest.objects,
        contents=manifest.contents,
        sequences=manifest.sequences,
        source=f"backup {manifest.id}",
        at=manifest.at,
        backup=manifest.id,
        roles=manifest.roles,
        extensions=manifest.extensions,
        database_bytes=manifest.database_bytes,
    )
