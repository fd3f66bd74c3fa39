"""What every place for backups does: whole backups have a manifest, written last."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from drillbook.core.errors import Damaged, Refused
from drillbook.core.model import Frozen
from drillbook.ports.backups import CheckedBackup, Manifest, Proof, UnreadableBackup

OnBytes = Callable[[int, int], None]  # bytes moved so far, bytes in all; it may raise to stop

_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}")


class StoreState(Frozen):
    """A store as it was found."""

    where: str
    writable: bool
    free_bytes: int


def state_of(where: str, place: Path) -> StoreState:
    """Look at a folder of this machine, or at the one it would be made in."""
    while not place.exists():
        place = place.parent
    return StoreState(
        where=where,
        writable=os.access(place, os.W_OK | os.X_OK),
        free_bytes=shutil.disk_usage(place).free,
    )


class Rubbish(Frozen):
    """What an attempt left that did not end: files that belong to no backup."""

    name: str
    files: int
    size_bytes: int
    newest: datetime


class BackupStore(Protocol):
    """The backups of one environment."""

    @property
    def where(self) -> str:
        """Where they lie, for sentences."""
        ...

    def state(self) -> StoreState:
        """Look whether a backup could be written, and how much room its making has."""
        ...

    def id_of(self, effect_key: str) -> str:
        """Return the one name a backup of this effect can have."""
        ...

    def unfinished(self, effect_key: str) -> Path:
        """Make an empty folder on this machine for an attempt."""
        ...

    def clear(self, effect_key: str) -> None:
        """Remove what dead attempts of an effect left; a whole backup stays."""
        ...

    def finish(
        self, unfinished: Path, manifest: Manifest, *, on_bytes: OnBytes | None = None
    ) -> Manifest:
        """Keep the files and, last, the manifest; of two attempts one wins, and is returned."""
        ...

    def all(self) -> tuple[Manifest, ...]:
        """Return all whole backups that can be read, the newest first."""
        ...

    def unreadable(self) -> tuple[UnreadableBackup, ...]:
        """Return those whose manifest cannot be read, and why."""
        ...

    def find(self, backup: str) -> Manifest | None:
        """Return a backup's manifest, or None when there is no whole backup of that name."""
        ...

    def get(self, backup: str) -> Manifest:
        """Return a backup's manifest; NotFound names those there are."""
        ...

    def opened(
        self, backup: str, effect_key: str, *, on_bytes: OnBytes | None = None
    ) -> AbstractContextManager[Path]:
        """Give a folder on this machine that holds the backup's files as they were taken."""
        ...

    def verify_files(self, backup: str) -> CheckedBackup:
        """Compare every file with the manifest; Damaged names what differs."""
        ...

    def note_proof(self, backup: str, proof: Proof) -> None:
        """Keep a proof beside the backup; the manifest is never changed."""
        ...

    def proofs(self, backup: str) -> tuple[Proof, ...]:
        """Return what was proven of a backup, the oldest first."""
        ...

    def remove(self, backup: str) -> None:
        """Remove a backup, its manifest first; what is gone already is no error."""
        ...

    def rubbish(self) -> tuple[Rubbish, ...]:
        """Return what attempts left that did not end, and what is half removed."""
        ...

    def sweep(self, name: str) -> None:
        """Remove one piece of rubbish by its name."""
        ...

    def note(self, name: str, data: bytes) -> bytes:
        """Keep a note unless there is one of that name; return the one there is."""
        ...

    def noted(self, name: str) -> bytes | None:
        """Return a note."""
        ...


def read_each(
    names: Iterable[str], find: Callable[[str], Manifest | None]
) -> tuple[tuple[Manifest, ...], tuple[UnreadableBackup, ...]]:
    """Return the manifests, the newest first, and those that cannot be read: one stops no other."""
    found: list[Manifest] = []
    unreadable: list[UnreadableBackup] = []
    for name in sorted(names):
        try:
            manifest = find(name)
        except (Damaged, Refused) as error:
            unreadable.append(UnreadableBackup(id=name, says=f"{name} cannot be read: {error}"))
        else:
            found += [manifest] if manifest is not None else []
    return tuple(sorted(found, key=lambda one: one.at, reverse=True)), tuple(unreadable)


def id_of(effect_key: str) -> str:
    """Return the one name a backup of this effect can have, in every store."""
    digest = hashlib.sha256(effect_key.encode()).hexdigest()[:10]
    return f"{_UNSAFE.sub('-', effect_key).strip('-.')[:48] or 'backup'}-{digest}"


def is_id(text: str) -> bool:
    """Return whether a text can be a backup's name, and so no path out of the store."""
    return _ID.fullmatch(text) is not None
