"""Backups of a database, what is in one, and the way from a backup back to a database."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pydantic import model_validator

from drillbook.core.effect import Effect
from drillbook.core.model import Frozen

MANIFEST_FORMAT = 2
ONLY_COUNTED = "count"  # the method of a table whose rows were counted and not read


class BackupKind(StrEnum):
    """What a backup is made of: statements and rows, the server's files, or changed pages."""

    LOGICAL = "logical"
    PHYSICAL = "physical"
    INCREMENTAL = "incremental"


class TableContents(Frozen):
    """The rows of one table in one snapshot: how many, their checksum, and how it was taken."""

    rows: int
    checksum: str
    method: str


class Proof(Frozen):
    """
    What a restore of a backup has shown; it lies beside the backup, which stays as it is.

    Levels: 0 it is damaged, 1 its files are the manifest's, 2 it restores or recovers, 3 every
    index has every row (amcheck), 4 catalog and contents are equal to the source.
    """

    level: int
    at: datetime
    by_run: str
    seconds_to_restore: float
    seconds_to_prove: float
    how: str
    differences: tuple[str, ...] = ()


class StoredFile(Frozen):
    """One file of a backup."""

    size_bytes: int
    sha256: str


class Grant(Frozen):
    """One right on a database; the grantee is empty for everybody."""

    grantee: str
    privilege: str
    grantable: bool


class DatabaseSetting(Frozen):
    """One `ALTER DATABASE … SET`; the role is empty when it holds for all."""

    role: str
    name: str
    value: str


class DatabaseFacts(Frozen):
    """What a database is besides its contents."""

    name: str
    owner: str
    encoding: str
    collate: str
    ctype: str
    provider: str
    locale: str
    tablespace: str
    connection_limit: int
    comment: str | None
    grants: tuple[Grant, ...] | None
    settings: tuple[DatabaseSetting, ...]


class Manifest(Frozen):
    """Everything a backup says about itself; written last, so that half a backup has none."""

    format: int = MANIFEST_FORMAT
    kind: BackupKind = BackupKind.LOGICAL
    parent: str = ""  # of an incremental backup: the backup it builds on
    id: str
    label: str
    environment: str
    effect_key: str
    run: str
    at: datetime
    seconds: float
    server_version: str
    system_identifier: str
    tool: str
    lsn: str
    snapshot: str
    level: int
    size_bytes: int
    database_bytes: int = 0
    fingerprint: str
    objects: dict[str, str]
    contents: dict[str, TableContents]
    sequences: dict[str, int] = {}
    unlogged: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()  # that owners, grants and policies name
    extensions: dict[str, str] = {}
    wal_start: str = ""
    timeline: int = 0
    superuser: str = ""  # of a physical backup: who can enter a copy of the server
    encrypted_with: str = ""  # the key's id; empty: not encrypted
    files: dict[str, StoredFile]
    database: DatabaseFacts

    @model_validator(mode="before")
    @classmethod
    def _first_format(cls, told: object) -> object:
        """Read format 1, which knew row counts and no checksums."""
        if not isinstance(told, dict) or told.get("format") != 1 or "rows" not in told:
            return told
        counted = told["rows"].items()
        contents = {
            table: {"rows": rows, "checksum": "", "method": ONLY_COUNTED} for table, rows in counted
        }
        left = {key: value for key, value in told.items() if key != "rows"}
        return left | {"format": MANIFEST_FORMAT, "contents": contents}

    @property
    def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        return {table: found.rows for table, found in self.contents.items()}


class Readiness(Frozen):
    """Whether a backup could be taken now."""

    tool: str
    server_version: str
    tool_fits: bool
    folder: str
    writable: bool
    free_bytes: int
    needed_bytes: int
    enough: bool


class UnreadableBackup(Frozen):
    """A backup whose manifest cannot be read now: nobody knows what it is or builds on."""

    id: str
    says: str


class CheckedBackup(Frozen):
    """A backup whose files are what its manifest says."""

    id: str
    files: int
    size_bytes: int
    level: int


class Wanted(Frozen):
    """What to go back to, and where: a backup or a point; in place, or into a new database."""

    backup: str = ""
    point: str = ""
    into: str = ""
    of_another_system: bool = False

    @property
    def source(self) -> str:
        """What it comes from, in a word."""
        return self.backup or self.point


class Verified(Frozen):
    """
    What a backup was proven to be; the same stands beside the backup from now on.

    Levels: 1 its files are the manifest's, 2 it restores, 3 every index has every row, 4 catalog
    and contents are equal to the source.
    """

    id: str
    level: int
    files: int
    size_bytes: int
    tables: int
    rows: int
    seconds_to_restore: float
    seconds_to_prove: float
    how: str
    warnings: tuple[str, ...] = ()


