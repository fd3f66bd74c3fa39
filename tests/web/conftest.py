"""Real runs, carried out once a session by a real worker, and what the record holds of them."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drillbook.engine.journal import Recorded, TreeHead
from drillbook.engine.messages import Message, MessageKind
from drillbook.engine.outcome import State
from drillbook.engine.runs import Runs, RunView, opened
from drillbook.engine.store import Store
from drillbook.web.report import RunReport, build
from web.stories import STORIES, Reply, Story

PROGRAM = Path(__file__).with_name("shelf.py")
PATIENCE_SECONDS = 90.0


@dataclass(frozen=True)
class Told:
    """One finished run: all that a report is made of."""

    view: RunView
    entries: list[Recorded]
    evidence: Callable[[str], bytes]
    head: TreeHead | None
    runs: Runs

    def report(self) -> RunReport:
        return build(self.view, self.entries, self.evidence, head=self.head)

    def of_kind(self, *kinds: str, task: str | None = None) -> list[Recorded]:
        return [e for e in self.entries if e.kind in kinds and task in (None, e.task)]


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Told]]:
    """The stories, told."""
    folder = tmp_path_factory.mktemp("shelf")
    store = Store(f"sqlite:///{folder}/home/store.db", folder / "home")
    with opened(store) as runs:
        argv = [sys.executable, PROGRAM, store.url, store.home, folder]
        worker = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
            yield _tell_all(runs, folder)
        finally:
            worker.kill()
            worker.wait()
            assert worker.stdout is not None
            worker.stdout.close()


def _tell_all(runs: Runs, folder: Path) -> dict[str, Told]:
    started = {}
    for name, story_of in STORIES.items():
        story = story_of(name)
        place = folder / name
        place.mkdir()
        for fault in story.faults:
            (place / fault).touch()
        run = runs.start(story.plan, by="ana", unattended=story.unattended)
        started[name] = (run, story)
    for run, story in started.values():
        _play(runs, run, story)
    run = runs.undo(started["everything"][0], by="li")
    _play(runs, run, started["taken-back"][1])
    started["undo"] = (run, started["taken-back"][1])
    return {name: _told(runs, run) for name, (run, _) in started.items()}


def _told(runs: Runs, run: str) -> Told:
    entries = list(runs.entries(run))
    return Told(runs.show(run), entries, runs.journal.get_evidence, runs.journal.head(), runs)


def _play(runs: Runs, run: str, story: Story) -> None:
    """Answer what the run asks, until it ends or waits for what nobody answers."""
    replies = {task: list(said) for task, said in story.replies.items()}
    end, seen = time.monotonic() + PATIENCE_SECONDS, -1
    while runs.outcome(run) is None:
        assert time.monotonic() < end, f"{run} did not end: {runs.show(run).waits}"
        assert runs.state(run) is not State.DEAD, runs.show(run).summary.reason
        for waits in runs.show(run).waits:
            if replies.get(waits.task):
                reply = replies[waits.task].pop(0)
                seen = max((entry.index for entry in runs.entries(run)), default=-1)
                runs.answer(run, _message(waits.task, reply, waits.data))
                runs.journal.wait(run, after=seen, timeout_seconds=5)
            elif story.stays_open:
                return
        runs.journal.wait(run, after=seen, timeout_seconds=0.1)


def _message(task: str, reply: Reply, asked: dict[str, object]) -> Message:
    binds = reply.kind is MessageKind.APPROVE
    return Message(
        kind=reply.kind, task=task, by=reply.by, at=datetime.now(UTC), says=reply.says,
        note=reply.note, plan_hash=str(asked["plan"]) if binds else "",
        digest=str(asked["digest"]) if binds else "",
    )  # fmt: skip
