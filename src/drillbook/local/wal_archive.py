"""How a server hands its WAL to a folder: each segment whole, durable, and never overwritten."""

from pathlib import Path

ARCHIVE_TIMEOUT_SECONDS = 60


def archive_settings(folder: Path) -> dict[str, str]:
    """
    Return the settings with which a server archives its WAL to this folder, and make the folder.

    basic_archive (shipped with Postgres since 15) copies to a temporary name, syncs, renames, and
    refuses to overwrite a file of other contents; a shell command gets one of these wrong.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return {
        "wal_level": "replica",
        "archive_mode": "on",
        "archive_library": "basic_archive",
        "basic_archive.archive_directory": str(folder.resolve()),
        "archive_timeout": f"{ARCHIVE_TIMEOUT_SECONDS}s",
    }