class LostRows(Frozen):
    """Rows of one table that were written after the point a restore goes back to."""

    table: str
    rows: int
    changed: int = 0  # written before the point and changed after it, where a column tells
    by: str = ""  # the column that tells; empty: the counts of rows do


class Restored(Frozen):
    """
    A database that came from a backup; the one before it is kept under another name.

    `rpo_seconds` is how long before the end of the old database the point lies, `rto_seconds`
    how long it took from the beginning until the restored one served.
    """

    backup: str
    database: str
    kept_as: str
    at: datetime
    point: datetime
    tables: int
    rows: int
    written_since: dict[str, int]
    lost_rows: int
    lost: tuple[LostRows, ...] = ()
    says: str = ""
    rpo_seconds: float = 0.0
    rto_seconds: float = 0.0
    level: int = 0
    warnings: tuple[str, ...] = ()


class KeptDatabase(Frozen):
    """A database that a restore left: the one before it, or one that was taken out again."""

    database: str
    stage: str
    backup: str
    size_bytes: int


class Forgotten(Frozen):
    """The database kept from before a restore, dropped; only a backup leads back to it now."""

    database: str
    size_bytes: int


class SwappedBack(Frozen):
    """A restore that was taken back; the restored database is kept under another name."""

    database: str
    was_restored: bool
    kept_as: str = ""


class BackupRoom(Protocol):
    """The place for backups."""

    def ready(self) -> Readiness:
        """Look at the tool, the folder and the space."""
        ...


class Backups(Protocol):
    """Take backups and read what was taken."""

    def settle(self, effect: Effect) -> Manifest | None:
        """Clear away what a dead attempt of this effect left; return its whole backup."""
        ...

    def create(self, label: str, effect: Effect, kind: BackupKind = BackupKind.LOGICAL) -> Manifest:
        """Take a backup, or return the one this effect took already."""
        ...

    def all(self) -> tuple[Manifest, ...]:
        """Return all whole backups that can be read, the newest first."""
        ...

    def unreadable(self) -> tuple[UnreadableBackup, ...]:
        """Return those whose manifest cannot be read, and why."""
        ...

    def get(self, backup: str) -> Manifest:
        """Return one backup's manifest; NotFound names those there are."""
        ...

    def verify(self, backup: str, effect: Effect) -> CheckedBackup:
        """Compare every file with the manifest; Damaged names what differs, and is noted."""
        ...


class Proven(Frozen):
    """A backup and what was proven of it, the oldest proof first."""

    manifest: Manifest
    proofs: tuple[Proof, ...]

    @property
    def level(self) -> int:
        """What the newest proof reached; without one, what its taking did."""
        return self.proofs[-1].level if self.proofs else self.manifest.level


class ProvenBackups(Protocol):
    """What is known of all backups together."""

    def all(self) -> tuple[Proven, ...]:
        """Return every whole backup that can be read, with its proofs, the newest first."""
        ...

    def unreadable(self) -> tuple[UnreadableBackup, ...]:
        """Return those whose manifest cannot be read, and why."""
        ...


class Contents(Protocol):
    """What is in a database."""

    def read(self) -> dict[str, TableContents]:
        """Return rows and checksum of every table, all of one moment."""
        ...


class Verifier(Protocol):
    """Restore a backup where nothing can happen, and prove what it is."""

    def verify(self, backup: str, effect: Effect) -> Verified:
        """Prove a backup as far as can be; Damaged, Refused and Failed name what differs."""
        ...


class KeptDatabases(Protocol):
    """The databases that restores have left beside the one that serves."""

    def all(self) -> tuple[KeptDatabase, ...]:
        """Return them, the largest first."""
        ...

    def gone(self, kept: str) -> Forgotten | None:
        """Return that a database is gone, when the server has none of that name."""
        ...

    def forget(self, kept: str, effect: Effect) -> Forgotten:
        """Drop one; Refused when it is none that a restore left."""
        ...


class Restores(Protocol):
    """Replace a database by a backup, beside and swapped, and swap back."""

    def serving(self) -> str:
        """Return which database serves now; another one under the same name answers otherwise."""
        ...

    def settle(self, wanted: Wanted, effect: Effect) -> Restored | None:
        """End what a dead attempt left running; return the result when it is there."""
        ...

    def restore(self, wanted: Wanted, effect: Effect) -> Restored:
        """Build the backup beside the database, prove it equal, and swap the two names."""
        ...

    def take_back(self, wanted: Wanted, was_serving: str, effect: Effect) -> SwappedBack:
        """Give the database before the restore its name again; drop what was not swapped yet."""
        ...
