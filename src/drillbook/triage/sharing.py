"""
What several ask of the same logs at once is read, taken apart and searched once for all of them.

The reads of a triage run side by side as threads of one process, and most of them begin with the
same half hour: whoever comes second waits for the first, or has what was found just now.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock, Thread
from time import monotonic
from typing import Generic, TypeVar

from drillbook.analysis.culprit.trouble import Felt, find_trouble
from drillbook.core.effect import deadline
from drillbook.core.errors import Unavailable
from drillbook.ports.logs import Logs, LogSpan
from drillbook.triage.lines import Read, read_lines

T = TypeVar("T")
FRESH_SECONDS = 2.0
MOST_WAITED = 20.0
MOST_KEPT = 4
# Windows that differ by less are one: whoever asks a second later means the same half hour.
NEARLY_THE_SAME = 0.02


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a window up to now."""

    start: datetime
    now: datetime
    span: LogSpan


@dataclass(frozen=True, slots=True)
class Found(Lines):
    """The lines of a window, taken apart, and what users feel by them."""

    read: Read
    felt: Felt


@dataclass
class _Flight(Generic[T]):
    """One look under way or just ended; it holds its log, so that no other takes its identity."""

    logs: Logs
    window: timedelta
    own_paths: tuple[str, ...]
    found: Future[T] = field(default_factory=Future)
    ended: float | None = None

    def serves(self, logs: Logs, window: timedelta, own_paths: tuple[str, ...]) -> bool:
        if self.ended is not None and monotonic() - self.ended > FRESH_SECONDS:
            return False
        same = self.logs is logs and self.own_paths == own_paths
        return same and abs(self.window - window) <= NEARLY_THE_SAME * window

    def carry_out(self, work: Callable[[], T]) -> None:
        context = copy_context()  # the deadline is the context's

        def worked() -> None:
            try:
                self.found.set_result(context.run(work))
            except BaseException as error:  # noqa: BLE001 - handed to everybody who waits
                self.window = timedelta(-1)  # what failed serves nobody who asks later
                self.found.set_exception(error)
            finally:
                self.ended = monotonic()

        # Who asks waits for so long only; a daemon, for what hangs must not keep the process.
        Thread(target=worked, name="logs of a triage", daemon=True).start()


@dataclass
class _Flights(Generic[T]):
    _flights: list[_Flight[T]] = field(default_factory=list[_Flight[T]])
    _lock: Lock = field(default_factory=Lock)

    def joined(
        self,
        logs: Logs,
        window: timedelta,
        own_paths: tuple[str, ...],
        work: Callable[[], T],
        at_most: float,
    ) -> T:
        with self._lock:
            flight = next((x for x in self._flights if x.serves(logs, window, own_paths)), None)
            if flight is None:
                flight = _Flight(logs, window, own_paths)
                self._flights = [*self._flights[1 - MOST_KEPT :], flight]
                flight.carry_out(work)
        try:
            return flight.found.result(deadline.get().left(at_most=at_most))
        except TimeoutError as error:
            if flight.found.done():
                raise  # the log's own
            raise Unavailable(
                f"the log took too long: it was not read within {at_most:g} s",
                hint="Ask again, or look at a shorter window.",
            ) from error


@dataclass
class Sharing:
    """Looks once for all who ask the same, until two seconds after the answer."""

    _lines: _Flights[Lines] = field(default_factory=_Flights[Lines])
    _found: _Flights[Found] = field(default_factory=_Flights[Found])

    def lines(self, logs: Logs, window: timedelta, at_most: float = MOST_WAITED) -> Lines:
        """Return the lines of a window up to now; errors of the log rise for all who asked."""

        def read() -> Lines:
            now = datetime.now(UTC)
            return Lines(now - window, now, logs.between(now - window, now))

        return self._lines.joined(logs, window, (), read, at_most)

    def look(
        self,
        logs: Logs,
        own_paths: Iterable[str],
        window: timedelta,
        at_most: float = MOST_WAITED,
    ) -> Found:
        """Return a window's lines taken apart, and what users feel by them; errors rise."""
        watched = tuple(own_paths)

        def found() -> Found:
            lines = self.lines(logs, window)
            read = read_lines(lines.span, watched)
            felt = find_trouble(
                read.requests, lines.now.timestamp(), lines.start.timestamp(), health=read.health
            )
            return Found(lines.start, lines.now, lines.span, read, felt)

        return self._found.joined(logs, window, watched, found, at_most)


shared = Sharing()
