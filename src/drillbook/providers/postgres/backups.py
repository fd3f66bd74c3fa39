"""The `Backups` port: `pg_dump` in a snapshot in which rows and schema are taken as well."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from psycopg.rows import class_row

from drillbook.analysis.fingerprint import differences, fingerprint
from drillbook.core.effect import Effect
from drillbook.core.errors import DrillbookError, Failed
from drillbook.core.quantities import show_size
from drillbook.ports.backups import (
    BackupKind,
    CheckedBackup,
    Manifest,
    Readiness,
    UnreadableBackup,
)
from drillbook.ports.commands import Commands, Stream
from drillbook.providers.postgres.catalog import read_state
from drillbook.providers.postgres.leftovers import end_leftovers, session_name
from drillbook.providers.postgres.physical.taking import PhysicalTaking
from drillbook.providers.postgres.programs import LONGEST_SECONDS, run_program, tool_path
from drillbook.providers.postgres.proof.checksums import reading
from drillbook.providers.postgres.proof.data import Frame, read_frame
from drillbook.providers.postgres.proven import noting_damage
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server, Session
from drillbook.providers.postgres.storage.files import DATA, LEVEL_FILES, remove, stored_files
from drillbook.providers.postgres.storage.store import BackupStore, OnBytes
from drillbook.providers.postgres.telling import Told

LOCK_MILLISECONDS = 10_000
JOBS = 2
BESIDE_DUMP = 1  # sessions that take checksums: more would only slow the dump down


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The server and the moment a backup is taken."""

    server_version: str
    server_major: int
    at: datetime
    lsn: str
    size_bytes: int
    sees_control: bool


