"""A client of the database that holds what others need, until it is told to end or is ended."""

import os
import signal
import sys
import time
from pathlib import Path
from select import select
from types import FrameType

import psycopg

MODULE = "drillbook.range.faults.holding"
CONNECTIONS, LOCK = "connections", "lock"
LOOK_SECONDS = 0.2
# Others who were sent away come back for their places at once: stay at it for a while.
GRABBING_SECONDS = 2.0
NAME = "report worker"
_SEND_AWAY = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE usename = 'booking_app' AND application_name <> %s
"""

Held = psycopg.Connection[tuple[object, ...]]


def main() -> None:
    """Hold: `holding serve FOLDER connections|lock`; ends when all that it holds was taken."""
    folder, what = Path(sys.argv[2]), sys.argv[3]
    signal.signal(signal.SIGTERM, _end)
    held = _all_connections(folder) if what == CONNECTIONS else [_lock(folder)]
    Path(f"{folder / what}.held").touch()
    while held:
        time.sleep(LOOK_SECONDS)
        held = [one for one in held if not _is_gone(one)]


def _all_connections(folder: Path) -> list[Held]:
    mine = (folder / "app-database.url").read_text(encoding="utf-8")
    owner = (folder / "database.url").read_text(encoding="utf-8")
    held: list[Held] = []
    with psycopg.connect(owner, autocommit=True) as connection:
        until = None
        while until is None or time.monotonic() < until:
            try:
                held.append(psycopg.connect(mine, application_name=NAME, autocommit=True))
            except psycopg.OperationalError:
                until = until or time.monotonic() + GRABBING_SECONDS
                connection.execute(_SEND_AWAY, (NAME,))
                time.sleep(0.01)
    return held


def _lock(folder: Path) -> Held:
    owner = (folder / "database.url").read_text(encoding="utf-8")
    connection = psycopg.connect(owner, application_name=NAME)
    connection.execute("LOCK TABLE bookings IN ACCESS EXCLUSIVE MODE")
    return connection


def _is_gone(connection: Held) -> bool:
    # A server that ends a session says so; from an idle one nothing else comes.
    return connection.closed or bool(select([connection.fileno()], [], [], 0)[0])


def _end(_: int, __: FrameType | None) -> None:
    os._exit(0)


if __name__ == "__main__":
    main()
