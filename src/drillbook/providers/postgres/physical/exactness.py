"""Find the one place in the WAL that holds what a snapshot sees, and fetch the WAL to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, Unavailable
from drillbook.core.postgres_tools import PostgresTools
from drillbook.ports.commands import Commands
from drillbook.providers.postgres.physical.basebackup import BaseBackup
from drillbook.providers.postgres.physical.lsn import Lsn, Segment
from drillbook.providers.postgres.physical.visibility import Prefix, Snapshot, visible_prefix
from drillbook.providers.postgres.physical.wal import Commit, WalRange, events
from drillbook.providers.postgres.programs import run_program
from drillbook.providers.postgres.proof.data import Frame, read_frame
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server, Session

TRIES = 20
PARTIAL = ".partial"
WAL = "pg_wal"
LONGEST_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Exact:
    """An open snapshot, and the commit after which a recovered server equals it (None: `end`)."""

    session: Session
    frame: Frame
    last: Lsn | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ExactSnapshots:
    """Opens snapshots of a server that a base backup can be recovered to."""

    server: Server
    replication: Server
    commands: Commands
    tools: PostgresTools

    @contextmanager
    def after(self, base: BaseBackup, effect: Effect, application: str) -> Iterator[Exact]:
        """
        Open a snapshot taken after a base backup; the WAL to it is added to the backup.

        Decision 0016: commits become visible in another order than they are written, so a
        snapshot may show what no place in the WAL holds; then another one is taken.
        """
        _drop_begun(base)
        for attempt in range(1, TRIES + 1):
            with self.server.session(application=application, at_most=LONGEST_SECONDS) as session:
                session.execute("SET idle_in_transaction_session_timeout = 0")
                session.execute(query("backup", "begin"))
                found = self._compared(session, base, effect, application)
                if found is not None:
                    yield found
                    return
            effect.progress(f"snapshot {attempt} of {TRIES} held commits out of order", None)
        raise Unavailable(
            f"in {TRIES} tries no snapshot of {self.server.where} held its commits in their order",
            hint="Take the backup when less is written, or a logical one.",
        )

    def _compared(
        self, session: Session, base: BaseBackup, effect: Effect, application: str
    ) -> Exact | None:
        row = session.execute(query("physical", "snapshot")).fetchone()
        frame = read_frame(session, self.server.where)
        if row is None:
            raise AssertionError("a SELECT without FROM always returns one row")
        snapshot = Snapshot.parse(str(row[0]))
        end = self._flushed(application)
        prefix = self._prefix(base, end, snapshot, effect)
        return Exact(session, frame, prefix.last, row[1]) if prefix.whole else None

    def _flushed(self, application: str) -> Lsn:
        """Return a place after all that any snapshot sees by now, on the server's disk."""
        with self.server.session(application=application) as session:
            # A commit of our own that is waited for brings those to disk that nobody waited for.
            session.execute("SET synchronous_commit = local")
            session.execute(query("physical", "flush"))
            row = session.execute(query("physical", "flushed")).fetchone()
        if row is None:
            raise AssertionError("a SELECT without FROM always returns one row")
        return Lsn.parse(str(row[0]))

    def _prefix(self, base: BaseBackup, end: Lsn, snapshot: Snapshot, effect: Effect) -> Prefix:
        last_copied = _last_copied(base)
        if end > last_copied.end:
            self._receive(base.folder / WAL, end, effect)
        named = _name_whole(base.folder / WAL)
        start = max(base.start, last_copied.start)
        wal = WalRange(base.folder / WAL, base.timeline, start, end)
        commits = (event for event in events(wal, self.tools) if isinstance(event, Commit))
        prefix = visible_prefix(commits, snapshot)
        if not prefix.whole:
            for path in named:  # pg_receivewal goes on with a segment only under this name
                path.rename(path.with_name(path.name + PARTIAL))
        return prefix

    def _receive(self, folder: Path, end: Lsn, effect: Effect) -> None:
        arguments = (
            f"--directory={folder}", f"--endpos={Lsn(end.at - 1)}", "--no-loop", "--no-password",
        )  # fmt: skip
        try:
            run_program(
                self.commands, self.replication, "pg_receivewal", arguments,
                effect_key=effect.key, server_major=self.tools.major,
            )  # fmt: skip
        except Failed as error:
            if "has already been removed" not in str(error):
                raise
            raise Unavailable(
                f"{self.server.name} removed the WAL after the base backup before it was copied",
                hint="Set wal_keep_size there to some GB, then take the backup again.",
            ) from error


def _last_copied(base: BaseBackup) -> Segment:
    return Segment.holding(Lsn(base.end.at - 1), base.timeline, base.segment_bytes)


def _drop_begun(base: BaseBackup) -> None:
    """Remove segments that pg_basebackup only began: under their names they look whole."""
    last = _last_copied(base)
    for path in (base.folder / WAL).iterdir():
        segment = Segment.parse(path.name, base.segment_bytes)
        if segment is not None and segment.number > last.number:
            path.unlink()


def _name_whole(folder: Path) -> tuple[Path, ...]:
    """Give segments under way the names they are read by; what is not written yet is zeros."""
    named = tuple(path.with_name(path.name.removesuffix(PARTIAL)) for path in _partial(folder))
    for path in named:
        path.with_name(path.name + PARTIAL).rename(path)
    return named


def _partial(folder: Path) -> tuple[Path, ...]:
    return tuple(folder.glob(f"*{PARTIAL}"))