@dataclass(frozen=True, slots=True)
class PostgresBackups:
    """Backs one database up, alone or with its whole server, and reads what lies there."""

    server: Server
    store: BackupStore
    commands: Commands
    replication: Server | None = None  # a login for physical backups; default: the server's own

    def settle(self, effect: Effect) -> Manifest | None:
        """Clear away what a dead attempt of this effect left; return its whole backup."""
        # Of a whole one as well: a dead attempt may have left its files on this machine.
        self.store.clear(effect.key)
        found = self.store.find(self.store.id_of(effect.key))
        if found is None or not self._lost_parent(found):
            return found
        self.store.remove(found.id)  # an attempt that died before it saw this
        return None

    def create(self, label: str, effect: Effect, kind: BackupKind = BackupKind.LOGICAL) -> Manifest:
        """Take a backup, or return the one this effect took already."""
        effect.still_mine()
        found = self.settle(effect)
        if found is not None:
            return found
        unfinished = self._make_room(effect)
        try:
            if kind is BackupKind.LOGICAL:
                manifest = self._dump(label, effect, unfinished)
            else:
                taking = PhysicalTaking(self.server, self.store, self.commands, self.replication)
                manifest = taking.take(kind, label, effect, unfinished)
            effect.still_mine()
            made = self.store.finish(unfinished, manifest, on_bytes=_telling(effect))
        except OSError as error:
            raise Failed(
                f"the backup cannot be written to {self.store.where}: {error.strerror}",
                hint="Free space there, or name another folder for backups.",
            ) from error
        finally:
            remove(unfinished)
        # Only now: from here on no prune lets go what this one builds on.
        if lost := self._lost_parent(made):
            self.store.remove(made.id)
            raise Failed(
                f"{lost}, which the incremental backup was to build on, was removed while it was "
                "taken; it is not kept",
                hint="Take it again: it builds on the newest physical backup there is.",
            )
        return made

    def all(self) -> tuple[Manifest, ...]:
        """Return all whole backups that can be read, the newest first."""
        return self.store.all()

    def unreadable(self) -> tuple[UnreadableBackup, ...]:
        """Return those whose manifest cannot be read, and why."""
        return self.store.unreadable()

    def get(self, backup: str) -> Manifest:
        """Return one backup's manifest; NotFound names those there are."""
        return self.store.get(backup)

    def verify(self, backup: str, effect: Effect) -> CheckedBackup:
        """Compare every file with the manifest; Damaged names what differs, and is noted."""
        with noting_damage(self.store, backup, effect):
            return self.store.verify_files(backup)

    def _lost_parent(self, manifest: Manifest) -> str:
        """Return the first backup this one builds on that is gone, or nothing."""
        while manifest.parent:
            parent = self.store.find(manifest.parent)
            if parent is None:
                return manifest.parent
            manifest = parent
        return ""

    def _make_room(self, effect: Effect) -> Path:
        try:
            return self.store.unfinished(effect.key)
        except OSError as error:
            raise Failed(
                f"{self.store.where} cannot be written to: {error.strerror}",
                hint="Give the worker the right to write there, or name another folder.",
            ) from error

    def _dump(self, label: str, effect: Effect, unfinished: Path) -> Manifest:
        name = session_name(effect.key)
        with self.server.session(application=name, at_most=LONGEST_SECONDS) as session:
            end_leftovers(session, effect.key, self.server.where)
            session.execute("SET idle_in_transaction_session_timeout = 0")
            session.execute(query("backup", "begin"))
            facts = _facts(session)
            frame = read_frame(session, self.server.where)
            with reading(
                self.server, frame.snapshot, frame.tables, application=name, workers=BESIDE_DUMP
            ) as begun:
                tool = self._run_dump(effect, unfinished / DATA, frame, facts.server_major)
                contents = begun.contents()
            identifier = str(_one(session, "system_identifier")) if facts.sees_control else ""
            seconds = session.execute(
                "SELECT extract(epoch FROM clock_timestamp() - %s)::float", [facts.at]
            ).fetchone()
            session.execute("COMMIT")
            self._same_schema(session, frame.objects)
        files = stored_files(unfinished)
        return Manifest(
            id=self.store.id_of(effect.key), label=label, environment=self.server.name,
            effect_key=effect.key, run=effect.run, at=facts.at,
            seconds=round(float(seconds[0]) if seconds else 0.0, 3),
            server_version=facts.server_version, system_identifier=identifier, tool=tool,
            lsn=facts.lsn, snapshot=frame.snapshot, level=LEVEL_FILES,
            size_bytes=sum(file.size_bytes for file in files.values()),
            database_bytes=facts.size_bytes,
            fingerprint=fingerprint(frame.objects), objects=frame.objects, contents=contents,
            sequences=frame.sequences, unlogged=frame.unlogged, roles=frame.roles,
            extensions=frame.extensions, files=files, database=frame.database,
        )  # fmt: skip

    def _run_dump(self, effect: Effect, data: Path, frame: Frame, server_major: int) -> str:
        told = Told(effect, "dumping", frame.tables)

        def tell(stream: Stream, line: str) -> None:
            if stream is Stream.ERRORS and "dumping contents of table" in line:
                told.begun(line.partition("table ")[2])

        arguments = (
            "--format=directory", f"--jobs={JOBS}", f"--snapshot={frame.snapshot}",
            f"--file={data}",
            f"--lock-wait-timeout={LOCK_MILLISECONDS}", "--no-password", "--verbose",
        )  # fmt: skip
        run_program(
            self.commands, self.server, "pg_dump", arguments,
            effect_key=effect.key, server_major=server_major, on_output=tell,
        )  # fmt: skip
        run_program(
            self.commands, self.server, "pg_restore", ("--list", f"--file={os.devnull}", str(data)),
            effect_key=effect.key, server_major=server_major,
        )  # fmt: skip
        return str(tool_path("pg_dump", server_major))

    def _same_schema(self, session: Session, objects: dict[str, str]) -> None:
        said = differences(objects, read_state(session).objects)
        if said:
            raise Failed(
                f"the schema of {self.server.where} changed while it was backed up: "
                f"{'; '.join(said)}",
                hint="Take the backup again when no migration runs.",
            )


@dataclass(frozen=True, slots=True)
class PostgresBackupRoom:
    """The `BackupRoom` port: the tool for this server, and the folder."""

    server: Server
    store: BackupStore

    def ready(self) -> Readiness:
        """Look at the tool, the folder and the space."""
        with self.server.session() as session:
            facts = _facts(session)
        try:
            tool, fits = str(tool_path("pg_dump", facts.server_major)), True
        except DrillbookError as error:
            tool, fits = str(error), False
        state = self.store.state()
        return Readiness(
            tool=tool, server_version=facts.server_version, tool_fits=fits,
            folder=state.where, writable=state.writable,
            free_bytes=state.free_bytes, needed_bytes=facts.size_bytes,
            enough=state.free_bytes > facts.size_bytes,
        )  # fmt: skip


def _telling(effect: Effect) -> OnBytes:
    def tell(done: int, of: int) -> None:
        says = f"moved {show_size(done)} of {show_size(of)}"
        effect.progress(says, min(1.0, done / of) if of else None)

    return tell


def _one(session: Session, name: str) -> object:
    row = session.execute(query("backup", name)).fetchone()
    return row[0] if row else None


def _facts(session: Session) -> ServerFacts:
    with session.cursor(row_factory=class_row(ServerFacts)) as cursor:
        found = cursor.execute(query("backup", "facts")).fetchone()
    if found is None:
        raise AssertionError("a SELECT without FROM always returns one row")
    return found
