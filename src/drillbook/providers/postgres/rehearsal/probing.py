"""Live-like load: a reader and a writer every few milliseconds on each table, in one thread."""

import random
import selectors
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import perf_counter
from typing import Self

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn

from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.rehearsal.relations import Relation, Relations
from drillbook.providers.postgres.server import Server, Session

EVERY_SECONDS = 0.004
PROBED_TABLES = 24
ROWS_PROBED = 200
FIRST_ROWS = 3  # of a page: some of them are there
SPARE_SESSIONS = 4
SLOW_SECONDS = 0.0005  # a shorter answer cannot have waited
GONE = {b"42P01", b"3F000", b"42809"}  # the table was dropped, or is something else now
DEADLOCKS = {b"40P01", b"57014"}  # found by the server, or seen by the sampler and ended


@dataclass(frozen=True, slots=True)
class Slow:
    """One probe that took longer than a moment."""

    pid: int
    start: float
    end: float


@dataclass(slots=True)
class Probe:
    """One session that reads or writes rows of one table, one after the other."""

    session: Session
    table: Relation
    writes: bool
    rows: tuple[str, ...]
    column: str
    next_at: float = 0.0
    sent_at: float | None = None
    count: int = 0
    deadlocks: int = 0

    @property
    def wire(self) -> PGconn:
        """The connection below the session: it can be asked without waiting."""
        return self.session.pgconn

    def statement(self) -> bytes:
        """Return the next statement; a write takes itself back."""
        if self.table.kind == "v":
            return f"SELECT 1 FROM {self.table.quoted} LIMIT 0".encode()  # noqa: S608 - a quoted name
        where = f"ctid = '{random.choice(self.rows)}'" if self.rows else "false"  # noqa: S311 - spreads probes
        if not self.writes:
            return f"SELECT 1 FROM {self.table.quoted} WHERE {where}".encode()  # noqa: S608 - a quoted name
        if not self.column:
            return f"BEGIN; DELETE FROM {self.table.quoted} WHERE false; ROLLBACK".encode()  # noqa: S608 - a quoted name
        return (
            f"BEGIN; UPDATE {self.table.quoted} SET {self.column} = {self.column} "  # noqa: S608 - quoted names
            f"WHERE {where}; ROLLBACK"
        ).encode()


@dataclass
class Load:
    """Probes tables until it is stopped; tables may be added meanwhile, from any thread."""

    server: Server
    relations: Relations
    tables: tuple[Relation, ...]
    probes: dict[int, Probe] = field(default_factory=dict)
    slow: list[Slow] = field(default_factory=list)
    failed: BaseException | None = None

    def __post_init__(self) -> None:
        self._stop, self._ready = Event(), Event()
        self._wanted: SimpleQueue[Relation] = SimpleQueue()
        self._known: set[int] = set()
        self._spare: list[Session] = []
        self._selector = selectors.DefaultSelector()
        self._thread = Thread(target=self._run, daemon=True, name="probes")

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def also(self, relation: int) -> None:
        """Probe the table of this relation as well, from now on."""
        table = self.relations.table_of(relation)
        if table is not None:
            self._wanted.put(table)

    def _run(self) -> None:
        sessions: list[Session] = []
        try:
            self._spare = [self._open(sessions) for _ in range(SPARE_SESSIONS)]
            for table in self.tables:
                self._add(table, sessions)
            self._ready.set()
            while not self._stop.is_set():
                self._turn(sessions)
            self._finish()
        except Exception as error:  # noqa: BLE001 - raised by the one who started it
            self.failed = error
        finally:
            self._ready.set()
            self._selector.close()
            for session in sessions:
                session.close()

    def _open(self, sessions: list[Session]) -> Session:
        session = _connect(self.server)
        sessions.append(session)
        return session

    def _add(self, table: Relation, sessions: list[Session]) -> None:
        if table.oid in self._known or len(self._known) >= PROBED_TABLES:
            return
        self._known.add(table.oid)
        for writes in (False, True) if table.kind in "rp" else (False,):
            session = self._spare.pop() if self._spare else self._open(sessions)
            rows = _rows(table)
            column = _column(session, table) if writes else ""
            probe = Probe(session, table, writes, rows, column)
            self.probes[session.info.backend_pid] = probe
            self._selector.register(session.fileno(), selectors.EVENT_READ, probe)

    def _turn(self, sessions: list[Session]) -> None:
        try:
            while True:
                self._add(self._wanted.get_nowait(), sessions)
        except Empty:
            pass
        now = perf_counter()
        idle = [probe for probe in self.probes.values() if probe.sent_at is None]
        for probe in idle:
            if probe.next_at <= now:
                probe.wire.send_query(probe.statement())
                probe.sent_at = perf_counter()
        soonest = min((p.next_at for p in idle if p.sent_at is None), default=now + EVERY_SECONDS)
        for key, _ in self._selector.select(max(0.0, min(soonest - now, EVERY_SECONDS))):
            self._hear(key.data)

    def _hear(self, probe: Probe) -> None:
        probe.wire.consume_input()
        if probe.wire.is_busy():
            return
        state = b""
        while (result := probe.wire.get_result()) is not None:
            if result.status == ExecStatus.FATAL_ERROR:
                state = result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) or b"?"
        now = perf_counter()
        if probe.sent_at is not None and now - probe.sent_at >= SLOW_SECONDS:
            self.slow.append(Slow(probe.session.info.backend_pid, probe.sent_at, now))
        probe.sent_at, probe.count = None, probe.count + 1
        # Many tables share the pace, so that the load never becomes the thing that is measured.
        probe.next_at = now + max(EVERY_SECONDS, 0.001 * len(self.probes))
        if state:
            self._after(probe, state)

    def _after(self, probe: Probe, state: bytes) -> None:
        """Go on after an error: as an app would that learned of the new schema."""
        if probe.wire.transaction_status != TransactionStatus.IDLE:
            probe.wire.exec_(b"ROLLBACK")
        if state in DEADLOCKS:
            probe.deadlocks += 1
        elif state in GONE:
            self._selector.unregister(probe.session.fileno())
            probe.next_at = float("inf")
        elif probe.writes:
            probe.column = _column(probe.session, probe.table)

    def _finish(self) -> None:
        """Wait for the answers that are still out: they tell how long the last wait was."""
        for probe in self.probes.values():
            while probe.sent_at is not None:
                for key, _ in self._selector.select(EVERY_SECONDS):
                    self._hear(key.data)


def _connect(server: Server) -> Session:
    connection: Session = psycopg.Connection.connect(
        **server.parameters(),  # type: ignore[arg-type]  # libpq takes all its parameters as text
        application_name="drillbook probe",
        autocommit=True,
        prepare_threshold=None,
    )
    # Of two that wait for each other, the probe gives way, and not the migration.
    connection.execute("SET deadlock_timeout = '200ms'")
    return connection


def _rows(table: Relation) -> tuple[str, ...]:
    if table.kind == "v":
        return ()
    places = random.Random(table.oid)  # noqa: S311 - spreads probes, guards nothing
    return tuple(
        f"({places.randrange(table.pages)},{places.randint(1, FIRST_ROWS)})"
        for _ in range(ROWS_PROBED)
    )


def _column(session: Session, table: Relation) -> str:
    row = session.execute(query("rehearsal", "probe_column"), {"table": table.oid}).fetchone()
    return sql.Identifier(str(row[0])).as_string(None) if row else ""
