"""The folder of backups: each whole one has a manifest, written last; the rest is rubbish."""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from drillbook.core.errors import Damaged, Failed, NotFound
from drillbook.ports.backups import MANIFEST_FORMAT, CheckedBackup, Manifest, StoredFile

MANIFEST = "manifest.json"
DATA = "data"
UNFINISHED = ".unfinished-"
CHUNK_BYTES = 1 << 20
LEVEL_FILES = 1
NAMED_AT_MOST = 10
_SAFE = re.compile(r"[^A-Za-z0-9.-]+")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}")


class BackupFolder:
    """The backups of one environment."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def id_of(self, effect_key: str) -> str:
        """Return the one name a backup of this effect can have."""
        digest = hashlib.sha256(effect_key.encode()).hexdigest()[:10]
        return f"{_SAFE.sub('-', effect_key).strip('-.')[:48] or 'backup'}-{digest}"

    def unfinished(self, effect_key: str) -> Path:
        """Make an empty folder for an attempt."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = self.path / f"{UNFINISHED}{self.id_of(effect_key)}-{os.urandom(4).hex()}"
        folder.mkdir(mode=0o700)
        return folder

    def clear(self, effect_key: str) -> None:
        """Remove what dead attempts of an effect left."""
        for folder in self.path.glob(f"{UNFINISHED}{self.id_of(effect_key)}-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def finish(self, unfinished: Path, manifest: Manifest) -> Manifest:
        """
        Write the manifest and give the folder its name; return the one that has the name.

        Of two attempts at once one wins: a folder that holds files is never replaced.
        """
        _write_durably(unfinished / MANIFEST, manifest.model_dump_json(indent=1).encode())
        _sync(unfinished)
        try:
            unfinished.rename(self.path / manifest.id)
        except OSError as error:
            if not (self.path / manifest.id / MANIFEST).exists():
                raise Failed(
                    f"the backup cannot get its name {manifest.id}: {error.strerror}",
                    hint="Move what stands there out of the way.",
                ) from error
            shutil.rmtree(unfinished, ignore_errors=True)
        _sync(self.path)
        return self.get(manifest.id)

    def all(self) -> tuple[Manifest, ...]:
        """Return all whole backups, the newest first."""
        whole = [one for one in self.path.glob("[!.]*/") if (one / MANIFEST).exists()]
        found = map(self._read, whole)
        return tuple(sorted(found, key=lambda manifest: manifest.at, reverse=True))

    def find(self, backup: str) -> Manifest | None:
        """Return a backup's manifest, or None when there is no whole backup of that name."""
        if not _ID.fullmatch(backup) or not (self.path / backup / MANIFEST).exists():
            return None
        return self._read(self.path / backup)

    def get(self, backup: str) -> Manifest:
        """Return a backup's manifest; NotFound names those there are."""
        found = self.find(backup)
        if found is not None:
            return found
        known = ", ".join(sorted(folder.name for folder in self.path.glob("[!.]*/")))
        raise NotFound(
            f"there is no backup {backup!r} in {self.path}",
            hint=f"There are: {known}." if known else "There is none at all: take one first.",
        )

    def data(self, backup: str) -> Path:
        """Return where a backup's dump lies."""
        return self.path / backup / DATA

    def verify(self, backup: str) -> CheckedBackup:
        """Compare every file with the manifest; Damaged names what differs."""
        manifest = self.get(backup)
        root = self.path / backup
        wrong = list(_differing(root, manifest.files))
        if wrong:
            said = "; ".join(wrong[:NAMED_AT_MOST])
            more = f" and {len(wrong) - NAMED_AT_MOST} more" if len(wrong) > NAMED_AT_MOST else ""
            raise Damaged(
                f"backup {backup} is not what was written: {said}{more}",
                hint="Do not restore it; take another backup, and look at the disk.",
            )
        return CheckedBackup(
            id=backup,
            files=len(manifest.files),
            size_bytes=sum(file.size_bytes for file in manifest.files.values()),
            level=max(manifest.level, LEVEL_FILES),
        )

    def _read(self, folder: Path) -> Manifest:
        try:
            manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
        except (OSError, ValidationError) as error:
            raise Damaged(
                f"the manifest of backup {folder.name} cannot be read",
                hint=f"Look at {folder / MANIFEST}; without it the backup proves nothing.",
            ) from error
        if manifest.id != folder.name or manifest.format != MANIFEST_FORMAT:
            raise Damaged(
                f"the manifest in {folder.name} is of backup {manifest.id}, "
                f"format {manifest.format}",
                hint="Somebody moved or renamed a backup: give the folder its own name back.",
            )
        return manifest


def stored_files(root: Path) -> dict[str, StoredFile]:
    """Return size and SHA-256 of every file below a folder, by relative name."""
    return {name: _stored(root / name) for name in sorted(_names(root))}


def _names(root: Path) -> Iterator[str]:
    for parent, _, files in os.walk(root):
        for name in files:
            relative = str((Path(parent) / name).relative_to(root))
            if relative != MANIFEST:
                yield relative


def _differing(root: Path, files: dict[str, StoredFile]) -> Iterator[str]:
    there = set(_names(root))
    for name in sorted(set(files) - there):
        yield f"{name} is missing"
    for name in sorted(there - set(files)):
        yield f"{name} is not part of it"
    for name in sorted(there & set(files)):
        expected = files[name]
        size = (root / name).stat().st_size
        if size != expected.size_bytes:
            yield f"{name} has {size} bytes, not {expected.size_bytes}"
        elif _stored(root / name) != expected:
            yield f"{name} has other contents of the same size"


def _stored(path: Path) -> StoredFile:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return StoredFile(size_bytes=size, sha256=digest.hexdigest())


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(folder: Path) -> None:
    """Remove an attempt's folder; what cannot be removed is cleared by the next attempt."""
    with suppress(OSError):
        shutil.rmtree(folder)
