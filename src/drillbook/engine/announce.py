"""Entries that say a task has begun, written only when it lasts long enough to be watched."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread
from time import monotonic

from drillbook.core.errors import DrillbookError
from drillbook.engine.journal import Entry, Journal

PATIENCE_SECONDS = 0.25
LOOK_SECONDS = 0.1


class Announcer:
    """Writes `task.started` for slow reads at once; for quick ones it comes with their end."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._due: dict[int, tuple[float, Entry]] = {}
        self._lock = Lock()
        self._stop = Event()
        # it looks ten times a second: to be woken by each quick read would cost more than the read
        self._thread = Thread(target=self._run, daemon=True, name="drillbook-announcer")
        self._thread.start()

    @contextmanager
    def soon(self, entry: Entry) -> Iterator[None]:
        """Announce the entry if the block lasts longer than a quarter of a second."""
        number = id(entry)
        with self._lock:
            self._due[number] = (monotonic() + PATIENCE_SECONDS, entry)
        try:
            yield
        finally:
            with self._lock:
                self._due.pop(number, None)

    def close(self) -> None:
        """Stop the thread."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            if late := self._late():
                with suppress(DrillbookError):  # it comes again with the task's end
                    self._journal.append(*late)

    def _late(self) -> list[Entry]:
        now = monotonic()
        with self._lock:
            numbers = [number for number, (due, _) in self._due.items() if due <= now]
            return [self._due.pop(number)[1] for number in numbers]
