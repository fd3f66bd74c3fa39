"""Follows a run to its end: shows what is recorded, asks who is there, keeps a worker alive."""

import time
from dataclasses import dataclass, field

from drillbook.cli.exit_codes import OF_STATE, ExitCode
from drillbook.cli.live.asking import Asker
from drillbook.cli.live.faces import Face
from drillbook.core.errors import Refused
from drillbook.core.record import EntryKind
from drillbook.engine.journal import Recorded
from drillbook.engine.progress import Progress
from drillbook.engine.runs import Runs, RunView
from drillbook.engine.spawn import ensure_worker
from drillbook.engine.waiting import Waiting, open_questions

LOOK_SECONDS = 0.15
WORKER_SECONDS = 2.0
SETTLE_SECONDS = 30.0
PATIENCE_SECONDS = 2.0


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
            while not self._take_new():
                if self._is_dead() or self._is_left():
                    break
                self._turn()
        finally:
            self.face.close()
        return self._settled()

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
