"""A store, a world and real worker processes for each test."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from drillbook.core.model import Risk
from drillbook.core.plan import (
    Argument,
    Kind,
    Part,
    Plan,
    PlannedStep,
    PlannedTask,
    PlanPart,
    TakenBack,
)
from drillbook.core.process_identity import children_of, send_signal
from drillbook.engine.messages import Message, MessageKind
from drillbook.engine.outcome import RunOutcome
from drillbook.engine.runs import Runs, opened
from drillbook.engine.store import Store
from engine.world import CATALOG, World

PROGRAM = Path(__file__).with_name("world.py")
PATIENCE_SECONDS = 60


@dataclass
class Site:
    """A store, the worlds its runs act on, and the worker processes that live here."""

    store: Store
    worlds: Path
    workers: list[subprocess.Popen[str]] = field(default_factory=list)

    def worker(self, *how: str) -> subprocess.Popen[str]:
        """Start a real worker process."""
        argv = [sys.executable, PROGRAM, self.store.url, self.store.home, self.worlds, *how]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        self.workers.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def close(self) -> None:
        for process in self.workers:
            for child in children_of(process.pid):
                send_signal(child, signal.SIGKILL)
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()


@dataclass
class Bench:
    """Everything a test of runs needs: a world of its own, and the runs of a site."""

    site: Site
    world: World
    runs: Runs

    def worker(self) -> subprocess.Popen[str]:
        """Start a real worker process."""
        return self.site.worker()

    def plant(self, *faults: str) -> None:
        for fault in faults:
            (self.world.folder / fault).touch()

    def until(self, holds: Callable[[], object], what: str) -> None:
        """Wait for something to become true; fail saying what did not."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert time.monotonic() < end, f"{what} did not happen in {PATIENCE_SECONDS} s"
            time.sleep(0.02)  # there is no event to await between processes of a store

    def ended(self, run: str) -> RunOutcome:
        """Wait for the run's end."""
        self.until(lambda: self.runs.outcome(run), f"the end of {run}")
        outcome = self.runs.outcome(run)
        assert outcome is not None
        return outcome

    def asked(self, run: str, task: str) -> None:
        """Wait until a task asks something."""
        self.until(
            lambda: any(waits.task == task for waits in self.runs.show(run).waits),
            f"the question of task {task}",
        )

    def send(self, run: str, kind: MessageKind, task: str, says: str = "", **more: str) -> None:
        by = more.pop("by", "ana")
        message = Message(kind=kind, task=task, by=by, at=datetime.now(UTC), says=says, **more)
        self.runs.answer(run, message)

    def kinds(self, run: str, task: str | None = None) -> list[str]:
        entries = self.runs.entries(run)
        return [entry.kind for entry in entries if task is None or entry.task == task]

    def start(self, plan: Plan, *, by: str = "ana", unattended: bool = False) -> str:
        """Start a run that acts on this test's world."""
        here = _moved(plan.model_dump(mode="json"), self.world.folder.name)
        return self.runs.start(Plan.model_validate(here), by=by, unattended=unattended)

    def finish(self, *tasks: PlannedTask) -> RunOutcome:
        """Run these tasks unattended to their end."""
        return self.ended(self.start(plan(*tasks), unattended=True))


@pytest.fixture(scope="session")
def lively_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with one worker that no test kills."""
    folder = tmp_path_factory.mktemp("site")
    site = make_site(folder, f"sqlite:///{folder}/home/store.db")
    with opened(site.store):
        site.worker()
    yield site
    site.close()


@pytest.fixture
def bench(lively_site: Site) -> Iterator[Bench]:
    """A world with a worker at work."""
    yield from make_bench(lively_site)


@pytest.fixture
def quiet_bench(tmp_path: Path) -> Iterator[Bench]:
    """A world of a store of its own, with no worker yet."""
    site = make_site(tmp_path, f"sqlite:///{tmp_path}/home/store.db")
    yield from make_bench(site)
    site.close()


def make_site(folder: Path, url: str) -> Site:
    worlds = folder / "worlds"
    worlds.mkdir()
    return Site(Store(url, folder / "home"), worlds)


def make_bench(site: Site) -> Iterator[Bench]:
    world = World(site.worlds / f"w{uuid4().hex[:8]}")
    world.folder.mkdir()
    with opened(site.store) as runs:
        yield Bench(site, world, runs)


def _moved(value: object, environment: str) -> object:
    if isinstance(value, dict):
        here = {"on": environment} if value.get("on") == "production" else {}
        return {key: _moved(item, environment) for key, item in value.items()} | here
    if isinstance(value, list):
        return [_moved(item, environment) for item in value]
    return value


def plan(*tasks: PlannedTask, **more: object) -> Plan:
    """A plan of one step with these tasks."""
    return plan_of(PlannedStep(id="1", title="Work", tasks=tasks), **more)


def plan_of(*steps: PlannedStep, rollback: tuple[PlannedStep, ...] = (), **more: object) -> Plan:
    part = PlanPart(runbook="Test", steps=steps, rollback=rollback, **more.pop("part", {}))
    return Plan(book="test.md", book_sha256="0" * 64, part=part, undo_wait_seconds=0.01, **more)


def put(number: str, value: str, **more: object) -> PlannedTask:
    return bound(number, "world.put", {"value": value}, **more)


def say(number: str, word: str, **more: object) -> PlannedTask:
    return bound(number, "world.say", {"word": word}, **more)


def look(number: str, **more: object) -> PlannedTask:
    return bound(number, "world.look", {}, **more)


def bound(number: str, does: str, values: dict[str, object], **more: object) -> PlannedTask:
    action = CATALOG[does]
    way_back = action.way_back({})
    given = {name: argument(value) for name, value in values.items()}
    defaults: dict[str, object] = {
        "text": f"{does} {number}", "line": 1, "kind": Kind.ACTION, "does": does,
        "on": "production", "arguments": given, "risk": action.risk,
        "way_back": None if action.risk is Risk.READ
        else TakenBack(possible=way_back.possible, says=way_back.says),
    }  # fmt: skip
    return PlannedTask(id=number, **(defaults | more))


def argument(value: object) -> Argument:
    if isinstance(value, str) and value.startswith("${"):
        return Argument(parts=(Part(path=value[2:-1]),))
    return Argument(literal=value)


def human(number: str, **more: object) -> PlannedTask:
    return PlannedTask(id=number, text=f"do {number} by hand", line=1, kind=Kind.HUMAN, **more)
