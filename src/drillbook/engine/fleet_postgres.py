"""The fleet of a Postgres store: workers of many hosts, each holding an advisory lock."""

import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.resources import files
from threading import Lock
from typing import Any

import psycopg
from psycopg.rows import dict_row

from drillbook.core.process_identity import ProcessIdentity, identify, send_signal
from drillbook.engine.fleet import Watched, fence, new_executor, stand_still
from drillbook.engine.store import Store

Row = dict[str, Any]  # Any: a database row
SESSION = (
    "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
    " -c idle_in_transaction_session_timeout=5000 -c statement_timeout=15000"
)


def _queries() -> dict[str, str]:
    text = files("drillbook.engine").joinpath("fleet_postgres.sql").read_text(encoding="utf-8")
    pieces = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


SQL = _queries()


def connect(store: Store, executor: str = "") -> psycopg.Connection[Row]:
    """Open a session that notices a dead network within seconds; a worker's carries its name."""
    return psycopg.connect(
        store.url, autocommit=True, row_factory=dict_row, connect_timeout=5, options=SESSION,
        application_name=_session_name(executor) if executor else "drillbook",
    )  # fmt: skip


def _session_name(executor: str) -> str:
    return f"drillbook {sha256(executor.encode()).hexdigest()[:32]}"  # Postgres cuts long names


class PostgresFleet:
    """Membership by `pg_try_advisory_lock`: the server gives the lock back with the session."""

    def __init__(self, store: Store) -> None:
        self.executor = new_executor()
        self._store = store
        self._mutex = Lock()
        self._own = connect(store, self.executor)
        self._other = connect(store, self.executor)
        self._watched = Watched()

    def join(self) -> None:
        """Lock, then become known: a row without a lock means a dead worker."""
        _create(self._own)
        me = identify(os.getpid())
        values = {
            "executor": self.executor, "host": socket.gethostname(),
            "pid": os.getpid(), "started": me.started if me else 0,
        }  # fmt: skip
        self._own.execute(SQL["lock"], values)
        self._own.execute(SQL["join"], values)

    def beat(self) -> None:
        """Count up on the session that holds the lock."""
        self._ask("beat")

    def still_mine(self) -> None:
        """Ask on the session that holds the lock: if it answers, the lock is held."""
        self._ask("mine")

    def _ask(self, name: str) -> None:
        try:
            with self._mutex:
                row = self._own.execute(SQL[name], {"executor": self.executor}).fetchone()
        except psycopg.Error:
            row = None
        if row is None:
            fence()

    @contextmanager
    def alone(self, effect: str) -> Iterator[None]:
        """Hold an advisory lock named by the effect, on a session of its own."""
        session = None
        while session is None:
            try:
                session = connect(self._store, self.executor)
                session.execute("SET statement_timeout = 0")
                session.execute(SQL["effect"], {"effect": effect})
            except psycopg.Error as error:  # the beat ends this process when the store stays away
                session = None
                stand_still(error)
        with session:
            yield

    def dead(self) -> list[str]:
        """Return the workers whose lock could be taken; frozen ones lose their sessions first."""
        found = []
        if self._other.closed:
            self._other = connect(self._store, self.executor)
        for peer in self._other.execute(SQL["peers"], {"executor": self.executor}).fetchall():
            locked = self._other.execute(SQL["lock"], peer).fetchone()
            if locked and locked["pg_try_advisory_lock"]:
                found.append(str(peer["executor"]))
            elif self._watched.is_frozen(str(peer["executor"]), peer["beats"]):
                # All its sessions: one may hold the effect it was at.
                sessions = _session_name(str(peer["executor"]))
                self._other.execute(SQL["terminate"], {**peer, "sessions": sessions})
                _kill_here(peer)
        return found

    def known(self) -> set[str]:
        """Return the workers that have a row."""
        peers = self._other.execute(SQL["peers"], {"executor": ""}).fetchall()
        return {str(peer["executor"]) for peer in peers} | {self.executor}

    def leave(self) -> None:
        """Strike this worker off, and give its lock back with its session."""
        with self._mutex:
            self._own.execute(SQL["forget"], {"executor": self.executor})
            self._own.close()
        self._other.close()

    def forget(self, executor: str) -> None:
        """Strike the dead worker off and give its lock back."""
        self._other.execute(SQL["forget"], {"executor": executor})
        self._other.execute(SQL["unlock"], {"executor": executor})


def any_alive(store: Store) -> bool:
    """Whether a worker of this store lives, on any host."""
    with connect(store) as session:
        _create(session)
        for row in session.execute(SQL["lockable"]).fetchall():
            locked = session.execute(SQL["lock"], row).fetchone()
            if locked and not locked["pg_try_advisory_lock"]:
                return True
            session.execute(SQL["unlock"], row)
    return False


def _create(session: psycopg.Connection[Row]) -> None:
    session.execute(SQL["lock_setup"])
    try:
        session.execute(SQL["create"])
    finally:
        session.execute(SQL["unlock_setup"])


def _kill_here(peer: Row) -> None:
    if peer["host"] != socket.gethostname():
        return
    send_signal(ProcessIdentity(peer["pid"], peer["started"]), signal.SIGKILL)
