"""From the backups section to the store it names."""

from pathlib import Path

from drillbook.core.errors import SettingsInvalid
from drillbook.providers.postgres.storage.blobs import Blobs, FolderBlobs
from drillbook.providers.postgres.storage.folder import FolderStore
from drillbook.providers.postgres.storage.keys import Keyring
from drillbook.providers.postgres.storage.objects import ObjectStore
from drillbook.providers.postgres.storage.store import BackupStore
from drillbook.stack.address import reference
from drillbook.stack.sections import BackupsSection


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
