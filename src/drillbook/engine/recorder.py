"""Writes a worker's entries: those of quick reads many at once, all others in order behind them."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Thread
from time import monotonic, sleep

from drillbook.core.errors import DrillbookError
from drillbook.engine.journal import Entry
from drillbook.engine.keeping import Keeping

PATIENCE_SECONDS = 0.25
LOOK_SECONDS = 0.1


class Recorder:
    """
    The one way a worker writes to the journal.

    What `later` takes is written within a tenth of a second, and before anything `append` takes.
    A kill can lose it: so it must be made only from what the engine's store has, and be handed in
    again when the run is replayed; its key keeps it single (decision 0007).
    """

    def __init__(self, journal: Keeping) -> None:
        self._journal = journal
        self._due: dict[int, tuple[float, Entry]] = {}
        self._waiting: list[Entry] = []
        self._lock = Lock()
        self._writing = Lock()
        # it looks ten times a second: to be woken by each quick read would cost more than the read
        self._thread = Thread(target=self._run, daemon=True, name="drillbook-recorder")
        self._thread.start()

    def append(self, *entries: Entry) -> None:
        """Write entries now, behind those that wait."""
        with self._writing:
            with self._lock:
                waiting, self._waiting = self._waiting, []
            try:
                if waiting or entries:
                    self._journal.append(*waiting, *entries)
            except DrillbookError:
                with self._lock:
                    self._waiting = waiting + self._waiting
                raise

    def later(self, *entries: Entry) -> None:
        """Write entries soon, together with others."""
        with self._lock:
            self._waiting.extend(entries)

    @contextmanager
    def soon(self, entry: Entry) -> Iterator[None]:
        """Write the entry only if the block lasts longer than a quarter of a second."""
        number = id(entry)
        with self._lock:
            self._due[number] = (monotonic() + PATIENCE_SECONDS, entry)
        try:
            yield
        finally:
            with self._lock:
                self._due.pop(number, None)

    def _run(self) -> None:
        while True:
            sleep(LOOK_SECONDS)
            with suppress(DrillbookError):  # the store is away: what waits is kept, and tried again
                self.append(*self._late())

    def _late(self) -> list[Entry]:
        now = monotonic()
        with self._lock:
            numbers = [number for number, (due, _) in self._due.items() if due <= now]
            return [self._due.pop(number)[1] for number in numbers]
