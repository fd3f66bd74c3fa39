"""Sessions on a Postgres server: every one with a name, a time limit and our errors."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from threading import Timer
from time import monotonic
from typing import LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from drillbook.core.effect import deadline
from drillbook.core.errors import SettingsInvalid
from drillbook.providers.postgres.sentences import as_ours, as_ours_at_connect

Session = psycopg.Connection[TupleRow]
CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
ASLEEP_SECONDS = 0.3  # a time-out that comes so much too late was slept through by this process
GRACE_SECONDS = 5.0  # the server ends a statement itself; a frozen one is left this much later
# A worker frozen in a transaction must not keep its locks from the one that takes over.
IDLE_SETTING: LiteralString = "idle_in_transaction_session_timeout"
IDLE_MILLISECONDS = "10000"
NAME_BYTES = 63


@dataclass(frozen=True, slots=True)
class Server:
    """Where a database is; `address` reveals the URL at the moment of use, `name` is for people."""

    address: Callable[[], str]
    name: str
    database: str = ""
    connect_seconds: float = CONNECT_SECONDS

    def other(self, database: str) -> "Server":
        """Return another database of the same server."""
        return replace(self, database=database)

    @property
    def where(self) -> str:
        """The database in words for sentences."""
        if self.database:
            return f"database {self.database} of {self.name}"
        return f"the database of {self.name}"

    def parameters(self) -> dict[str, str]:
        """Return the parts of the address, password included: for the moment of use."""
        try:
            parts = conninfo_to_dict(self.address())
        except psycopg.ProgrammingError:
            # Not chained: libpq repeats the address, and with it the password.
            raise SettingsInvalid(
                f"the url of {self.where} is not a Postgres address",
                hint="Write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
            ) from None
        found = {name: str(value) for name, value in parts.items() if value is not None}
        return found | ({"dbname": self.database} if self.database else {})

    @contextmanager
    def session(
        self, *, application: str = "drillbook", at_most: float = READ_SECONDS
    ) -> Iterator[Session]:
        """Open a session without a transaction; errors inside come out as ours."""
        seconds = deadline.get().left(at_most=at_most)
        with self._open(application) as connection:
            handle = os.dup(connection.fileno())
            watch = Timer(seconds + GRACE_SECONDS, _cut, [handle])
            watch.daemon = True
            watch.start()
            try:
                set_locally(connection, "statement_timeout", f"{seconds * 1000:.0f}", local=False)
                set_locally(connection, IDLE_SETTING, IDLE_MILLISECONDS, local=False)
                yield connection
            except psycopg.Error as error:
                raise as_ours(error, self.where) from error
            finally:
                watch.cancel()
                watch.join()  # it must not cut a number that was given out again
                os.close(handle)

    @contextmanager
    def _open(self, application: str) -> Iterator[Session]:
        seconds = max(2.0, deadline.get().left(at_most=self.connect_seconds))
        settings = self.parameters() | {
            "application_name": application[:NAME_BYTES],
            "client_encoding": "utf8",
            "connect_timeout": str(int(seconds)),
            "keepalives_idle": "5",
            "keepalives_interval": "2",
            "keepalives_count": "3",
        }
        try:
            connection = _connected(settings, seconds)
        except psycopg.Error as error:
            raise as_ours_at_connect(error, self.where, seconds) from error
        try:
            yield connection
        finally:
            connection.close()


def _connected(settings: dict[str, str], seconds: float) -> Session:
    begun = monotonic()
    try:
        # No prepared statements: poolers hand each transaction to another server session.
        return psycopg.Connection[TupleRow].connect(
            **settings,  # type: ignore[arg-type]  # libpq takes all its parameters as text
            autocommit=True,
            prepare_threshold=None,
        )
    except psycopg.errors.ConnectionTimeout:
        if monotonic() - begun < seconds + ASLEEP_SECONDS:
            raise
    # It was this process that slept, not the server: what a frozen one met says nothing.
    return _connected(settings, seconds)


def set_locally(session: Session, name: LiteralString, value: str, *, local: bool = True) -> None:
    """Set a parameter for this transaction, or with `local=False` for this session."""
    session.execute("SELECT pg_catalog.set_config(%s, %s, %s)", [name, value, local])


def _cut(handle: int) -> None:
    with socket.socket(fileno=os.dup(handle)) as twin, suppress(OSError):
        twin.shutdown(socket.SHUT_RDWR)
