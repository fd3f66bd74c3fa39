"""The clients of a database server while something is broken: whom the product may end at once."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from drillbook.drills.errors.world_database import Session, sessions_of
from drillbook.range.environment import Environment

LOOK_SECONDS = 0.3


class SessionsSeen:
    """All sessions that were seen so far; a look at everything else takes seconds longer."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._seen: set[Session] = set()
        self._ended = Event()

    def all_with(self, others: Iterable[Session]) -> tuple[Session, ...]:
        """Return what was seen and these, in the order they began."""
        return tuple(sorted({*self._seen, *others}, key=lambda each: (each.began, each.pid)))

    @contextmanager
    def looking(self) -> Iterator["SessionsSeen"]:
        """Look again and again until the block ends."""
        thread = Thread(target=self._look, name="sessions seen", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            thread.join()

    def _look(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self._seen |= set(sessions_of(self._environment))
