"""Starts a worker in the background when none lives, so that a run never waits for one."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from drillbook.core.errors import Unavailable
from drillbook.engine.store import Store, store_errors

ARGUMENTS = (sys.executable, "-m", "drillbook", "worker", "--until-idle")
START_SECONDS = 30.0
POLL_SECONDS = 0.05
LARGEST_LOG_BYTES = 5 * 2**20
TAIL_BYTES = 4096


def ensure_worker(store: Store) -> bool:
    """Start a worker unless one lives, and wait until it does; whether one was started."""
    if worker_alive(store):
        return False
    wait_for_worker(store, start_worker(store))
    return True


def worker_alive(store: Store) -> bool:
    """Whether a worker of this store lives, for SQLite on this machine, for Postgres anywhere."""
    if not store.is_postgres:
        from drillbook.engine import fleet_files

        return fleet_files.any_alive(store.home)
    import psycopg

    from drillbook.engine import fleet_postgres

    with store_errors(store):
        try:
            return fleet_postgres.any_alive(store)
        except psycopg.Error as error:
            raise OSError(str(error)) from error


def start_worker(store: Store) -> subprocess.Popen[bytes]:
    """Start a worker that ends by itself when idle; it gets this environment, no secret in argv."""
    with store_errors(store), _log(store.home) as log:
        return subprocess.Popen(
            ARGUMENTS,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C in the terminal is not meant for it
            close_fds=True,
        )


def wait_for_worker(store: Store, process: subprocess.Popen[bytes]) -> None:
    """Return when the worker has joined; Unavailable with its last words when it cannot."""
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        if worker_alive(store):
            return
        if process.poll() is not None:
            raise Unavailable(
                f"the background worker ended at once with code {process.returncode}: "
                f"{_last_words(store.home)}",
                hint=f"See {log_path(store.home)}, or run it here: drillbook worker",
            )
        time.sleep(POLL_SECONDS)
    raise Unavailable(
        f"the background worker did not start within {START_SECONDS:g} s",
        hint=f"See {log_path(store.home)}, or run it here: drillbook worker",
    )


def log_path(home: Path) -> Path:
    """Return where background workers write."""
    return home / "logs" / "worker.log"


def _log(home: Path) -> IO[bytes]:
    path = log_path(home)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() and path.stat().st_size > LARGEST_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _last_words(home: Path) -> str:
    with log_path(home).open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
        lines = file.read().decode("utf-8", "replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    errors = [line for line in said if line.startswith("error:")]
    return (errors or said or ["it said nothing"])[-1]
