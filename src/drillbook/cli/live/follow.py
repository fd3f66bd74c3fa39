"""Follows a run to its end: shows what is recorded, asks who is there, keeps a worker alive."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from drillbook.cli.exit_codes import OF_STATE, ExitCode
from drillbook.cli.live.asking import Asker
from drillbook.cli.live.faces import Face
from drillbook.cli.telling import visible
from drillbook.core.errors import Refused, Unavailable
from drillbook.core.record import EntryKind
from drillbook.core.secret import scrub
from drillbook.engine.journal import Recorded
from drillbook.engine.progress import Progress
from drillbook.engine.runs import Runs, RunView
from drillbook.engine.spawn import ensure_worker
from drillbook.engine.waiting import Waiting, open_questions

LOOK_SECONDS = 0.15
WORKER_SECONDS = 2.0
SETTLE_SECONDS = 30.0
PATIENCE_SECONDS = 2.0
AWAY_SECONDS = 60.0

T = TypeVar("T")


@dataclass
class Follower:
    """One viewer of one run; without an asker, nobody here can answer."""

    runs: Runs
    run: str
    face: Face
    asker: Asker | None = None
    stay: bool = True
    _entries: list[Recorded] = field(default_factory=list[Recorded])
    _waits: tuple[Waiting, ...] = ()
    _waits_since: float = 0.0
    _looked: float = 0.0

    def follow(self) -> RunView:
        """Return the run as it is when it has ended, or when there is nothing to do here."""
        self._progress = Progress(self.runs.store.home / "progress")
        try:
            while not self._patiently(self._is_over):
                pass
        finally:
            self.face.close()
        return self._patiently(self._settled)

    def _is_over(self) -> bool:
        """Take one turn; whether there is nothing more to do here."""
        if self._take_new() or self._is_dead() or self._is_left():
            return True
        self._turn()
        return False

    def _patiently(self, do: Callable[[], T]) -> T:
        """Do it; a store that is away is waited for, as its server may only be restarting."""
        ends, said = time.monotonic() + AWAY_SECONDS, False
        while True:
            try:
                return do()
            except Unavailable as error:
                if time.monotonic() > ends:
                    raise
                if not said:
                    said = True
                    print(f"waiting: {visible(scrub(str(error)))}", file=sys.stderr)
                time.sleep(1.0)

    def _take_new(self) -> bool:
        """Show what was recorded meanwhile; whether the run has ended."""
        after = self._entries[-1].index if self._entries else -1
        fresh = list(self.runs.entries(self.run, after=after))
        if not fresh:
            return False
        self._entries += fresh
        self._waits = open_questions(self._entries)
        self._waits_since = time.monotonic()
        self.face.pause() if self.asker and self.asker.next(self._waits) else None
        for entry in fresh:
            self.face.show(entry)
            if entry.kind == EntryKind.MESSAGE_IGNORED and self.asker is not None:
                self.asker.again(entry.task)
        return any(entry.kind == EntryKind.RUN_ENDED for entry in fresh)

    def _turn(self) -> None:
        question = self.asker.next(self._waits) if self.asker else None
        if self.asker is None or question is None:
            self.face.tick(self._waits, self._progress.now(self.run))
            after = self._entries[-1].index if self._entries else -1
            self.runs.journal.wait(self.run, after=after, timeout_seconds=LOOK_SECONDS)
            return
        self.face.pause()
        self.asker.put(question)
        message = self.asker.typed(question)
        if message is None:
            return
        try:
            self.runs.answer(self.run, message)
        except Refused as error:  # somebody else was quicker, or more must be said with it
            print(f"  {error}. {error.hint}")
            self.asker.again(message.task)

    def _is_dead(self) -> bool:
        """Every two seconds: see that a worker lives, and that the run was not stopped dead."""
        if time.monotonic() - self._looked < WORKER_SECONDS:
            return False
        self._looked = time.monotonic()
        if OF_STATE[self.runs.state(self.run)] is not ExitCode.LEFT:
            return True
        ensure_worker(self.runs.store)
        return False

    def _is_left(self) -> bool:
        """Whether the run waits for a person, and nobody here can answer."""
        if self.stay or not self._waits:
            return False
        return time.monotonic() - self._waits_since > PATIENCE_SECONDS

    def _settled(self) -> RunView:
        """Return the run's view; the outcome is stored a moment after the last entry."""
        ends = time.monotonic() + SETTLE_SECONDS
        ended = any(entry.kind == EntryKind.RUN_ENDED for entry in self._entries)
        view = self.runs.show(self.run)
        while ended and view.outcome is None and time.monotonic() < ends:
            if OF_STATE[view.summary.state] is ExitCode.DEAD:
                break
            ensure_worker(self.runs.store)  # killed between the last entry and the outcome
            time.sleep(LOOK_SECONDS)
            view = self.runs.show(self.run)
        return view
