"""A session at work, seen from a second one: who blocks it, who waits for it, how far it is."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

import psycopg

from drillbook.core.errors import DrillbookError
from drillbook.core.rehearsal import TableForecast
from drillbook.ports.database import Blocker
from drillbook.providers.postgres.database import describe
from drillbook.providers.postgres.progress import Pace, how_far
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server, Session

EVERY_SECONDS = 0.05
GOING_SECONDS = 2.0
AT_ONCE = 3
LONGEST_SECONDS = 7 * 86400.0
PREPARED = "a prepared transaction"

Progress = Callable[[str, float | None], None]


@dataclass
class Wait:
    """Somebody waiting for the watched session: `seconds` until it was last seen, at `seen`."""

    table: str
    reads: bool
    seconds: float
    seen: float


@dataclass
class Waits:
    """All waits of others, kept by session and beginning of the wait."""

    seen: dict[tuple[int, str], Wait] = field(default_factory=dict)
    last: float = 0.0

    def look(self, session: Session, pid: int) -> None:
        """Look who waits now."""
        rows = session.execute(query("applying", "who_waits"), {"pid": pid}).fetchall()
        self.last = now = time.monotonic()
        for waiter, since, seconds, reads, schema, name in rows:
            table = _shown(schema, name)
            self.seen[waiter, since] = Wait(table, bool(reads), float(seconds), now)

    def release(self) -> None:
        """Count those seen by the last look as waiting until this moment."""
        now = time.monotonic()
        for wait in self.seen.values():
            if wait.seen == self.last:
                wait.seconds += now - wait.seen

    def tables(self) -> tuple[TableForecast, ...]:
        """Return the longest waits of readers and writers by table, the longest first."""
        longest: dict[str, list[float]] = {}
        for wait in self.seen.values():
            of_table = longest.setdefault(wait.table, [0.0, 0.0])
            at = 0 if wait.reads else 1
            of_table[at] = max(of_table[at], wait.seconds)
        return tuple(
            TableForecast(
                table=table, reads_seconds=round(reads, 3), writes_seconds=round(writes, 3)
            )
            for table, (reads, writes) in sorted(longest.items(), key=lambda item: -max(item[1]))
        )


class Watch:
    """Looks twenty times a second, until it is stopped, at one session that works."""

    def __init__(self, server: Server, pid: int, waits: Waits, progress: Progress) -> None:
        self._server, self._pid, self._waits, self._progress = server, pid, waits, progress
        self._ended = Event()
        self._pace = Pace("")
        self.blockers: tuple[Blocker, ...] = ()
        self.blocked_seconds = 0.0
        self._thread = Thread(target=self._look, daemon=True, name=f"watch-{pid}")

    @property
    def says(self) -> str:
        """Return who blocked last, in a phrase; empty when nobody was seen."""
        return " and ".join(blocker.says for blocker in self.blockers[:AT_ONCE])

    def at(self, says: str) -> None:
        """Hear which statement is being carried out."""
        self._pace = Pace(says)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End looking; a connection that no longer answers must not hold up what is watched."""
        self._ended.set()
        self._thread.join(GOING_SECONDS)

    def _look(self) -> None:
        # A fast migration never costs the second connection.
        if self._ended.wait(EVERY_SECONDS):
            return
        try:
            with self._server.session(
                application="drillbook watch", at_most=LONGEST_SECONDS
            ) as session:
                before = time.monotonic()
                while not self._ended.is_set():
                    before = self._sample(session, before)
                    self._ended.wait(EVERY_SECONDS)
        except (DrillbookError, psycopg.Error):
            # Seeing is a courtesy: where no second session is to be had, the migration's own
            # error still says that a lock was not free.
            return

    def _sample(self, session: Session, before: float) -> float:
        blockers = blockers_of(session, self._pid)
        now = time.monotonic()
        if self._ended.is_set():
            return now
        if blockers:
            self.blockers = blockers
            self.blocked_seconds += now - before
            self._progress(f"{self._pace.says}: waits for {self.says}", None)
        else:
            pace = self._pace
            if (far := how_far(session, self._pid, pace)) is not None:
                self._progress(*far)
        self._waits.look(session, self._pid)
        return now


def blockers_of(session: Session, pid: int) -> tuple[Blocker, ...]:
    """Return the sessions that one session waits for; a prepared transaction has the number 0."""
    row = session.execute(query("database", "blocking_pids"), {"pid": pid}).fetchone()
    pids = list(row[0]) if row and row[0] else []
    found = describe(session, dict.fromkeys((pid for pid in pids if pid), 1))
    return found + prepared(session) if 0 in pids else found


def prepared(session: Session) -> tuple[Blocker, ...]:
    """Return the oldest prepared transaction as who is in the way."""
    row = session.execute(query("applying", "prepared")).fetchone()
    name, seconds = (str(row[0]), float(row[1])) if row else ("", 0.0)
    return (
        Blocker(
            pid=0, application=PREPARED, user="", state="prepared", transaction_seconds=seconds,
            query=f"ROLLBACK PREPARED '{name}' would end it", waiting=1,
        ),
    )  # fmt: skip


@contextmanager
def watched(server: Server, pid: int, waits: Waits, progress: Progress) -> Iterator[Watch]:
    """Watch a session as long as the block lasts."""
    watch = Watch(server, pid, waits, progress)
    watch.start()
    try:
        yield watch
    finally:
        waits.release()
        watch.stop()


def _shown(schema: str | None, name: str | None) -> str:
    if name is None:
        return "rows"
    return name if schema == "public" else f"{schema}.{name}"
