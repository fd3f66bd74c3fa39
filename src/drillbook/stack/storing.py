"""From the backups section to the store it names."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from drillbook.core.errors import Damaged, SettingsInvalid
from drillbook.providers.postgres.storage.blobs import Blobs, FolderBlobs
from drillbook.providers.postgres.storage.folder import FolderStore
from drillbook.providers.postgres.storage.keys import Keyring
from drillbook.providers.postgres.storage.objects import ObjectStore
from drillbook.providers.postgres.storage.store import BackupStore
from drillbook.stack.address import reference
from drillbook.stack.sections import BackupsSection

if TYPE_CHECKING:
    from drillbook.providers.postgres.storage.s3 import S3Blobs


def backup_store(section: BackupsSection, *, folder: Path, staging: Path) -> BackupStore:
    """
    Return the store; relative paths start from the stack's folder.

    Backups in a bucket, and encrypted ones, are made in `staging` and moved from there.
    """
    if section.folder is not None and not section.all_keys:
        return FolderStore(folder / Path(section.folder).expanduser())
    return ObjectStore(_blobs(section, folder), staging, keyring(section, folder))


def keyring(section: BackupsSection, folder: Path) -> Keyring | None:
    """Return the keys that are set, or None when backups are not encrypted."""
    references = [reference(key.ref, folder) for key in section.all_keys]
    return Keyring(references) if references else None


def _blobs(section: BackupsSection, folder: Path) -> Blobs:
    if section.folder is not None:
        return FolderBlobs(folder / Path(section.folder).expanduser())
    return _bucket(section, folder)


def _bucket(section: BackupsSection, folder: Path) -> "S3Blobs":
    # Imported here: the library of buckets is large, and most stacks have a folder.
    from drillbook.providers.postgres.storage.s3 import Bucket, S3Blobs  # noqa: PLC0415

    if section.bucket is None or section.access_key is None or section.secret_key is None:
        raise SettingsInvalid("a bucket needs access_key and secret_key", hint="Name them.")
    name, _, prefix = section.bucket.removeprefix("s3://").partition("/")
    return S3Blobs(
        Bucket(
            name=name,
            prefix=prefix.strip("/"),
            region=section.region,
            access_key=reference(section.access_key.ref, folder),
            secret_key=reference(section.secret_key.ref, folder),
            endpoint=(section.endpoint or "").rstrip("/"),
        )
    )


def prove_bucket(section: BackupsSection, folder: Path) -> str:
    """Write, read and remove a piece; say whether two writers at once are told apart."""
    blobs = _bucket(section, folder)
    if blobs.honours_conditions(f".doctor/{os.urandom(6).hex()}"):
        return f"{blobs.where} can be written"
    return (
        f"{blobs.where} can be written, and does not hold conditional writes: "
        "two workers at one backup at once are told apart only by looking"
    )


def prove_reading(section: BackupsSection, *, folder: Path, staging: Path) -> str:
    """List the backups and open their manifests, so that a wrong key shows now."""
    keys = keyring(section, folder)
    named = "" if keys is None else f", new ones encrypted with key {keys.newest().id}"
    store = backup_store(section, folder=folder, staging=staging)
    found, unreadable = store.all(), store.unreadable()
    if unreadable:
        said = "; ".join(one.says for one in unreadable)
        raise Damaged(
            f"{len(unreadable)} of {len(found) + len(unreadable)} backups cannot be read: {said}",
            hint="Set the key they were made with, or look at the disk.",
        )
    return f"{len(found)} backups{named}"
