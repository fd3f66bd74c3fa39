"""
What several ask of the same logs at once is read, taken apart and searched once for all of them.

The reads of a triage run side by side as threads of one process, and most of them begin with the
same half hour: whoever comes second waits for the first, or has what was found just now.
"""

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from time import monotonic

from drillbook.analysis.culprit.trouble import Felt, find_trouble
from drillbook.core.effect import deadline
from drillbook.core.errors import Unavailable
from drillbook.ports.logs import Logs, LogSpan
from drillbook.triage.lines import Read, read_lines

FRESH_SECONDS = 2.0
MOST_WAITED = 15.0
MOST_KEPT = 4


@dataclass(frozen=True, slots=True)
class Found:
    """The lines of a window up to now, taken apart, and what users feel by them."""

    start: datetime
    now: datetime
    span: LogSpan
    read: Read
    felt: Felt


@dataclass
class _Flight:
    """One look under way or just ended; it holds its log, so that no other takes its identity."""

    logs: Logs
    window: int
    own_paths: tuple[str, ...]
    found: Future[Found]
    ended: float | None = None

    def serves(self, logs: Logs, window: int, own_paths: tuple[str, ...]) -> bool:
        is_fresh = self.ended is None or monotonic() - self.ended <= FRESH_SECONDS
        same = self.logs is logs and self.window == window and self.own_paths == own_paths
        return same and is_fresh


@dataclass
class Sharing:
    """Looks once for all who ask the same within two seconds of the answer."""

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._flights: list[_Flight] = []

    def look(
        self,
        logs: Logs,
        own_paths: Iterable[str],
        window: timedelta,
        at_most_seconds: float = MOST_WAITED,
    ) -> Found:
        """Return what a window up to now holds; errors of the log rise for everybody who asked."""
        flight, is_mine = self._joined(logs, tuple(own_paths), window)
        if is_mine:
            _carry_out(flight, window)
        try:
            return flight.found.result(deadline.get().left(at_most=at_most_seconds))
        except TimeoutError as error:
            raise Unavailable(
                f"the log was not read within {at_most_seconds:g} s, by another who asked the same",
                hint="Ask again, or look at a shorter window.",
            ) from error

    def _joined(
        self, logs: Logs, own_paths: tuple[str, ...], window: timedelta
    ) -> tuple[_Flight, bool]:
        asked = (logs, round(window.total_seconds()), own_paths)
        with self._lock:
            for flight in self._flights:
                if flight.serves(*asked):
                    return flight, False
            new = _Flight(*asked, Future())
            self._flights = [*self._flights[1 - MOST_KEPT :], new]
            return new, True


def _carry_out(flight: _Flight, window: timedelta) -> None:
    now = datetime.now(UTC)
    start = now - window
    try:
        span = flight.logs.between(start, now)
        read = read_lines(span, flight.own_paths)
        felt = find_trouble(read.requests, now.timestamp(), start.timestamp(), health=read.health)
        flight.found.set_result(Found(start, now, span, read, felt))
    except BaseException as error:  # noqa: BLE001 - handed to everybody who waits
        flight.found.set_exception(error)
    finally:
        flight.ended = monotonic()


shared = Sharing()
