"""The lock table, looked at every few milliseconds from a session of its own."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Event, Thread
from time import perf_counter
from typing import Self, TypeVar

from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server, Session

EVERY_SECONDS = 0.002
TELL_SECONDS = 1.0
STUCK_SECONDS = 0.05
K = TypeVar("K")


@dataclass(slots=True)
class Seen:
    """A lock held, or a session waiting, from `start` until `end`; `end` moves while it lasts."""

    start: float
    end: float
    open: bool = True


@dataclass
class LockSampler:
    """Samples the locks of one session and the waits of all others until it is stopped."""

    server: Server
    pid: int
    on_table: Callable[[int], None]
    on_second: Callable[[Session], None]
    held: dict[tuple[int, str], list[Seen]] = field(default_factory=dict)
    waits: dict[int, list[Seen]] = field(default_factory=dict)
    samples: int = 0
    failed: BaseException | None = None

    def __post_init__(self) -> None:
        self._stop = Event()
        self._ready = Event()
        self._thread = Thread(target=self._run, daemon=True, name="lock-sampler")

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def first_seen(self, relation: int, mode: str, after: float) -> float | None:
        """Return when a lock was there at the latest, if it was seen at or after a moment."""
        for seen in self.held.get((relation, mode), ()):
            if seen.end >= after:
                return seen.start
        return None

    def _run(self) -> None:
        try:
            with ExitStack() as stack:
                session = stack.enter_context(
                    self.server.session(application="drillbook locks", at_most=7 * 86400.0)
                )
                session.prepare_threshold = 0
                before = told = perf_counter()
                while not self._stop.is_set():
                    before = self._sample(session, before)
                    self._ready.set()
                    if before - told >= TELL_SECONDS:
                        told = before
                        self.on_second(session)
                    self._stop.wait(EVERY_SECONDS)
        except Exception as error:  # noqa: BLE001 - raised by the one who started it
            self.failed = error
        finally:
            self._ready.set()

    def _sample(self, session: Session, before: float) -> float:
        asked = perf_counter()
        rows = session.execute(query("rehearsal", "sample"), {"pid": self.pid}).fetchall()
        answered = perf_counter()
        self.samples += 1
        held: set[tuple[int, str]] = set()
        waiting: set[int] = set()
        stuck = False
        for pid, relation, mode, granted, _kind, waited in rows:
            if granted and isinstance(relation, int):
                held.add((relation, str(mode)))
            elif pid == self.pid:
                stuck = isinstance(waited, float) and waited > STUCK_SECONDS
            elif isinstance(pid, int):
                waiting.add(pid)
                since = answered - waited if isinstance(waited, float) else asked
                _note(self.waits.setdefault(pid, []), since, answered)
        for key in held:
            if not _note(self.held.setdefault(key, []), before, answered):
                self.on_table(key[0])
        if stuck and waiting:
            values = {"pid": self.pid, "waiting": list(waiting)}
            session.execute(query("rehearsal", "give_way"), values)
        _close(self.held, held, answered)
        _close(self.waits, waiting, answered)
        return asked


def _note(seen: list[Seen], start: float, now: float) -> bool:
    """Prolong what lasts, or begin anew; return whether it lasted already."""
    if seen and seen[-1].open and start <= seen[-1].end:
        seen[-1].end = now
        return True
    if seen:
        seen[-1].open = False
    seen.append(Seen(start, now))
    return False


def _close(known: dict[K, list[Seen]], there: set[K], now: float) -> None:
    for key, seen in known.items():
        if seen[-1].open and key not in there:
            seen[-1].open, seen[-1].end = False, now
