"""A bounded pool of database connections, each lent to one request at a time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

import psycopg
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from booking.problems import AwayError
from booking.settings import Settings

CONNECT_SECONDS = 3
WAIT_MILLISECONDS = 3000
IDLE_SECONDS = 10
STATEMENT_MILLISECONDS = 5000
POOL_SIZE = 8

Row = DictRow
Connection = psycopg.Connection[Row]


class Pool:
    """At most so many connections at once; an idle one is closed after a while."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._free = BoundedSemaphore(settings.number("POOL_SIZE", POOL_SIZE))
        self._wait_seconds = settings.number("POOL_WAIT_MILLISECONDS", WAIT_MILLISECONDS) / 1000
        self._lock = Lock()
        self._idle: list[tuple[float, Connection]] = []

    @contextmanager
    def transaction(self, role: str) -> Iterator[Connection]:
        """Lend a connection for one transaction in a role: committed at the end, or rolled back."""
        if not self._free.acquire(timeout=self._wait_seconds):
            raise AwayError(f"no database connection was free within {self._wait_seconds:g} s")
        connection: Connection | None = None
        try:
            connection = self._begin(role)
            yield connection
            connection.commit()
        except BaseException:
            if connection is not None and not connection.closed:
                connection.rollback()
            raise
        finally:
            self._give_back(connection)
            self._free.release()

    def _begin(self, role: str) -> Connection:
        become = sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role))
        connection = self._take()
        if connection is not None:
            try:
                connection.execute(become)
            except psycopg.OperationalError:
                # The server was started again since: no idle connection is any good.
                connection.close()
                self._close_all()
            else:
                return connection
        connection = self._connect()
        connection.execute(become)
        return connection

    def _connect(self) -> Connection:
        return psycopg.connect(
            self._settings.need("DATABASE_URL"),
            row_factory=dict_row,
            connect_timeout=CONNECT_SECONDS,
            application_name="booking app",
            options=f"-c statement_timeout={STATEMENT_MILLISECONDS}",
            # A pooler between us and the database hands out another session each time.
            prepare_threshold=None,
        )

    def tidy(self) -> None:
        """Close what nobody used for a while."""
        now = time.monotonic()
        with self._lock:
            stale = [one for since, one in self._idle if now - since > IDLE_SECONDS]
            self._idle = [(since, one) for since, one in self._idle if one not in stale]
        for connection in stale:
            connection.close()

    def _take(self) -> Connection | None:
        with self._lock:
            return self._idle.pop()[1] if self._idle else None

    def _give_back(self, connection: Connection | None) -> None:
        if connection is not None and not connection.closed:
            with self._lock:
                self._idle.append((time.monotonic(), connection))

    def _close_all(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()
