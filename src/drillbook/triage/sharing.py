"""
What several ask of the same logs at once is read, taken apart and searched once for all of them.

The reads of a triage run side by side as threads of one process, and most of them begin with the
same half hour: whoever comes second waits for the first, or has what was found just now.
Each waits for as long as it may; the read itself goes on for whoever has more time.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock, Thread, Timer
from time import monotonic
from typing import Generic, TypeVar

from drillbook.analysis.culprit.trouble import Felt, find_trouble
from drillbook.core.effect import Deadline, deadline
from drillbook.core.errors import Unavailable
from drillbook.ports.logs import Logs, LogSpan
from drillbook.triage.lines import Read, read_lines

T = TypeVar("T")
FRESH_SECONDS = 2.0
MOST_WAITED = 25.0
# How long a read lasts of its own, whoever began it; and until when others rely on it.
OWN_SECONDS, JOINED_SECONDS = 900.0, 25.0
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
    begun: float = field(default_factory=monotonic)
    ended: float | None = None

    def serves(self, logs: Logs, window: timedelta, own_paths: tuple[str, ...]) -> bool:
        ended = self.ended
        if ended is not None and monotonic() - ended > FRESH_SECONDS:
            return False
        if ended is None and monotonic() - self.begun > JOINED_SECONDS:
            return False  # it may hang for ever
        same = self.logs is logs and self.own_paths == own_paths
        return same and abs(self.window - window) <= NEARLY_THE_SAME * window

    def carry_out(self, work: Callable[[], T], seconds: float, then: Callable[[], None]) -> None:
        context = copy_context()

        def in_own_time() -> T:
            # Whoever asked first may have a second left, and whoever joins a minute.
            deadline.set(Deadline(datetime.now(UTC) + timedelta(seconds=seconds)))
            return work()

        def worked() -> None:
            try:
                self.found.set_result(context.run(in_own_time))
            except BaseException as error:  # noqa: BLE001 - handed to everybody who waits
                self.window = timedelta(-1)  # what failed serves nobody who asks later
                self.found.set_exception(error)
            finally:
                self.ended = monotonic()
                forgetting = Timer(FRESH_SECONDS, then)
                forgetting.daemon = True
                forgetting.start()

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
        seconds = deadline.get().left(at_most=at_most)
        with self._lock:
            flight = next((x for x in self._flights if x.serves(logs, window, own_paths)), None)
            if flight is None:
                flight = _Flight(logs, window, own_paths)
                self._flights = [*self._flights[1 - MOST_KEPT :], flight]
                flight.carry_out(work, max(OWN_SECONDS, seconds), partial(self._forget, flight))
        wait([flight.found], seconds)
        if flight.found.done():
            return flight.found.result()
        raise Unavailable(
            f"the log took too long: it was not read within {round(seconds, 2):g} s",
            hint="Ask again, or look at a shorter window.",
        )

    def _forget(self, flight: _Flight[T]) -> None:
        """Hold nobody's lines in a worker that has nothing to do."""
        with self._lock:
            self._flights = [one for one in self._flights if one is not flight]


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
            lines = self.lines(logs, window, max(OWN_SECONDS, at_most))
            read = read_lines(lines.span, watched)
            felt = find_trouble(
                read.requests, lines.now.timestamp(), lines.start.timestamp(), health=read.health
            )
            return Found(lines.start, lines.now, lines.span, read, felt)

        return self._found.joined(logs, window, watched, found, at_most)


shared = Sharing()
