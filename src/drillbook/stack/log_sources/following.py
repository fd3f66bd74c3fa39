"""
A platform's short-lived log followed: what it told is kept here, and only what is new is asked for.

A platform may be slow, away, or turn us away, and must not hold up whoever diagnoses: it is asked
in a thread, waited for a short while, and after a failure hardly at all until it answers again.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, Thread

from drillbook.core.effect import Deadline, deadline
from drillbook.core.errors import DrillbookError, Failed, Unavailable
from drillbook.core.quantities import show_duration
from drillbook.core.secret import scrub
from drillbook.ports.logs import LogSpan, ShortLivedLogs
from drillbook.providers.kept import KeptLogs
from drillbook.providers.kept.covering import Covered, Span
from drillbook.stack.log_sources.source import Told

# How long a reader waits, and how long after a failure.
PATIENCE_SECONDS, LITTLE_PATIENCE_SECONDS = 3.0, 0.2
ASKING_SECONDS = 8.0
LONGEST_PAUSE_SECONDS = 15.0
# Lines come late: a request is told of when it has ended, and platforms take their time.
LATE = timedelta(seconds=60)
PIECE = timedelta(minutes=5)
OVERLAP = timedelta(seconds=4)
LATE_ONES_EVERY = timedelta(seconds=15)
FRESH = timedelta(seconds=0.8)
# A clock that differs a little must not make what was just read look old.
NEARLY = timedelta(seconds=5)
TWICE = 2.0


@dataclass
class Following:
    """A source that a platform keeps for a short while; safe to share by threads."""

    name: str
    kind: str
    remote: ShortLivedLogs
    kept: KeptLogs
    # Asked for no more often than that: platforms count our questions.
    fresh: timedelta = FRESH
    problem: DrillbookError | None = None
    _pause: float = 0.0
    _slow: bool = False
    _not_before: float = 0.0
    _asked_late: datetime | None = None
    _ended: Event = field(default_factory=Event)
    _busy: bool = False
    _lock: Lock = field(default_factory=Lock)

    def ask(self, start: datetime, end: datetime) -> None:
        """Begin to ask for what is not known of a time, unless that is under way."""
        with self._lock:
            if self._busy or time.monotonic() < self._not_before:
                return
            now = datetime.now(UTC)
            gaps = self._gaps(start, min(end, now), now)
            if not gaps:
                return
            self._busy = True
            self._ended.clear()
        Thread(
            target=self._work, args=(gaps, now), name=f"logs of {self.name}", daemon=True
        ).start()

    def told(self, start: datetime, end: datetime) -> Told:
        """Return what is known of the time, after a short wait for what is under way."""
        if self._busy:
            impatient = self._pause or self._slow
            ended = self._ended.wait(LITTLE_PATIENCE_SECONDS if impatient else PATIENCE_SECONDS)
            self._slow = self._slow or not ended
        problem = self.problem
        if problem is None and self._busy:
            problem = Unavailable(f"no answer within {PATIENCE_SECONDS:.0f} s")
        covered = self.kept.covered()
        span, newest = self.kept.between(start, end), self.kept.newest()
        missing = bool(covered.gaps(start, min(end, datetime.now(UTC)) - NEARLY - self.fresh))
        before = self.kept.between(start - LATE, start)
        return Told(
            LogSpan(span.lines, cut=missing),
            problem if missing else None,
            newest,
            covered.until,
            covered.holds,
            _late(covered),
            frozenset(line.request for line in before.lines if line.request),
        )

    @property
    def forgets(self) -> str:
        """When the platform forgets its lines; what was read of them is kept here."""
        return f"; its platform keeps a line for {show_duration(self.remote.keeps)}"

    def newest(self) -> datetime | None:
        """Ask for the last minutes, and return when the last line was written; errors rise."""
        now = datetime.now(UTC)
        self._fetch(now - LATE, now, now)
        return self.kept.newest()

    def _gaps(self, start: datetime, end: datetime, now: datetime) -> list[Span]:
        covered, oldest = self.kept.covered(), now - self.remote.keeps
        gaps = covered.gaps(max(start, oldest), end)
        newest = covered.until
        if newest is None or end <= newest - NEARLY:
            return gaps
        if now - newest < self.fresh:
            return [gap for gap in gaps if gap[1] <= newest]
        # The newest gap begins a little earlier: what is told late would be missed.
        since = newest - OVERLAP
        if self._asked_late is None or now - self._asked_late > LATE_ONES_EVERY:
            since, self._asked_late = min(since, covered.final_until or since), now
        older = [gap for gap in gaps if gap[1] <= newest]
        return [(max(since, oldest), end), *older] if since < end else older

    def _work(self, gaps: list[Span], now: datetime) -> None:
        deadline.set(Deadline(now + timedelta(seconds=ASKING_SECONDS)))
        begun = time.monotonic()
        until = begun + ASKING_SECONDS
        try:
            for start, end in (piece for gap in gaps for piece in _pieces(*gap)):
                if time.monotonic() >= until or not self._fetch(start, end, now, until):
                    break  # the next reader asks for the rest
            self.problem, self._pause = None, 0.0
        except DrillbookError as error:
            self.problem = error
            self._pause = min(LONGEST_PAUSE_SECONDS, max(1.0, TWICE * self._pause))
        except Exception as error:  # noqa: BLE001 - told as the source's state: nobody waits for a thread
            self.problem = Failed(f"{type(error).__name__}: {scrub(str(error))}")
            self._pause = LONGEST_PAUSE_SECONDS
        finally:
            self._not_before = time.monotonic() + self._pause
            self._slow = time.monotonic() - begun > PATIENCE_SECONDS
            self._busy = False
            self._ended.set()

    def _fetch(self, start: datetime, end: datetime, now: datetime, until: float = 0.0) -> bool:
        """Ask for a time and keep it; False when not all of it came."""
        seconds = max(0.5, until - time.monotonic()) if until else PATIENCE_SECONDS
        fetched = self.remote.fetch(start, end, seconds)
        self.kept.keep(fetched.lines)
        if fetched.start < end:
            self.kept.cover(fetched.start, end, min(end, now - LATE))
        return fetched.start <= start


def _pieces(start: datetime, end: datetime) -> Iterator[Span]:
    """Divide a time, the newest piece first: each is kept as soon as it came."""
    while end > start:
        yield max(start, end - PIECE), end
        end -= PIECE


def _late(covered: Covered) -> Callable[[datetime], bool]:
    final = covered.final_until
    return lambda at: final is None or at >= final
