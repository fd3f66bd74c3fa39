"""From the backups section to the store it names."""

from pathlib import Path

from drillbook.core.errors import SettingsInvalid
from drillbook.providers.postgres.storage.folder import FolderStore
from drillbook.providers.postgres.storage.store import BackupStore
from drillbook.stack.sections import BackupsSection


def backup_store(section: BackupsSection, *, folder: Path, staging: Path) -> BackupStore:
    """Return the store; relative paths start from the stack's folder."""
    if section.folder is None or section.all_keys:
        raise SettingsInvalid(
            f"backups in a bucket or with a key need {staging}, which is not used yet",
            hint="Write folder = … without a key.",
        )
    return FolderStore(folder / Path(section.folder).expanduser())
