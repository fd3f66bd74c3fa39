"""The contents of a database: rows and checksum of every table, read by a few sessions."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, Lock

import psycopg
from psycopg.sql import SQL, Literal

from drillbook.core.errors import Unavailable
from drillbook.ports.backups import TableContents
from drillbook.providers.postgres.proof.tables import (
    LOCKED_AT_ONCE,
    METHOD,
    Chunk,
    Table,
    chunks_of,
    hold,
    read_tables,
    refuse_rewritten,
)
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server, Session

LONGEST_SECONDS = 24 * 3600.0
LOCK_MILLISECONDS = 10_000
WORKERS = 2
CANCEL_SECONDS = 5.0
BLOCK_BYTES = 8192
LARGE_OBJECTS = "large objects"
LARGE_OBJECTS_METHOD = f"{METHOD} of oid and bytes"

OnRead = Callable[[int, int], None]  # bytes read so far, bytes in all


@dataclass(frozen=True, slots=True)
class Sums:
    """Rows and the two sums of their hashes; sums, so that order plays no part."""

    rows: int
    total: int
    mixed: int

    @property
    def checksum(self) -> str:
        """Both sums as they are written."""
        return f"{self.total}:{self.mixed}"

    def plus(self, other: "Sums") -> "Sums":
        """Return the sums of both."""
        return Sums(self.rows + other.rows, self.total + other.total, self.mixed + other.mixed)


@dataclass(slots=True)
class Reading:
    """Checksums on their way; `contents` waits for them."""

    server: Server
    snapshot: str
    tables: tuple[Table, ...]
    application: str
    on_read: OnRead | None = None
    _left: SimpleQueue[Chunk] = field(default_factory=SimpleQueue)
    _sums: dict[str, Sums] = field(default_factory=dict[str, Sums])
    _read_blocks: int = 0
    _all_blocks: int = 1
    _lock: Lock = field(default_factory=Lock)
    _stopped: Event = field(default_factory=Event)
    _open: set[Session] = field(default_factory=set[Session])
    _futures: tuple[Future[None], ...] = ()

    def start(self, pool: ThreadPoolExecutor, workers: int) -> None:
        """Begin to read in this many sessions."""
        chunks = chunks_of(self.tables)
        self._all_blocks = max(1, sum(chunk.blocks for chunk in chunks))
        for chunk in chunks:
            self._left.put(chunk)
        count = max(1, min(workers, len(chunks)))
        self._futures = tuple(
            pool.submit(copy_context().run, self._work, index == 0) for index in range(count)
        )

    def contents(self) -> dict[str, TableContents]:
        """Wait for the end; return rows and checksum by table."""
        for future in self._futures:
            future.result()
        methods = {table.name: table.method for table in self.tables}
        return {
            name: TableContents(
                rows=found.rows,
                checksum=found.checksum,
                method=methods.get(name, LARGE_OBJECTS_METHOD),
            )
            for name, found in sorted(self._sums.items())
        }

    def stop(self) -> None:
        """End what is still read."""
        self._stopped.set()
        with self._lock:
            sessions = tuple(self._open)
        for session in sessions:
            with suppress(psycopg.Error):
                session.cancel_safe(timeout=CANCEL_SECONDS)

    def _work(self, first: bool) -> None:
        with self._session() as session:
            if len(self.tables) <= LOCKED_AT_ONCE:
                # Now, while nobody can wait for us yet; later we could wait behind one who does.
                hold(session, self.tables, LOCK_MILLISECONDS)
            if first:
                self._read_large_objects(session)
            while not self._stopped.is_set():
                try:
                    chunk = self._left.get_nowait()
                except Empty:
                    return
                found = sums_of(session.execute(chunk.statement).fetchone())
                self._add(chunk.table.name, found, chunk.blocks)

    def _read_large_objects(self, session: Session) -> None:
        found = sums_of(session.execute(query("proof", "large_objects")).fetchone())
        if found.rows:
            self._add(LARGE_OBJECTS, found, 0)

    def _add(self, name: str, found: Sums, blocks: int) -> None:
        with self._lock:
            before = self._sums.get(name, Sums(0, 0, 0))
            self._sums[name] = before.plus(found)
            self._read_blocks += blocks
            if self.on_read is not None:
                self.on_read(self._read_blocks * BLOCK_BYTES, self._all_blocks * BLOCK_BYTES)

    @contextmanager
    def _session(self) -> Iterator[Session]:
        with self.server.session(application=self.application, at_most=LONGEST_SECONDS) as session:
            session.execute(query("backup", "begin"))
            session.execute(SQL("SET TRANSACTION SNAPSHOT {}").format(Literal(self.snapshot)))
            session.execute(query("proof", "settle"))
            session.execute(SQL("SET LOCAL lock_timeout = {}").format(Literal(LOCK_MILLISECONDS)))
            with self._lock:
                self._open.add(session)
            try:
                yield session
            finally:
                with self._lock:
                    self._open.discard(session)


@contextmanager
def reading(
    server: Server,
    snapshot: str,
    tables: tuple[Table, ...],
    *,
    application: str,
    workers: int = WORKERS,
    on_read: OnRead | None = None,
) -> Iterator[Reading]:
    """Read all tables in an exported snapshot while the block does something else."""
    begun = Reading(server, snapshot, tables, application, on_read)
    with ThreadPoolExecutor(workers, thread_name_prefix="checksums") as pool:
        try:
            begun.start(pool, workers)
            yield begun
        finally:
            begun.stop()


def read_contents(
    server: Server,
    *,
    application: str = "drillbook",
    workers: int = WORKERS,
    on_read: OnRead | None = None,
) -> dict[str, TableContents]:
    """Return rows and checksum of every table, all of one moment."""
    with server.session(application=application, at_most=LONGEST_SECONDS) as session:
        session.execute("SET idle_in_transaction_session_timeout = 0")
        session.execute(query("backup", "begin"))
        snapshot, tables = exported(session, server.where)
        with reading(
            server, snapshot, tables, application=application, workers=workers, on_read=on_read
        ) as begun:
            return begun.contents()


def exported(session: Session, where: str) -> tuple[str, tuple[Table, ...]]:
    """Export the snapshot of the transaction at hand, and hold its tables as they are."""
    row = session.execute(query("backup", "export")).fetchone()
    if row is None:
        raise Unavailable(f"{where} exports no snapshot", hint="Try again.")
    # Even the size of a table that somebody has locked cannot be read.
    session.execute(SQL("SET LOCAL lock_timeout = {}").format(Literal(LOCK_MILLISECONDS)))
    tables = read_tables(session)
    hold(session, tables, LOCK_MILLISECONDS)
    tables = read_tables(session)  # sizes, and what was rewritten, as they are under the locks
    refuse_rewritten(tables, where)
    return str(row[0]), tables


def sums_of(row: Sequence[object] | None) -> Sums:
    """Return the row of a chunk's query as numbers."""
    if row is None:
        raise AssertionError("an aggregate without GROUP BY always returns one row")
    rows, total, mixed = (int(str(value)) for value in row)
    return Sums(rows, total, mixed)
