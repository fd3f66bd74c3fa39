"""The journal in one SQLite file (WAL, synchronous FULL, 0600), evidence in a folder beside it."""

import os
import sqlite3
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path

from drillbook.core.errors import Damaged, DrillbookError, Unavailable
from drillbook.engine.journal import durable
from drillbook.engine.journal.evidence import EvidenceFolder
from drillbook.engine.journal.store import Before, HeadRow, Row

SCHEMA = files("drillbook.engine.journal").joinpath("sqlite.sql").read_text("utf-8")
BUSY_SECONDS = 30.0  # how long an append waits for another process's append
POLL_SECONDS = 0.05  # one index look-up of 10 µs each time
COLUMNS = "idx, body, leaf, run, task, key"
# What lies outside the file; any other error of SQLite means that the file is not what was written.
OUTSIDE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
}
HINTS = {
    "full": "Free space on this disk; nothing of this append was recorded.",
    "readonly": "Make the file and its folder writable for this user, or set another home.",
    "locked": "Another process holds the journal; find it (fuser) and let it end.",
}
SPANS = """
WITH RECURSIVE names (run) AS (
  SELECT min(run) FROM entry WHERE run > ''
  UNION ALL
  SELECT (SELECT min(run) FROM entry WHERE run > names.run) FROM names WHERE run IS NOT NULL
)
SELECT
  (SELECT body FROM entry WHERE run = names.run ORDER BY idx LIMIT 1),
  (SELECT body FROM entry WHERE run = names.run ORDER BY idx DESC LIMIT 1)
FROM names WHERE run IS NOT NULL
ORDER BY (SELECT min(idx) FROM entry WHERE run = names.run)
"""


class SqliteStore:
    """A journal of one machine: threads and processes share the file."""

    is_shared = False

    def __init__(self, path: Path, home: Path) -> None:
        self.path = path
        self._folder = EvidenceFolder(home / "evidence")
        self._lock = threading.Lock()
        self._grown = threading.Condition()
        self._idle: list[sqlite3.Connection] = []
        with self._reported():
            if not path.exists():
                _create(path)
            self._writer = self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    @contextmanager
    def writing(self) -> Iterator["SqliteWriting"]:
        """Enter the one append at a time, over all threads and processes."""
        with self._lock, self._reported():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield SqliteWriting(self._writer)
                self._writer.execute("COMMIT")
            finally:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
        with self._grown:
            self._grown.notify_all()

    @contextmanager
    def reading(self) -> Iterator["SqliteReading"]:
        """Enter one moment of the store."""
        with self._reported():
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._connect()
            connection.execute("BEGIN")
            try:
                yield SqliteReading(connection)
            finally:
                connection.execute("ROLLBACK")
                self._idle.append(connection)

    def has_more(self, run: str, after: int) -> bool:
        """Tell whether a run has an entry after an index."""
        with self.reading() as reading:
            return reading.has_more(run, after)

    def wait(self, run: str, after: int, timeout: float) -> bool:
        """Wait for an entry: an append of this process wakes at once, another's within 50 ms."""
        end = time.monotonic() + timeout
        while not self.has_more(run, after):
            left = end - time.monotonic()
            if left <= 0:
                return False
            with self._grown:
                self._grown.wait(min(left, POLL_SECONDS))
        return True

    def put_evidence(self, digest: str, content: bytes) -> None:
        """Keep a file under its SHA-256."""
        self._folder.put(digest, content)

    def get_evidence(self, digest: str) -> bytes | None:
        """Return a file's content as stored; None when it is not there."""
        return self._folder.get(digest)

    def close(self) -> None:
        """Let go of the file."""
        for connection in (self._writer, *self._idle):
            connection.close()
        self._idle.clear()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise  # used after close: a mistake of ours, not of the store
        except UnicodeDecodeError as error:  # what SQLite says quotes a schema of broken bytes
            raise _damaged(self.path, "its schema is not readable") from error
        except (sqlite3.Error, OSError) as error:
            raise _ours(error, self.path) from error


