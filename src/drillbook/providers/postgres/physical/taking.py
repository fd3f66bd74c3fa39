"""Take a physical backup: the server's files, the WAL to one exact moment, and what it held."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from psycopg.rows import class_row

from drillbook.analysis.fingerprint import differences, fingerprint
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, Refused
from drillbook.core.postgres_tools import PostgresTools, tools_with
from drillbook.core.quantities import show_size
from drillbook.ports.backups import BackupKind, Manifest, TableContents
from drillbook.ports.commands import Commands
from drillbook.providers.postgres.catalog import read_state
from drillbook.providers.postgres.leftovers import end_leftovers, session_name
from drillbook.providers.postgres.physical.basebackup import MANIFEST, BaseBackup, run_basebackup
from drillbook.providers.postgres.physical.checking import verify_copy
from drillbook.providers.postgres.physical.exactness import WAL, Exact, ExactSnapshots
from drillbook.providers.postgres.proof.checksums import Sums, reading
from drillbook.providers.postgres.proof.sequences import read_sequences
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server, Session
from drillbook.providers.postgres.storage.files import DATA, LEVEL_FILES, stored_files
from drillbook.providers.postgres.storage.store import BackupStore

INCREMENTAL_SINCE = 17


@dataclass(frozen=True, slots=True)
class Source:
    """A server whose files are to be copied."""

    server_version: str
    server_major: int
    database_bytes: int
    is_standby: bool
    has_checksums: bool
    has_wal: bool
    summarizes: bool
    superuser: str


@dataclass(frozen=True, slots=True)
class PhysicalTaking:
    """Copies a whole server with `pg_basebackup`, in full or what changed since a backup."""

    server: Server
    store: BackupStore
    commands: Commands
    replication: Server | None = None

    def take(self, kind: BackupKind, label: str, effect: Effect, unfinished: Path) -> Manifest:
        """Fill a folder with a backup and return its manifest; nothing of it counts until kept."""
        name = session_name(effect.key)
        began = time.monotonic()
        with self.server.session(application=name) as session:
            end_leftovers(session, effect.key, self.server.where)
            source = self._source(session)
            refuse_unfit(source, self.server, kind)
            # Read before the first file is copied: what they have given by now is in the copy.
            sequences = read_sequences(session)
        tools = tools_with("pg_waldump", source.server_major)
        parent = self._parent() if kind is BackupKind.INCREMENTAL else None
        base = self._copied(parent, effect, unfinished / DATA, source)
        exact, contents = self._proof_data(base, effect, tools)
        _sync(base.folder / WAL)
        effect.progress("checking what was copied", None)
        verify_copy(self.commands, base.folder, tools, effect)
        files, frame = stored_files(unfinished), exact.frame
        return Manifest(
            id=self.store.id_of(effect.key), kind=kind, parent=parent.id if parent else "",
            label=label, environment=self.server.name, effect_key=effect.key, run=effect.run,
            at=exact.at, seconds=round(time.monotonic() - began, 3),
            server_version=source.server_version, system_identifier=base.system_identifier,
            tool=str(tools.folder / "pg_basebackup"), lsn=str(exact.last or base.end),
            wal_start=str(base.start), timeline=base.timeline, snapshot=frame.snapshot,
            level=LEVEL_FILES, size_bytes=sum(file.size_bytes for file in files.values()),
            fingerprint=fingerprint(frame.objects), objects=frame.objects, contents=contents,
            sequences={key: value for key, value in sequences.items() if key in frame.sequences},
            unlogged=frame.unlogged, roles=frame.roles, extensions=frame.extensions,
            superuser=source.superuser, files=files, database=frame.database,
            database_bytes=source.database_bytes,
        )  # fmt: skip

    def _proof_data(
        self, base: BaseBackup, effect: Effect, tools: PostgresTools
    ) -> tuple[Exact, dict[str, TableContents]]:
        name = session_name(effect.key)
        exact = ExactSnapshots(self.server, self._login, self.commands, tools)
        with exact.after(base, effect, name) as found:
            contents = self._contents(found, effect, name)
            found.session.execute("COMMIT")
            said = differences(found.frame.objects, read_state(found.session).objects)
        if said:
            raise Failed(
                f"the schema of {self.server.where} changed while it was backed up: "
                f"{'; '.join(said)}",
                hint="Take the backup again when no migration runs.",
            )
        return found, contents

    @property
    def _login(self) -> Server:
        return self.replication or self.server

    def _source(self, session: Session) -> Source:
        with session.cursor(row_factory=class_row(Source)) as cursor:
            source = cursor.execute(query("physical", "source")).fetchone()
        if source is None:
            raise AssertionError("a SELECT without FROM always returns one row")
        return source

    def _copied(
        self, parent: Manifest | None, effect: Effect, data: Path, source: Source
    ) -> BaseBackup:
        if parent is None:
            return run_basebackup(
                self.commands, self.server, effect, data,
                server_major=source.server_major, replication=self._login,
            )  # fmt: skip
        with self.store.opened(parent.id, effect.key) as folder:
            base = run_basebackup(
                self.commands, self.server, effect, data, server_major=source.server_major,
                replication=self._login, incremental_on=folder / DATA / MANIFEST,
            )  # fmt: skip
        if base.system_identifier != parent.system_identifier or base.timeline != parent.timeline:
            raise Refused(
                f"{parent.id} is a backup of another cluster or timeline than {self.server.name}",
                hint="Take a full backup: kind=physical.",
            )
        return base

    def _parent(self) -> Manifest:
        for manifest in self.store.all():
            if manifest.kind is not BackupKind.LOGICAL:
                return manifest
        raise Refused(
            f"there is no physical backup in {self.store.where} for an incremental one to build on",
            hint="Take a full one first: kind=physical.",
        )

    def _contents(self, exact: Exact, effect: Effect, name: str) -> dict[str, TableContents]:
        def tell(done: int, of: int) -> None:
            share = min(1.0, done / of)
            effect.progress(f"read {show_size(done)} of {show_size(of)} for checksums", share)

        frame = exact.frame
        # A physical copy brings unlogged tables back empty.
        with reading(
            self.server, frame.snapshot, frame.tables, application=name, on_read=tell
        ) as begun:
            found = begun.contents()
        empty = {"rows": 0, "checksum": Sums(0, 0, 0).checksum}
        return found | {name: found[name].model_copy(update=empty) for name in frame.unlogged}


def refuse_unfit(source: Source, server: Server, kind: BackupKind) -> None:
    """Refuse a server whose files cannot be copied so that the copy can be proven."""
    if source.is_standby:
        raise Refused(
            f"{server.name} is a standby: the exact place of a snapshot cannot be told there",
            hint="Name the primary.",
        )
    if not source.has_checksums:
        raise Refused(
            f"data checksums are off on {server.name}: a page that rots would be copied unseen",
            hint="Stop it and run pg_checksums --enable, or take a logical backup: kind=logical.",
        )
    if not source.has_wal:
        raise Refused(
            f"wal_level is minimal on {server.name}: its files cannot be copied while it runs",
            hint="Set wal_level = replica and restart it, or take kind=logical.",
        )
    if kind is not BackupKind.INCREMENTAL:
        return
    if source.server_major < INCREMENTAL_SINCE:
        raise Refused(
            f"{server.name} is Postgres {source.server_major}; incremental backups are there "
            f"since {INCREMENTAL_SINCE}",
            hint="Take a full backup: kind=physical.",
        )
    if not source.summarizes:
        raise Refused(
            f"summarize_wal is off on {server.name}: it cannot tell what changed",
            hint="ALTER SYSTEM SET summarize_wal = on, reload, and take a full backup first.",
        )


def _sync(folder: Path) -> None:
    for path in (*folder.glob("*"), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
