"""The store of the durable engine: one SQLite file, or one Postgres for many workers."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from drillbook.core.errors import Refused, SettingsInvalid, Unavailable
from drillbook.core.secret import register, scrub

if TYPE_CHECKING:
    from dbos import DBOSClient

APPLICATION = "drillbook"
QUEUE = "drillbook-runs"
WORKFLOW = "drillbook.run"
STEP_PROTOCOL = "steps-2"  # raised by hand when the order of steps changes: decision 0003
UNDER_WAY = ["PENDING", "ENQUEUED", "DELAYED"]
QUEUE_POLL_SECONDS = 0.1
FALLBACK_POLL_SECONDS = 30.0  # wakeups.py wakes waiting runs; this only catches what it missed
IDLE_IN_TRANSACTION_SECONDS = 5.0
MOST_THREADS = 48  # for steps under way; runs that wait hold none


@dataclass(frozen=True, slots=True)
class Store:
    """Where runs are kept; `home` also holds keys, evidence, logs and command locks."""

    url: str
    home: Path

    def __post_init__(self) -> None:
        if self.is_postgres:
            register(self.url, name="DRILLBOOK_STORE")

    @property
    def is_postgres(self) -> bool:
        """Whether many workers on many hosts may share it."""
        return self.url.startswith(("postgresql://", "postgres://"))

    @property
    def path(self) -> Path:
        """The SQLite file."""
        return Path(self.url.removeprefix("sqlite:///"))

    @property
    def dbos_url(self) -> str:
        """The URL as SQLAlchemy reads it."""
        if self.is_postgres:
            return "postgresql+psycopg://" + self.url.partition("://")[2]
        return self.url

    def says(self) -> str:
        """Return the place in words, without a password."""
        if not self.is_postgres:
            return str(self.path)
        parts = urlsplit(self.url)
        return f"postgresql://{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"


@contextmanager
def store_errors(store: Store) -> Iterator[None]:
    """Turn what the store's drivers raise into one sentence of ours."""
    from sqlalchemy.exc import DBAPIError, OperationalError

    try:
        yield
    except (OperationalError, DBAPIError, sqlite3.Error, OSError) as error:
        says = scrub(str(getattr(error, "orig", None) or error)).strip().partition("\n")[0]
        hint = (
            "Is the disk full or read-only?" if not store.is_postgres else "Check DRILLBOOK_STORE."
        )
        raise Unavailable(f"the store {store.says()} cannot be used: {says}", hint=hint) from error


def prepare(store: Store) -> None:
    """Make the store ready for use: folder 0700, file 0600, WAL, DBOS's tables."""
    if not store.url.startswith(("sqlite:///", "postgresql://", "postgres://")):
        raise SettingsInvalid(
            f"DRILLBOOK_STORE is {scrub(store.url)!r}, neither sqlite:/// nor postgresql://",
            hint="Unset it to use the file in .drillbook.",
        )
    with store_errors(store):
        store.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not store.is_postgres:
            _prepare_sqlite(store)
        if not _is_migrated(store):
            _migrate(store)


def _prepare_sqlite(store: Store) -> None:
    if not os.access(store.home, os.W_OK):
        raise Refused(f"the folder {store.home} is read-only", hint="Set DRILLBOOK_HOME elsewhere.")
    if not store.path.exists():
        store.path.touch(mode=0o600)
    with closing(sqlite3.connect(store.path, timeout=30)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def _is_migrated(store: Store) -> bool:
    if not store.is_postgres:
        with closing(sqlite3.connect(store.path, timeout=30)) as connection:
            asked = "SELECT 1 FROM sqlite_master WHERE name = 'workflow_status'"
            return connection.execute(asked).fetchone() is not None
    import sqlalchemy as sa
    from dbos._migration import get_migration_versions

    engine = sa.create_engine(store.dbos_url, connect_args={"connect_timeout": 5})
    try:
        # Each step of making the tables commits by itself, and another process may be at it.
        there, newest = get_migration_versions(engine, "dbos", use_listen_notify=True)
        return there >= newest
    finally:
        engine.dispose()


def _migrate(store: Store) -> None:
    from dbos import DBOS

    quiet()
    DBOS.migrate(store.dbos_url)


def quiet() -> None:
    """Keep DBOS's own log to errors: what matters stands in the journal."""
    import logging

    logging.getLogger("dbos").setLevel(logging.ERROR)


@contextmanager
def client(store: Store) -> Iterator["DBOSClient"]:
    """Open the store for asking and telling, without running anything."""
    from dbos import DBOSClient
    from dbos._serialization import DBOSPortableJSON

    prepare(store)
    with store_errors(store):
        opened = DBOSClient(
            system_database_url=store.dbos_url,
            serializer=DBOSPortableJSON,
            application_name=APPLICATION,
            retry_connection_errors=False,
        )
        try:
            yield opened
        finally:
            opened.destroy()


def configuration(
    store: Store, executor_id: str
) -> dict[str, Any]:  # Any: DBOSConfig is total=False
    """Return DBOS's configuration for a worker."""
    from dbos._serialization import DBOSPortableJSON

    return {
        "name": APPLICATION,
        "system_database_url": store.dbos_url,
        "executor_id": executor_id,
        "application_version": STEP_PROTOCOL,
        "serializer": DBOSPortableJSON,
        "log_level": "ERROR",
        "max_executor_threads": MOST_THREADS,
        "sys_db_idle_transaction_timeout_sec": IDLE_IN_TRANSACTION_SECONDS,
        "notification_listener_polling_interval_sec": (
            1.0 if store.is_postgres else FALLBACK_POLL_SECONDS
        ),
    }
