"""Backups as pieces in a bucket or, encrypted, in a folder: files first, the manifest last."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from drillbook.core.errors import Damaged, DrillbookError, Failed, NotFound, Refused
from drillbook.ports.backups import CheckedBackup, Manifest, Proof, UnreadableBackup
from drillbook.providers.postgres.storage.blobs import Blob, Blobs
from drillbook.providers.postgres.storage.envelopes import Envelopes, checked_manifest
from drillbook.providers.postgres.storage.files import MANIFEST, PROOF, checked, remove
from drillbook.providers.postgres.storage.keys import Keyring
from drillbook.providers.postgres.storage.moving import (
    Moving,
    fetched,
    left_in,
    told,
    wrong_contents,
)
from drillbook.providers.postgres.storage.sealing import Name, sealed, sealed_size, unsealed
from drillbook.providers.postgres.storage.store import (
    OnBytes,
    Rubbish,
    StoreState,
    id_of,
    is_id,
    read_each,
    state_of,
)

UNFINISHED = "unfinished-"
OPENED = "opened-"


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """
    The backups of one environment, moved to where they lie and back.

    Each attempt has a folder of its own, `ID/ATTEMPT/…`, and `ID/manifest.json`, which is written
    last and once, names the attempt that won. What no manifest names is rubbish.
    """

    blobs: Blobs
    staging: Path
    keys: Keyring | None = None

    @property
    def where(self) -> str:
        """Where they lie, for sentences."""
        return self.blobs.where

    def state(self) -> StoreState:
        """Look whether the place can be listed, and at the room to make a backup in."""
        self.blobs.tops()
        return state_of(self.where, self.staging)

    def id_of(self, effect_key: str) -> str:
        """Return the one name a backup of this effect can have."""
        return id_of(effect_key)

    def unfinished(self, effect_key: str) -> Path:
        """Make an empty folder on this machine for an attempt."""
        return self._folder(f"{UNFINISHED}{id_of(effect_key)}")

    def clear(self, effect_key: str) -> None:
        """Remove what dead attempts of an effect left, here and there."""
        backup = id_of(effect_key)
        for folder in self.staging.glob(f"*-{backup}-*"):
            remove(folder)
        rubbish = [blob.name for one in self._rubbish(backup) for blob in one[1]]
        self.blobs.remove(rubbish)
        if rubbish and self._find(backup) is not None:
            self._must_be_whole(backup)  # its manifest may have come while we looked

    def finish(
        self, unfinished: Path, manifest: Manifest, *, on_bytes: OnBytes | None = None
    ) -> Manifest:
        """Move the files, and keep the manifest last; return the one of the attempt that won."""
        if self._find(manifest.id) is not None:
            return self._must_be_whole(manifest.id)
        key_id = self.keys.newest().id if self.keys else ""
        manifest = manifest.model_copy(update={"encrypted_with": key_id})
        attempt = os.urandom(6).hex()
        name = Name(manifest.id, attempt, MANIFEST)
        try:
            self._move(unfinished, manifest, attempt, on_bytes)
        except BaseException:
            self._leave(manifest.id, attempt)
            raise
        data = Envelopes(self.keys).closed(manifest, name)
        # When this raises, the manifest may be there all the same: then its files must stay.
        if not self.blobs.create(f"{manifest.id}/{MANIFEST}", data):
            self._leave(manifest.id, attempt)
        remove(unfinished)
        return self._must_be_whole(manifest.id)

    def all(self) -> tuple[Manifest, ...]:
        """Return all whole backups that can be read, the newest first."""
        return read_each(self._tops(), self.find)[0]

    def unreadable(self) -> tuple[UnreadableBackup, ...]:
        """Return those whose manifest cannot be read, and why."""
        return read_each(self._tops(), self.find)[1]

    def find(self, backup: str) -> Manifest | None:
        """Return a backup's manifest, or None when there is no whole backup of that name."""
        found = self._find(backup)
        return None if found is None else found[1]

    def get(self, backup: str) -> Manifest:
        """Return a backup's manifest; NotFound names those there are."""
        return self._get(backup)[1]

    @contextmanager
    def opened(
        self, backup: str, effect_key: str, *, on_bytes: OnBytes | None = None
    ) -> Iterator[Path]:
        """Fetch and decrypt the files into a folder on this machine, which is removed after."""
        attempt, manifest = self._get(backup)
        folder = self._folder(f"{OPENED}{id_of(effect_key)}")
        try:
            in_all = sum(file.size_bytes for file in manifest.files.values())
            moving = Moving(in_all, on_bytes)
            wrong = list(self._missing(manifest, attempt))
            for file, expected in sorted(manifest.files.items()) if not wrong else ():
                name = Name(backup, attempt, file)
                wrong += fetched(self._read(name), folder / file, expected, moving)
            checked(manifest, wrong)
            yield folder
        finally:
            remove(folder)

    def verify_files(self, backup: str) -> CheckedBackup:
        """Read every file and compare it with the manifest; Damaged names what differs."""
        attempt, manifest = self._get(backup)
        wrong = list(self._missing(manifest, attempt))
        missing = {says.partition(" ")[0] for says in wrong}
        for file, expected in sorted(manifest.files.items()):
            if file not in missing:
                wrong += wrong_contents(self._read(Name(backup, attempt, file)), file, expected)
        return checked(manifest, wrong)

    def note_proof(self, backup: str, proof: Proof) -> None:
        """Keep a proof beside the backup; the manifest is never changed."""
        attempt, _ = self._get(backup)
        file = f"{PROOF}{proof.at:%Y%m%dT%H%M%S.%f}-{os.urandom(4).hex()}.json"
        data = Envelopes(self.keys).closed(proof, Name(backup, attempt, file))
        self.blobs.create(f"{backup}/{file}", data)

    def proofs(self, backup: str) -> tuple[Proof, ...]:
        """Return what was proven of a backup, the oldest first."""
        attempt, _ = self._get(backup)
        found = []
        for blob in self.blobs.list(backup):
            file = blob.name.partition("/")[2]
            data = self.blobs.read(blob.name) if file.startswith(PROOF) else None
            if data is not None:
                of, proof = Envelopes(self.keys).opened(data, Proof, backup, file)
                found += [proof] if of == attempt else []
        return tuple(sorted(found, key=lambda proof: proof.at))

    def remove(self, backup: str) -> None:
        """Remove a backup, its manifest first: what is half removed is no backup."""
        if is_id(backup):
            self.blobs.remove([f"{backup}/{MANIFEST}"])
            self.blobs.remove(blob.name for blob in self.blobs.list(backup))

    def rubbish(self) -> tuple[Rubbish, ...]:
        """Return what attempts left that did not end, and what is half removed."""
        there = [told(*one) for top in self._tops() for one in self._rubbish(top)]
        # Here they lie as they were before they were encrypted: nobody may forget them.
        return (*there, *(left for one in self._staged() for left in left_in(one)))

    def sweep(self, name: str) -> None:
        """Remove one piece of rubbish by its name."""
        for folder in self._staged():
            if folder.name == name:
                remove(folder)
        top = name.partition("/")[0]
        if is_id(top):
            found = [blobs for known, blobs in self._rubbish(top) if known == name]
            self.blobs.remove(blob.name for blobs in found for blob in blobs)

    def note(self, name: str, data: bytes) -> bytes:
        """Keep a note unless there is one of that name; return the one there is."""
        self.blobs.create(f".notes/{name}", data)
        return self.noted(name) or data

    def noted(self, name: str) -> bytes | None:
        """Return a note."""
        return self.blobs.read(f".notes/{name}")

    def _staged(self) -> list[Path]:
        return sorted(
            one for start in (UNFINISHED, OPENED) for one in self.staging.glob(f"{start}*")
        )

    def _tops(self) -> tuple[str, ...]:
        return tuple(top for top in self.blobs.tops() if is_id(top))

    def _find(self, backup: str) -> tuple[str, Manifest] | None:
        data = self.blobs.read(f"{backup}/{MANIFEST}") if is_id(backup) else None
        if data is None:
            return None
        attempt, manifest = Envelopes(self.keys).opened(data, Manifest, backup, MANIFEST)
        return attempt, checked_manifest(manifest, backup)

    def _get(self, backup: str) -> tuple[str, Manifest]:
        found = self._find(backup)
        if found is not None:
            return found
        half = self.blobs.list(backup) if is_id(backup) else ()
        if half:
            raise NotFound(
                f"{backup} in {self.where} is no backup: {len(half)} files and no manifest",
                hint="An attempt ended midway, or it is half removed; backup.prune clears it.",
            )
        known = ", ".join(self._tops())
        raise NotFound(
            f"there is no backup {backup!r} in {self.where}",
            hint=f"There are: {known}." if known else "There is none at all: take one first.",
        )

    def _move(
        self, unfinished: Path, manifest: Manifest, attempt: str, on_bytes: OnBytes | None
    ) -> None:
        moving = Moving(sum(file.size_bytes for file in manifest.files.values()), on_bytes)
        for file, expected in sorted(manifest.files.items()):
            name = Name(manifest.id, attempt, file)
            data = moving.read(unfinished / file, expected)
            size = expected.size_bytes
            if self.keys is not None:
                data, size = sealed(data, self.keys.newest(), name), sealed_size(size)
            self.blobs.put(f"{manifest.id}/{attempt}/{file}", data, size)

    def _leave(self, backup: str, attempt: str) -> None:
        with suppress(DrillbookError):  # its successor clears what stays
            self.blobs.remove(blob.name for blob in self.blobs.list(f"{backup}/{attempt}"))

    def _read(self, name: Name) -> Iterator[bytes]:
        data = self.blobs.stream(f"{name.backup}/{name.attempt}/{name.file}")
        return data if self.keys is None else unsealed(data, self.keys, name)

    def _missing(self, manifest: Manifest, attempt: str) -> Iterator[str]:
        """Yield what is missing, is too much, or has another size, by listing alone."""
        start = f"{manifest.id}/{attempt}/"
        there = {
            blob.name.removeprefix(start): blob.size_bytes for blob in self.blobs.list(start[:-1])
        }
        for file, expected in sorted(manifest.files.items()):
            size = expected.size_bytes if self.keys is None else sealed_size(expected.size_bytes)
            if file not in there:
                yield f"{file} is missing"
            elif there[file] != size:
                yield f"{file} has {there[file]} bytes, not {size}"
        for file in sorted(set(there) - set(manifest.files)):
            yield f"{file} is not part of it"

    def _must_be_whole(self, backup: str) -> Manifest:
        """Return the manifest that won, unless another attempt cleared its files meanwhile."""
        attempt, manifest = self._get(backup)
        if wrong := list(self._missing(manifest, attempt)):
            self.blobs.remove([f"{backup}/{MANIFEST}"])
            raise Failed(
                f"two attempts at backup {backup} met in {self.where}: {wrong[0]}; it is not kept",
                hint="Take it again.",
            )
        return manifest

    def _rubbish(self, backup: str) -> Iterator[tuple[str, tuple[Blob, ...]]]:
        """Yield what no manifest names: all of a backup without one, or single attempts."""
        there = self.blobs.list(backup)
        # Looked for after the list: an attempt that ends in between is never taken for rubbish.
        try:
            found = self._find(backup)
        except (Damaged, Refused):
            return  # nobody knows which attempt it names: nothing of it is rubbish
        if found is None:
            if there:
                yield backup, there
            return
        attempts: dict[str, list[Blob]] = {}
        for blob in there:
            attempt, slash, _ = blob.name.partition("/")[2].partition("/")
            if slash and attempt != found[0]:
                attempts.setdefault(attempt, []).append(blob)
        for attempt, blobs in attempts.items():
            yield f"{backup}/{attempt}", tuple(blobs)

    def _folder(self, start: str) -> Path:
        folder = self.staging / f"{start}-{os.urandom(4).hex()}"
        try:
            folder.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise Failed(
                f"{self.staging} cannot be written: {error.strerror}",
                hint="Backups are made there before they are moved: give it room.",
            ) from error
        return folder
