"""The ground of one case: a range with its cloud and its users, and what only the drill sees."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer
from typing import Any

from drillbook.actions import CATALOG
from drillbook.compiler.plans import compile_plan
from drillbook.core.files import read_file
from drillbook.drills.demo_stage import RANGE, Stage
from drillbook.engine.outcome import State
from drillbook.engine.runs import Runs
from drillbook.engine.spawn import start_worker, wait_for_worker, worker_alive
from drillbook.range.cloud import BRANCHES, Cloud
from drillbook.range.repository import Proposed, git, propose
from drillbook.range.traffic.record import Met, read_requests
from drillbook.stack.books import find_books

Worker = subprocess.Popen[bytes]
Document = dict[str, Any]  # Any: JSON of a twin
BY = "drill@example.com"
WAIT_SECONDS = 0.5


@dataclass
class Ground:
    """Where a case plays. What is read here is the twins' own, never what the product says."""

    stage: Stage
    runs: Runs
    change: str
    tips: dict[str, str] = field(default_factory=dict[str, str])
    switched: int = 0
    good: str = ""
    migrations: dict[str, State] = field(default_factory=dict[str, State])
    _proposed: Proposed | None = None
    _timers: list[Timer] = field(default_factory=list[Timer])
    _workers: list[Worker] = field(default_factory=list[Worker])

    @property
    def folder(self) -> Path:
        """The range's folder."""
        return self.stage.folder / RANGE

    @property
    def cloud(self) -> Cloud:
        """The range's cloud."""
        return Cloud(self.folder)

    @property
    def proposal(self) -> Proposed:
        """What was proposed."""
        if self._proposed is None:
            raise TypeError("nothing was proposed yet")
        return self._proposed

    def propose(self, *, reviewed: bool) -> None:
        """Propose the change, as its author does."""
        self._proposed = propose(self.cloud, self.change, reviewed=reviewed)

    def carried(self, runbook: str, inputs: dict[str, str]) -> State:
        """Carry a shipped runbook out unattended, and return how it ended."""
        run = self.begin(runbook, inputs)
        seen = -1
        while (outcome := self.runs.outcome(run)) is None:
            self.runs.journal.wait(run, after=seen, timeout_seconds=WAIT_SECONDS)
            seen = max((entry.index for entry in self.runs.entries(run)), default=-1)
        return outcome.state

    def begin(self, runbook: str, inputs: dict[str, str]) -> str:
        """Plan a shipped runbook as the command does, start it, and return the run's id."""
        book = find_books(folder=self.stage.folder).find(runbook)
        plan = compile_plan(
            book.file.book, book.runbook.title, text=book.file.text,
            stack=self.stage.stack.facts(), catalog=lambda: CATALOG,
            files=lambda name: read_file(Path(name)), inputs=inputs,
        )  # fmt: skip
        self._see_worker()
        return self.runs.start(plan, by=BY, unattended=True)

    def _see_worker(self) -> None:
        """Start another worker where the stage's has ended: it waits half a minute for a run."""
        store = self.stage.store
        if not worker_alive(store):
            self._workers.append(start_worker(store))
            wait_for_worker(store, self._workers[-1])

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Let something happen after a time."""
        timer = Timer(seconds, act)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def leave(self) -> None:
        """Let nothing happen any more."""
        for timer in self._timers:
            timer.cancel()
        for worker in self._workers:
            worker.kill()
            worker.wait()

    def remember(self) -> None:
        """Note how things stand before the run."""
        self.tips = {name: self.tip(branch) for name, branch in BRANCHES.items()}
        self.switched = len(self.switches())
        self.good = self.serving_commit()

    def tip(self, branch: str) -> str:
        """Return where a branch of the bare repository is."""
        return git(self.cloud.repository, "rev-parse", f"refs/heads/{branch}").strip()

    def since(self, environment: str) -> list[str]:
        """Return the commits that came onto an environment's branch, first parents only."""
        words = ("rev-list", "--first-parent", f"{self.tips[environment]}..{BRANCHES[environment]}")
        return git(self.cloud.repository, *words).split()

    def holds(self, environment: str, commit: str) -> bool:
        """Whether an environment's branch has a commit."""
        words = ("rev-list", "--count", f"{BRANCHES[environment]}..{commit}")
        return git(self.cloud.repository, *words).strip() == "0"

    def switches(self) -> list[Document]:
        """Return what the hosting has done to production's alias, oldest first."""
        found = self.cloud.documents("vercel").all("switch")
        mine = [each for each in found if each["environment"] == "production"]
        return sorted(mine, key=lambda each: (each["requestedAt"], each.get("endedAt", 0)))

    def new_switches(self) -> list[Document]:
        """Return what the hosting has done since the run began."""
        return self.switches()[self.switched :]

    def deployment(self, name: str) -> Document:
        """Return a deployment of the hosting."""
        return self.cloud.documents("vercel").get("deployment", name) or {}

    def serving_commit(self) -> str:
        """Return the commit that the edge gives users, whatever the platform says of it."""
        from drillbook.range.hosting.alias import read_alias  # noqa: PLC0415 - few need it

        alias = read_alias(self.cloud.environment("production"))
        return commit_of(self.deployment(alias.deployment)) if alias else ""

    def automatic(self) -> bool:
        """Whether the next build will serve by itself."""
        projects = self.cloud.documents("vercel").all("project")
        return all(bool(each["autoAssignCustomDomains"]) for each in projects)

    def issues(self) -> list[Document]:
        """Return the open issues of the repository."""
        return [
            each
            for each in self.cloud.documents("github").all("issue")
            if each.get("state", "open") == "open"
        ]

    def requests(self) -> list[Met]:
        """Return what the users of production met, in the order in which they asked."""
        record = self.cloud.environment("production") / "traffic.jsonl"
        return sorted(read_requests(record), key=lambda met: met.begun)


def commit_of(deployment: Document) -> str:
    """Return the commit a deployment was built from."""
    return str(deployment.get("commit", ""))


def moment(milliseconds: int) -> datetime:
    """Return a time as the hosting writes it."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
