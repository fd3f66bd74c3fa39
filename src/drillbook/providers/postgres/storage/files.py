"""Files of a backup on this machine: what they are, and whether they are what they were."""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from drillbook.core.errors import Damaged
from drillbook.ports.backups import CheckedBackup, Manifest, StoredFile

MANIFEST = "manifest.json"
PROOF = "proof-"
DATA = "data"
CHUNK_BYTES = 1 << 20
LEVEL_FILES = 1
NAMED_AT_MOST = 10


def stored_files(root: Path) -> dict[str, StoredFile]:
    """Return size and SHA-256 of every file below a folder, by relative name."""
    return {name: stored(root / name) for name in sorted(names(root))}


def names(root: Path) -> Iterator[str]:
    """Yield the relative name of every file of a backup; manifest and proofs are none of them."""
    for parent, _, files in os.walk(root):
        for name in files:
            relative = str((Path(parent) / name).relative_to(root))
            if relative != MANIFEST and not relative.startswith(PROOF):
                yield relative


def stored(path: Path) -> StoredFile:
    """Return size and SHA-256 of a file."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return StoredFile(size_bytes=size, sha256=digest.hexdigest())


def differing(root: Path, files: Mapping[str, StoredFile]) -> Iterator[str]:
    """Yield what is missing below a folder, is too much, or has other contents."""
    there = set(names(root))
    yield from unlike(files, there)
    for name in sorted(there & set(files)):
        expected = files[name]
        size = (root / name).stat().st_size
        if size != expected.size_bytes:
            yield f"{name} has {size} bytes, not {expected.size_bytes}"
        elif stored(root / name) != expected:
            yield f"{name} has other contents of the same size"


def unlike(files: Mapping[str, StoredFile], there: set[str]) -> Iterator[str]:
    """Yield what is missing and what is too much, by name."""
    for name in sorted(set(files) - there):
        yield f"{name} is missing"
    for name in sorted(there - set(files)):
        yield f"{name} is not part of it"


def checked(manifest: Manifest, wrong: list[str]) -> CheckedBackup:
    """Return that the files are what the manifest says, or raise with what is wrong."""
    if wrong:
        said = "; ".join(wrong[:NAMED_AT_MOST])
        more = f" and {len(wrong) - NAMED_AT_MOST} more" if len(wrong) > NAMED_AT_MOST else ""
        raise Damaged(
            f"backup {manifest.id} is not what was written: {said}{more}",
            hint="Do not restore it; take another backup, and look at the disk.",
        )
    return CheckedBackup(
        id=manifest.id,
        files=len(manifest.files),
        size_bytes=sum(file.size_bytes for file in manifest.files.values()),
        level=max(manifest.level, LEVEL_FILES),
    )


def write_durably(path: Path, data: bytes) -> None:
    """Write a new file so that it is there after a power cut."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(folder: Path) -> None:
    """Remove an attempt's folder; what cannot be removed is cleared by the next attempt."""
    with suppress(OSError):
        shutil.rmtree(folder)
