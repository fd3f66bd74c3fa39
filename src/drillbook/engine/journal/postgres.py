"""The journal in a Postgres database: many workers on several hosts append to one log."""

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from importlib.resources import files

import psycopg
from psycopg import IsolationLevel

from drillbook.engine.journal.connecting import Connection, Server
from drillbook.engine.journal.store import Before, ConnectionLost, HeadRow, Row

SCHEMA = files("drillbook.engine.journal").joinpath("postgres.sql").read_text("utf-8")
CHANNEL = "drillbook_journal"
LOCK = 0x6472696C6C626F6F  # "drillboo": one append at a time in this database
# A frozen worker must not hold the lock: the server ends its session after 5 s of silence.
BEGIN = f"""
BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL idle_in_transaction_session_timeout = '5s';
SELECT pg_advisory_xact_lock({LOCK})
"""
RECONNECT_SECONDS = 15.0
RETRY_SECONDS = 0.2
POLL_SECONDS = 2.0  # in case a pooler swallows notifications
ROWS = "SELECT idx, body, leaf, run, task, key FROM drillbook.journal_entry ORDER BY idx"
# One statement each, never a pipeline: between its messages a frozen worker's session is not idle
# for the server, and would hold the lock on.
BEFORE = """
SELECT (SELECT head FROM drillbook.journal_head), (SELECT edge FROM drillbook.journal_head),
  ARRAY(SELECT coalesce((SELECT max(idx) FROM drillbook.journal_entry e WHERE e.run = r.run), -1)
        FROM unnest(%s::text[]) WITH ORDINALITY AS r (run, place) ORDER BY place),
  ARRAY(SELECT key FROM drillbook.journal_entry WHERE key <> '' AND key = ANY (%s::text[]))
"""
WRITE = """
WITH added AS (
  INSERT INTO drillbook.journal_entry (idx, body, leaf, run, task, key)
  SELECT * FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[], %s::text[], %s::text[], %s::text[])
), headed AS (
  INSERT INTO drillbook.journal_head (one, head, edge) VALUES (1, %s, %s)
  ON CONFLICT (one) DO UPDATE SET head = excluded.head, edge = excluded.edge
)
SELECT pg_notify(%s, '')
"""
PAGE = """
SELECT idx, body, leaf, run, task, key FROM drillbook.journal_entry
WHERE idx > %(after)s AND (%(run)s::text IS NULL OR run = %(run)s)
  AND (%(task)s::text IS NULL OR task = %(task)s)
ORDER BY idx LIMIT %(limit)s
"""
SPANS = """
WITH RECURSIVE names (run) AS (
  SELECT min(run) FROM drillbook.journal_entry WHERE run > ''
  UNION ALL
  SELECT (SELECT min(run) FROM drillbook.journal_entry WHERE run > names.run)
  FROM names WHERE run IS NOT NULL
)
SELECT first.body, last.body
FROM names
CROSS JOIN LATERAL (
  SELECT idx, body FROM drillbook.journal_entry WHERE run = names.run ORDER BY run, idx LIMIT 1
) first
CROSS JOIN LATERAL (
  SELECT body FROM drillbook.journal_entry WHERE run = names.run
  ORDER BY run DESC, idx DESC LIMIT 1
) last
ORDER BY first.idx
"""
ALTERED = """
SELECT count(*) FROM pg_class
WHERE oid IN ('drillbook.journal_entry'::regclass, 'drillbook.journal_head'::regclass)
  AND (relkind <> 'r' OR relrowsecurity
    OR EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = pg_class.oid AND NOT tgisinternal)
    OR EXISTS (SELECT 1 FROM pg_rewrite WHERE ev_class = pg_class.oid))
"""


