"""Entries that say a task has begun, written only when it lasts long enough to be watched."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Thread
from time import monotonic

from drillbook.engine.journal import Entry, Journal

PATIENCE_SECONDS = 0.25


class Announcer:
    """Writes `task.started` for slow reads at once; for quick ones it comes with their end."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._due: dict[int, tuple[float, Entry]] = {}
        self._changed = Condition()
        self._next = 0
        self._closed = False
        self._thread = Thread(target=self._run, daemon=True, name="drillbook-announcer")
        self._thread.start()

    @contextmanager
    def soon(self, entry: Entry) -> Iterator[None]:
        """Announce the entry if the block lasts longer than a quarter of a second."""
        with self._changed:
            number, self._next = self._next, self._next + 1
            self._due[number] = (monotonic() + PATIENCE_SECONDS, entry)
            if len(self._due) == 1:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._due.pop(number, None)

    def close(self) -> None:
        """Stop the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while (late := self._late()) is not None:
            if late:
                self._journal.append(*late)

    def _late(self) -> list[Entry] | None:
        with self._changed:
            if self._closed:
                return None
            soonest = min((due for due, _ in self._due.values()), default=None)
            wait = None if soonest is None else max(0.0, soonest - monotonic())
            if wait is None or wait > 0:
                self._changed.wait(wait)
            now = monotonic()
            numbers = [number for number, (due, _) in self._due.items() if due <= now]
            return [self._due.pop(number)[1] for number in numbers]
