"""Backups made of small files, without a database."""

import base64
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drillbook.core.secret import Secret
from drillbook.ports.backups import BackupKind, DatabaseFacts, Manifest, Proof
from drillbook.providers.postgres.storage.files import stored_files
from drillbook.providers.postgres.storage.store import BackupStore, OnBytes

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
FACTS = DatabaseFacts(
    name="app", owner="app", encoding="UTF8", collate="C", ctype="C", provider="c", locale="",
    tablespace="pg_default", connection_limit=-1, comment=None, grants=None, settings=(),
)  # fmt: skip
FILES = {"data/toc.dat": b"the table of contents", "data/1.dat.gz": b"rows " * 1000, "data/2": b""}


def write_key(path: Path) -> Secret:
    path.write_text(base64.b64encode(os.urandom(32)).decode() + "\n")
    return Secret(ref=f"file:{path}")


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def manifest_of(
    folder: Path, backup: str, *, at: datetime = NOW, parent: str = "", physical: bool = False
) -> Manifest:
    whole = BackupKind.PHYSICAL if physical else BackupKind.LOGICAL
    files = stored_files(folder)
    return Manifest(
        kind=BackupKind.INCREMENTAL if parent else whole, parent=parent,
        id=backup, label="", environment="production", effect_key=backup, run="r-1", at=at,
        seconds=1.0, server_version="17.10", system_identifier="7", tool="pg_dump", lsn="0/1",
        snapshot="1", level=1, size_bytes=sum(file.size_bytes for file in files.values()),
        fingerprint="f", objects={}, contents={}, files=files, database=FACTS,
    )  # fmt: skip


def take(
    store: BackupStore,
    effect_key: str = "r-1/1.2",
    *,
    files: dict[str, bytes] | None = None,
    age: timedelta = timedelta(0),
    at: datetime | None = None,
    parent: str = "",
    physical: bool = False,
    on_bytes: OnBytes | None = None,
) -> Manifest:
    folder = store.unfinished(effect_key)
    write_files(folder, FILES if files is None else files)
    manifest = manifest_of(
        folder,
        store.id_of(effect_key),
        at=at or datetime.now(UTC) - age,
        parent=parent,
        physical=physical,
    )
    return store.finish(folder, manifest, on_bytes=on_bytes)


def proof(level: int = 4, *, differences: tuple[str, ...] = ()) -> Proof:
    return Proof(
        level=level, at=datetime.now(UTC), by_run="r-2", seconds_to_restore=2.0,
        seconds_to_prove=3.0, how="restored into a scratch server", differences=differences,
    )  # fmt: skip