class PostgresStore:
    """A journal that workers on several hosts share."""

    is_shared = True

    def __init__(self, url: str) -> None:
        self._server = Server(url)
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._plain: list[Connection] = []
        with self._reported():
            self._writer = self._server.connect()
            self._create()

    def _create(self) -> None:
        # Not to_regclass: it answers from a cache that does not see what another session just made.
        exists = "SELECT 1 FROM pg_tables WHERE schemaname = 'drillbook' AND tablename = %s"
        if not _one(self._writer, exists, "journal_evidence"):
            with self._writer.transaction():
                self._writer.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
                if not _one(self._writer, exists, "journal_evidence"):
                    self._writer.execute(SCHEMA)

    @contextmanager
    def writing(self) -> Iterator["PostgresWriting"]:
        """Enter the one append at a time, over all workers."""
        with self._lock, self._reported():
            self._begin()
            try:
                yield PostgresWriting(self._writer)
                self._writer.commit()
            except BaseException:
                if not self._writer.closed:
                    self._writer.rollback()
                raise

    def _begin(self) -> None:
        """Begin with the lock; a restarting server is waited for, as nothing was sent yet."""
        end = time.monotonic() + RECONNECT_SECONDS
        while True:
            try:
                if self._writer.closed:
                    self._writer = self._server.connect()
                self._writer.execute(BEGIN)
            except psycopg.Error as error:
                self._writer.close()  # whatever it was in the middle of
                lost = isinstance(self._server.report(error), ConnectionLost)
                if not lost or time.monotonic() > end:
                    raise
                time.sleep(RETRY_SECONDS)
            else:
                return

    @contextmanager
    def reading(self) -> Iterator["PostgresReading"]:
        """Enter one moment of the store."""
        pool, make = self._idle, self._reader
        with self._reported(), _borrowed(pool, make) as connection, connection.transaction():
            yield PostgresReading(connection)

    def _reader(self) -> Connection:
        connection = self._server.connect()
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        return connection

    def has_more(self, run: str, after: int) -> bool:
        """Tell whether a run has an entry after an index."""
        with self.reading() as reading:
            return bool(reading.page(run, after, None, 1))

    def wait(self, run: str, after: int, timeout: float) -> bool:
        """Wait for an entry of a run; appends notify."""
        end = time.monotonic() + timeout
        with self._reported(), _borrowed(self._plain, self._server.connect) as listener:
            listener.execute(f"LISTEN {CHANNEL}")
            while not (found := self.has_more(run, after)):
                left = end - time.monotonic()
                if left <= 0:
                    break
                for _ in listener.notifies(timeout=min(left, POLL_SECONDS), stop_after=1):
                    pass
            listener.execute("UNLISTEN *")  # an idle listener would hold up the server's queue
        return found

    def put_evidence(self, digest: str, content: bytes) -> None:
        """Keep a file under its SHA-256."""
        with self._reported(), _borrowed(self._plain, self._server.connect) as connection:
            connection.execute(
                "INSERT INTO drillbook.journal_evidence AS kept (sha256, content) VALUES (%s, %s) "
                "ON CONFLICT (sha256) DO UPDATE SET content = excluded.content "
                "WHERE kept.content <> excluded.content",
                (digest, content),
                binary=True,
            )

    def get_evidence(self, digest: str) -> bytes | None:
        """Return a file's content as stored; None when it is not there."""
        with self.reading() as reading:
            return reading.evidence(digest)

    def close(self) -> None:
        """Let go of the connections."""
        for connection in (self._writer, *self._idle, *self._plain):
            connection.close()
        self._idle.clear()
        self._plain.clear()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise self._server.report(error) from error


class PostgresWriting:
    """The database inside a transaction that holds the lock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def before(self, runs: Collection[str], keys: Collection[str]) -> Before:
        """Look up what the append needs, in one round trip."""
        names = list(runs)
        row = self._connection.execute(BEFORE, (names, list(keys))).fetchone()
        head, edge, last, known = row if row is not None else (None, None, [], [])
        return Before(
            HeadRow(head, edge) if head is not None else None,
            dict(zip(names, last, strict=True)),
            frozenset(known),
        )

    def body_of(self, key: str) -> bytes | None:
        """Return the entry with this idempotency key."""
        found = self._connection.execute(
            "SELECT body FROM drillbook.journal_entry WHERE key <> '' AND key = %s", (key,)
        ).fetchone()
        return found[0] if found else None

    def write(self, rows: list[Row], head: HeadRow) -> None:
        """Add the rows, replace the head, wake who follows."""
        columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * len(Row._fields)
        self._connection.execute(WRITE, (*columns, *head, CHANNEL))


class PostgresReading:
    """The database inside a repeatable read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def head(self) -> HeadRow | None:
        """Return the stored head; None when nothing was recorded yet."""
        found = self._connection.execute("SELECT head, edge FROM drillbook.journal_head").fetchone()
        return HeadRow._make(found) if found else None

    def rows(self) -> Iterator[Row]:
        """Stream every entry in order."""
        with self._connection.cursor(name="journal", binary=True) as cursor:
            cursor.itersize = 5000
            cursor.execute(ROWS)
            yield from map(Row._make, cursor)

    def page(self, run: str | None, after: int, task: str | None, limit: int) -> list[Row]:
        """Return the next entries after an index."""
        wanted = {"run": run, "after": after, "task": task, "limit": limit}
        return [Row._make(row) for row in self._connection.execute(PAGE, wanted)]

    def bodies_of_keys(self, prefix: str) -> list[bytes]:
        """Return the entries whose idempotency key begins so, in order."""
        found = self._connection.execute(
            "SELECT body FROM drillbook.journal_entry "
            "WHERE key <> '' AND key >= %s AND key < %s ORDER BY idx",
            (prefix, prefix + "~"),
        )
        return [body for (body,) in found]

    def spans(self) -> list[tuple[bytes, bytes]]:
        """Return each run's first and last entry, oldest run first."""
        return [(first, last) for first, last in self._connection.execute(SPANS)]

    def evidence(self, digest: str) -> bytes | None:
        """Return a kept file."""
        found = self._connection.execute(
            "SELECT content FROM drillbook.journal_evidence WHERE sha256 = %s",
            (digest,),
            binary=True,
        ).fetchone()
        return found[0] if found else None

    def check_store(self) -> str | None:
        """Say whether the tables got triggers, rules or policies that are not ours."""
        if _one(self._connection, ALTERED):
            return "its tables were altered: they have triggers, rules or row policies"
        return None


def _one(connection: Connection, query: str, *values: str) -> object:
    row = connection.execute(query, values).fetchone()
    return row[0] if row else None


@contextmanager
def _borrowed(pool: list[Connection], make: Callable[[], Connection]) -> Iterator[Connection]:
    """Take a connection that answers, and give it back unless something went wrong with it."""
    try:
        connection = pool.pop()
        connection.execute("SELECT 1")
    except (IndexError, psycopg.OperationalError):
        connection = make()  # there was none, or it had died while idle
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
    pool.append(connection)
