"""What a twin remembers: JSON documents by kind and id, the same for every process."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Document = dict[str, Any]  # Any: a platform's JSON, whose shape its own document says
WAIT_SECONDS = 30.0
LOOK_SECONDS = 0.01
_MAKE = """
CREATE TABLE IF NOT EXISTS documents (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (kind, id)
)
"""
_PUT = """
INSERT INTO documents (kind, id, body) VALUES (?, ?, ?)
ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body
"""


class Documents:
    """
    A store in one file, open to many processes and threads at a time.

    What a call wrote is kept when any process is killed right after it. Inside `locked` nothing
    else changes, and an error takes back all that was written inside: never await there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()

    def put(self, kind: str, name: str, document: Document) -> None:
        """Write a document over the one of that kind and id; a new one comes last in `all`."""
        body = json.dumps(document, separators=(",", ":"))
        self._connection().execute(_PUT, (kind, name, body))

    def get(self, kind: str, name: str) -> Document | None:
        """Return a document, or None."""
        rows = self._read("SELECT body FROM documents WHERE kind = ? AND id = ?", kind, name)
        return rows[0] if rows else None

    def all(self, kind: str) -> list[Document]:
        """Return the documents of a kind, those made first first."""
        return self._read("SELECT body FROM documents WHERE kind = ? ORDER BY position", kind)

    def everything(self) -> list[tuple[str, str, Document]]:
        """Return all documents of all kinds, with kind and id."""
        rows = self._connection().execute("SELECT kind, id, body FROM documents ORDER BY position")
        return [(kind, name, json.loads(body)) for kind, name, body in rows]

    def remove(self, kind: str, name: str) -> bool:
        """Remove a document; False when there is none."""
        removing = "DELETE FROM documents WHERE kind = ? AND id = ?"
        return self._connection().execute(removing, (kind, name)).rowcount > 0

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold all others off while looking and changing; may be nested in one thread."""
        connection = self._connection()
        if connection.in_transaction:
            yield
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def close(self) -> None:
        """Close this thread's connection; the next call opens another."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            del self._local.connection

    def _read(self, query: str, *values: str) -> list[Document]:
        return [json.loads(body) for (body,) in self._connection().execute(query, values)]

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.touch(mode=0o600)
            connection = sqlite3.connect(self.path, timeout=WAIT_SECONDS, isolation_level=None)
            _prepare(connection)
            self._local.connection = connection
        return connection


def _prepare(connection: sqlite3.Connection) -> None:
    # Written to the kernel before a call returns: enough for kill -9, and without a sync.
    connection.execute("PRAGMA synchronous = NORMAL")
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(_MAKE)
        except sqlite3.OperationalError:
            # SQLite waits for nobody here: somebody else may be making the file at this moment.
            if time.monotonic() > until:
                raise
            time.sleep(LOOK_SECONDS)
        else:
            return
