"""Who keeps a session waiting: seen from a second session while the first one waits."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import psycopg

from drillbook.core.errors import DrillbookError
from drillbook.ports.database import Blocker  # noqa: TC001 - one way of importing
from drillbook.providers.postgres.database import describe
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server

SHORTEST_SECONDS = 0.05
LONGEST_SECONDS = 0.5
AT_ONCE = 3


class WaitWatch:
    """Looks again and again who blocks one session, and keeps the last answer."""

    def __init__(self, server: Server, pid: int, lock_timeout_seconds: float) -> None:
        self._server = server
        self._pid = pid
        # Often enough to see a blocker before the lock's time is over.
        every = lock_timeout_seconds / 4
        self._every = min(max(every, SHORTEST_SECONDS), LONGEST_SECONDS)
        self._ended = Event()
        self._seen: tuple[Blocker, ...] = ()
        self._thread = Thread(target=self._look, daemon=True, name=f"watch-{pid}")

    @property
    def says(self) -> str:
        """Return who blocked, in a phrase; empty when nobody was seen."""
        return " and ".join(blocker.says for blocker in self._seen[:AT_ONCE])

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End looking."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        # A fast migration never costs the second connection.
        if self._ended.wait(self._every):
            return
        try:
            with self._server.session(application="drillbook watch") as session:
                while not self._ended.wait(self._every):
                    row = session.execute(
                        query("database", "blocking_pids"), {"pid": self._pid}
                    ).fetchone()
                    if row and row[0]:
                        self._seen = describe(session, dict.fromkeys(row[0], 1))
        except (DrillbookError, psycopg.Error):
            # Naming the blocker is a courtesy: where no second session is to be had, the
            # migration's own error still says that a lock was not free.
            return


@contextmanager
def watched(server: Server, pid: int, lock_timeout_seconds: float) -> Iterator[WaitWatch]:
    """Watch who blocks a session as long as the block lasts."""
    watch = WaitWatch(server, pid, lock_timeout_seconds)
    watch.start()
    try:
        yield watch
    finally:
        watch.stop()
