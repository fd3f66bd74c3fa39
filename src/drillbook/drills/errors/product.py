"""The product as it is in a case: its lookout, the runs it starts, and what their record says."""

import signal
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from drillbook.actions import CATALOG
from drillbook.compiler.plans import compile_plan
from drillbook.core.errors import Refused
from drillbook.core.files import read_file
from drillbook.core.process_identity import end, identify
from drillbook.core.record import EntryKind
from drillbook.drills.demo_stage import RANGE, Stage
from drillbook.drills.errors.case import Said
from drillbook.engine.journal import Recorded
from drillbook.engine.outcome import State
from drillbook.engine.runs import Runs
from drillbook.engine.spawn import ensure_worker
from drillbook.stack.books import find_books
from drillbook.watch.incidents import Incident, IncidentBook
from drillbook.watch.service import LOCK, is_watching

RUNBOOK = "High Error Rate"
CULPRIT, WATCH = "errors.culprit", "errors.watch"
BY = "drill@example.com"
STOP_SECONDS = 5.0
UNDER_WAY = (State.RUNNING, State.WAITING)
ENDINGS = (EntryKind.TASK_DONE, EntryKind.TASK_FAILED)


@dataclass(frozen=True, slots=True)
class Step:
    """One task of a run that has ended: which action, how, when, and what it returned."""

    does: str
    task: str
    kind: str
    at: datetime
    result: Said
    error: str = ""


@dataclass(slots=True)
class Product:
    """Drillbook with one home, looking at one stack; the drill only starts it and reads."""

    stage: Stage
    runs: Runs
    _lookout: "subprocess.Popen[bytes] | None" = None
    _does: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    def look_out(self) -> None:
        """Start the lookout, or see that it still runs."""
        if self._lookout is not None and self._lookout.poll() is None:
            return
        log = self.stage.store.home / "logs" / "lookout.log"
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with log.open("ab") as file:
            self._lookout = subprocess.Popen(
                [sys.executable, "-m", "drillbook", "lookout"],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                cwd=self.stage.folder / RANGE,
                start_new_session=True,
            )

    def leave(self) -> None:
        """End the lookout."""
        if self._lookout is None:
            return
        found = identify(self._lookout.pid)
        if found is not None:
            end(found, signal.SIGTERM, signal.SIGKILL, seconds=STOP_SECONDS)
        self._lookout.wait()

    def incidents(self, since: datetime) -> list[Incident]:
        """Return what the lookout has opened since a moment, the first first."""
        found = [each for each in self._book().all() if each.opened_at >= since]
        return sorted(found, key=lambda each: each.opened_at)

    def is_calm(self) -> bool:
        """Whether no incident is open any more."""
        return not self._book().all(only_open=True)

    def close(self) -> list[str]:
        """Close what is open, and stop what still runs, as a person does who has mended it."""
        found = self._book().all(only_open=True)
        for each in found:
            self._book().close(each.id, at=datetime.now(UTC), because="mended by hand")
        for run in self.runs.list(limit=10):
            if run.state in UNDER_WAY:
                self.runs.kill(run.run)
        return [each.noticed[0].says for each in found]

    def begin(self) -> str:
        """Start the runbook by hand, unattended, as the lookout would."""
        book = find_books(folder=self.stage.folder / RANGE).find(RUNBOOK)
        plan = compile_plan(
            book.file.book, book.runbook.title, text=book.file.text,
            stack=self.stage.stack.facts(), catalog=lambda: CATALOG,
            files=lambda name: read_file(Path(name)), inputs={},
        )  # fmt: skip
        ensure_worker(self.stage.store)
        try:
            return self.runs.start(plan, by=BY, unattended=True)
        except Refused:  # as the lookout does: better a run that asks than no diagnosis
            return self.runs.start(plan, by=BY)

    def steps(self, run: str) -> list[Step]:
        """Return the tasks of a run that have ended, by its record."""
        does = self._actions(run)
        return [_step(entry, does) for entry in self.runs.entries(run) if entry.kind in ENDINGS]

    def started(self, run: str) -> datetime:
        """Return when a run was taken up, or now."""
        for entry in self.runs.entries(run):
            if entry.kind == EntryKind.RUN_STARTED:
                return entry.at
        return datetime.now(UTC)

    def _actions(self, run: str) -> dict[str, str]:
        if run not in self._does:
            part = self.runs.show(run).plan.part
            self._does[run] = {task.id: task.does or "" for task in part.all_tasks()}
        return self._does[run]

    def _book(self) -> IncidentBook:
        return IncidentBook(self.stage.store.home)


def end_left(home: Path) -> None:
    """End the lookout that an earlier drill left, which was killed before it could do so."""
    lock = home / LOCK
    words = lock.read_text(encoding="utf-8").strip() if lock.exists() else ""
    found = identify(int(words)) if words.isdigit() and is_watching(home) else None
    if found is not None:
        end(found, signal.SIGTERM, signal.SIGKILL, seconds=STOP_SECONDS)


def _step(entry: Recorded, does: dict[str, str]) -> Step:
    result = entry.data.get("result")
    return Step(
        does=does.get(entry.task, ""),
        task=entry.task,
        kind=entry.kind,
        at=entry.at,
        result=result if isinstance(result, dict) else {},
        error=str(entry.data.get("error") or ""),
    )
