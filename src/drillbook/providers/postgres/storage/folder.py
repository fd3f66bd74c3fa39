"""A folder of backups, as they were taken: each whole one has a manifest, the rest is rubbish."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from drillbook.core.errors import Damaged, Failed, NotFound
from drillbook.ports.backups import CheckedBackup, Manifest, Proof, UnreadableBackup
from drillbook.providers.postgres.storage.blobs import FolderBlobs
from drillbook.providers.postgres.storage.envelopes import checked_manifest
from drillbook.providers.postgres.storage.files import (
    MANIFEST,
    PROOF,
    checked,
    differing,
    remove,
    sync,
    write_durably,
)
from drillbook.providers.postgres.storage.moving import left_in
from drillbook.providers.postgres.storage.store import (
    OnBytes,
    Rubbish,
    StoreState,
    id_of,
    is_id,
    read_each,
    state_of,
)

UNFINISHED = ".unfinished-"
REMOVED = ".removed-"


class FolderStore:
    """The backups of one environment in a folder, not encrypted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def where(self) -> str:
        """Where they lie, for sentences."""
        return str(self.path)

    def state(self) -> StoreState:
        """Look at the folder, or at the one it would be made in."""
        return state_of(self.where, self.path)

    def id_of(self, effect_key: str) -> str:
        """Return the one name a backup of this effect can have."""
        return id_of(effect_key)

    def unfinished(self, effect_key: str) -> Path:
        """Make an empty folder for an attempt."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = self.path / f"{UNFINISHED}{id_of(effect_key)}-{os.urandom(4).hex()}"
        folder.mkdir(mode=0o700)
        return folder

    def clear(self, effect_key: str) -> None:
        """Remove what dead attempts of an effect left."""
        for folder in self.path.glob(f"{UNFINISHED}{id_of(effect_key)}-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def finish(
        self,
        unfinished: Path,
        manifest: Manifest,
        *,
        on_bytes: OnBytes | None = None,  # noqa: ARG002 - nothing is moved here
    ) -> Manifest:
        """
        Write the manifest and give the folder its name; return the one that has the name.

        Of two attempts at once one wins: a folder that holds files is never replaced.
        """
        write_durably(unfinished / MANIFEST, manifest.model_dump_json(indent=1).encode())
        sync(unfinished)
        try:
            unfinished.rename(self.path / manifest.id)
        except OSError as error:
            if not (self.path / manifest.id / MANIFEST).exists():
                raise Failed(
                    f"the backup cannot get its name {manifest.id}: {error.strerror}",
                    hint="Move what stands there out of the way.",
                ) from error
            shutil.rmtree(unfinished, ignore_errors=True)
        sync(self.path)
        return self.get(manifest.id)

    def all(self) -> tuple[Manifest, ...]:
        """Return all whole backups that can be read, the newest first."""
        return read_each(self._names(), self._named)[0]

    def unreadable(self) -> tuple[UnreadableBackup, ...]:
        """Return those whose manifest cannot be read, and why."""
        return read_each(self._names(), self._named)[1]

    def find(self, backup: str) -> Manifest | None:
        """Return a backup's manifest, or None when there is no whole backup of that name."""
        if not is_id(backup) or not (self.path / backup / MANIFEST).exists():
            return None
        return self._read(self.path / backup)

    def get(self, backup: str) -> Manifest:
        """Return a backup's manifest; NotFound names those there are."""
        found = self.find(backup)
        if found is not None:
            return found
        known = ", ".join(sorted(self._names()))
        raise NotFound(
            f"there is no backup {backup!r} in {self.path}",
            hint=f"There are: {known}." if known else "There is none at all: take one first.",
        )

    @contextmanager
    def opened(
        self,
        backup: str,
        effect_key: str,  # noqa: ARG002 - no copy is made that needs a name
        *,
        on_bytes: OnBytes | None = None,  # noqa: ARG002 - nothing is moved here
    ) -> Iterator[Path]:
        """Give the folder itself: its files lie there as they were taken."""
        yield self.path / self.get(backup).id

    def verify_files(self, backup: str) -> CheckedBackup:
        """Compare every file with the manifest; Damaged names what differs."""
        manifest = self.get(backup)
        return checked(manifest, list(differing(self.path / backup, manifest.files)))

    def note_proof(self, backup: str, proof: Proof) -> None:
        """Keep a proof beside the backup; the manifest is never changed."""
        folder = self.path / self.get(backup).id
        name = f"{PROOF}{proof.at:%Y%m%dT%H%M%S.%f}-{os.urandom(4).hex()}.json"
        # Written outside of the backup: half of it, left by a kill, is rubbish as any other.
        half = self.path / f"{UNFINISHED}{PROOF}{os.urandom(4).hex()}"
        try:
            half.mkdir(mode=0o700)
            write_durably(half / name, proof.model_dump_json(indent=1).encode())
            (half / name).rename(folder / name)
            sync(folder)
        except OSError as error:
            raise Failed(
                f"the proof of backup {backup} cannot be written to {folder}: {error.strerror}",
                hint="Free space there, then verify it again; the backup itself is as it was.",
            ) from error
        finally:
            remove(half)

    def proofs(self, backup: str) -> tuple[Proof, ...]:
        """Return what was proven of a backup, the oldest first."""
        folder = self.path / self.get(backup).id
        found = [_read_proof(path) for path in folder.glob(f"{PROOF}*.json")]
        return tuple(sorted(found, key=lambda proof: proof.at))

    def remove(self, backup: str) -> None:
        """Remove a backup; half removed it has another name, and so is none."""
        folder = self.path / backup
        if is_id(backup) and folder.exists():
            aside = self.path / f"{REMOVED}{backup}-{os.urandom(4).hex()}"
            folder.rename(aside)
            sync(self.path)
        for left in self.path.glob(f"{REMOVED}*"):
            shutil.rmtree(left, ignore_errors=True)

    def rubbish(self) -> tuple[Rubbish, ...]:
        """Return what attempts left that did not end, and what is half removed."""
        found = (*self.path.glob(f"{UNFINISHED}*/"), *self.path.glob(f"{REMOVED}*/"))
        return tuple(left for folder in sorted(found) for left in left_in(folder))

    def sweep(self, name: str) -> None:
        """Remove one piece of rubbish by its name."""
        if name in {one.name for one in self.rubbish()}:
            shutil.rmtree(self.path / name, ignore_errors=True)

    def note(self, name: str, data: bytes) -> bytes:
        """Keep a note unless there is one of that name; return the one there is."""
        self._notes.create(name, data)
        return self._notes.read(name) or data

    def noted(self, name: str) -> bytes | None:
        """Return a note."""
        return self._notes.read(name)

    @property
    def _notes(self) -> FolderBlobs:
        return FolderBlobs(self.path / ".notes")

    def _names(self) -> Iterator[str]:
        return (one.name for one in self.path.glob("[!.]*/"))

    def _named(self, name: str) -> Manifest | None:
        return self._read(self.path / name) if (self.path / name / MANIFEST).exists() else None

    def _read(self, folder: Path) -> Manifest:
        data = b""
        try:
            data = (folder / MANIFEST).read_bytes()
            manifest = Manifest.model_validate_json(data)
        except (OSError, ValidationError) as error:
            if b'"drillbook-backup-' in data:
                raise Damaged(
                    f"backup {folder.name} is encrypted, and no key is set",
                    hint='Name its key: key = "file:backup.key" in the backups section.',
                ) from error
            raise Damaged(
                f"the manifest of backup {folder.name} cannot be read",
                hint=f"Look at {folder / MANIFEST}; without it the backup proves nothing.",
            ) from error
        return checked_manifest(manifest, folder.name)


def _read_proof(path: Path) -> Proof:
    try:
        return Proof.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise Damaged(
            f"the proof {path.parent.name}/{path.name} cannot be read",
            hint="Move it out of the way, and verify the backup again.",
        ) from error