class SqliteWriting:
    """The file inside BEGIN IMMEDIATE."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def before(self, runs: Collection[str], keys: Collection[str]) -> Before:
        """Look up what the append needs."""
        ask = self._connection.execute
        last: dict[str, int] = {}
        for run in runs:
            (index,) = ask("SELECT max(idx) FROM entry WHERE run = ?", (run,)).fetchone()
            last[run] = -1 if index is None else index
        known = frozenset(key for key in keys if self.body_of(key) is not None)
        return Before(_head(self._connection), last, known)

    def body_of(self, key: str) -> bytes | None:
        """Return the entry with this idempotency key."""
        found = self._connection.execute(
            "SELECT body FROM entry WHERE key = ? AND key <> ''", (key,)
        ).fetchone()
        return found[0] if found else None

    def write(self, rows: list[Row], head: HeadRow) -> None:
        """Add the rows and replace the head."""
        self._connection.executemany(
            f"INSERT INTO entry ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608 - a constant
            rows,
        )
        self._connection.execute("REPLACE INTO head (one, head, edge) VALUES (1, ?, ?)", head)


class SqliteReading:
    """The file inside one read transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def head(self) -> HeadRow | None:
        """Return the stored head; None when nothing was recorded yet."""
        return _head(self._connection)

    def rows(self) -> Iterator[Row]:
        """Stream every entry in order."""
        query = f"SELECT {COLUMNS} FROM entry ORDER BY idx"  # noqa: S608 - a constant
        yield from map(Row._make, self._connection.execute(query))

    def page(self, run: str | None, after: int, task: str | None, limit: int) -> list[Row]:
        """Return the next entries after an index."""
        wanted: list[str | int] = [after]
        query = f"SELECT {COLUMNS} FROM entry WHERE idx > ?"  # noqa: S608 - constants and marks
        for column, value in (("run", run), ("task", task)):
            if value is not None:
                query += f" AND {column} = ?"
                wanted.append(value)
        found = self._connection.execute(f"{query} ORDER BY idx LIMIT ?", (*wanted, limit))
        return [Row._make(row) for row in found]

    def has_more(self, run: str, after: int) -> bool:
        """Tell whether a run has an entry after an index."""
        query = "SELECT 1 FROM entry WHERE run = ? AND idx > ? LIMIT 1"
        return self._connection.execute(query, (run, after)).fetchone() is not None

    def bodies_of_keys(self, prefix: str) -> list[bytes]:
        """Return the entries whose idempotency key begins so, in order."""
        query = "SELECT body FROM entry WHERE key >= ? AND key < ? AND key <> '' ORDER BY idx"
        found = self._connection.execute(query, (prefix, prefix + "~"))
        return [body for (body,) in found]

    def spans(self) -> list[tuple[bytes, bytes]]:
        """Return each run's first and last entry, oldest run first."""
        return self._connection.execute(SPANS).fetchall()

    def check_store(self) -> str | None:
        """Say what SQLite finds damaged, or whether its schema is not ours."""
        query = (  # ANALYZE, which anybody may run, leaves its statistics
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL "
            "AND NOT (type = 'table' AND name GLOB 'sqlite_stat[0-9]') ORDER BY rowid"
        )
        found = [sql for (sql,) in self._connection.execute(query)]
        ours = [statement.strip() for statement in SCHEMA.split(";") if statement.strip()]
        if found != ours:
            return "its tables or indexes were altered"
        (result,) = self._connection.execute("PRAGMA integrity_check(1)").fetchone()
        return None if result == "ok" else str(result)


def _create(path: Path) -> None:
    """
    Make the file whole beside its place, then link it in.

    Switching to WAL fails at once when two do it together, and a file of a database must not be
    opened and closed by other hands: that drops SQLite's locks.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = durable.temporary(path)
    try:
        os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(new, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(SCHEMA)
        durable.link_new(new, path)
    finally:
        new.unlink(missing_ok=True)


def _head(connection: sqlite3.Connection) -> HeadRow | None:
    found = connection.execute("SELECT head, edge FROM head").fetchone()
    return HeadRow._make(found) if found else None


def _ours(error: sqlite3.Error | OSError, path: Path) -> DrillbookError:
    """Say in one sentence what SQLite or the file system met."""
    said = (isinstance(error, OSError) and error.strerror) or str(error)
    if isinstance(error, sqlite3.IntegrityError):
        return Damaged(
            f"the journal {path} holds entries that its signed head does not count: {said}",
            hint="Run `drillbook journal verify`.",
        )
    if isinstance(error, sqlite3.Error) and _code(error) not in OUTSIDE:
        return _damaged(path, said)
    hint = next((hint for word, hint in HINTS.items() if word in said), "")
    return Unavailable(
        f"the journal {path} cannot be used: {said}",
        hint=hint or f"Make {path.parent} a local folder that this user can write.",
    )


def _damaged(path: Path, said: str) -> Damaged:
    return Damaged(
        f"the journal {path} is damaged: {said}",
        hint="Keep a copy of the file, put the journal back from your backup, then verify it.",
    )


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code; 0 when the error is not SQLite's own."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
