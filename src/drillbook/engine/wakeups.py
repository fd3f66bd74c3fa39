"""Notices messages for waiting runs with one query for all of them, however many wait."""

import sqlite3
import time
from contextlib import closing, suppress
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from drillbook.engine.messages import CANCEL, INBOX
from drillbook.engine.store import STEP_PROTOCOL, Store

if TYPE_CHECKING:
    from dbos import DBOS

SQLITE_POLL_SECONDS = 0.1
POSTGRES_POLL_SECONDS = 0.5
UNREAD = """
    SELECT DISTINCT n.destination_uuid, n.topic
      FROM {schema}notifications n
      JOIN {schema}workflow_status w ON w.workflow_uuid = n.destination_uuid
     WHERE NOT n.consumed AND w.status = 'PENDING' AND n.topic IN (:inbox, :cancel)
"""
OWNERS = """
    SELECT DISTINCT executor_id FROM {schema}workflow_status
     WHERE status = 'PENDING' AND executor_id IS NOT NULL AND application_version = :version
"""


class Wakeups:
    """Sets a flag for cancelled runs; on SQLite also wakes runs whose inbox got a message."""

    def __init__(self, store: Store, dbos: "DBOS") -> None:
        self._store, self._system = store, _system_database(dbos)
        self._cancelled: set[str] = set()
        self._lock = Lock()
        self._thread = Thread(target=self._run, daemon=True, name="drillbook-wakeups")

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def cancel_asked(self, run: str) -> bool:
        """Whether somebody asked this run to stop."""
        with self._lock:
            return run in self._cancelled

    def owners(self) -> set[str]:
        """Return the workers that runs under way are said to be with."""
        query = sa.text(OWNERS.format(schema=self._schema))
        with self._system.engine.connect() as connection:
            return {row[0] for row in connection.execute(query, {"version": STEP_PROTOCOL})}

    @property
    def _schema(self) -> str:
        return "dbos." if self._store.is_postgres else ""

    def _run(self) -> None:
        if self._store.is_postgres:
            while True:
                time.sleep(POSTGRES_POLL_SECONDS)
                self._look()
        with closing(sqlite3.connect(self._store.path, check_same_thread=False)) as watched:
            version = -1
            while True:
                time.sleep(SQLITE_POLL_SECONDS)
                # data_version changes when another connection has written: most polls end here
                with suppress(sqlite3.Error):  # away for a moment; the next look is soon
                    now = watched.execute("PRAGMA data_version").fetchone()[0]
                    if now != version:
                        version = now
                        self._look()

    def _look(self) -> None:
        try:
            unread = self._unread()
        except sa.exc.SQLAlchemyError:
            return  # the store is away for a moment; DBOS waits too, and the next look is soon
        with self._lock:
            self._cancelled = {run for run, topic in unread if topic == CANCEL}
        for run, topic in unread:
            event = self._system.notifications_map.get(f"{run}::{topic}")
            if event is not None:
                event.set()

    def _unread(self) -> list[tuple[str, str]]:
        query = sa.text(UNREAD.format(schema=self._schema))
        with self._system.engine.connect() as connection:
            rows = connection.execute(query, {"inbox": INBOX, "cancel": CANCEL})
            return [(row[0], row[1]) for row in rows]


def _system_database(dbos: "DBOS") -> Any:  # Any: DBOS does not export this type
    return dbos._sys_db  # noqa: SLF001 - no public way to wake a waiter; the kill tests hold it
