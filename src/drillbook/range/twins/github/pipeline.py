"""Which commits get a run of the workflow: heads of branches that have none, each once."""

import sqlite3
import subprocess
from threading import Event, Thread

from drillbook.range.twins.github import checks, pulls
from drillbook.range.twins.github.asking import Json
from drillbook.range.twins.github.git import GitSays
from drillbook.range.twins.github.runner import Runner
from drillbook.range.twins.github.twin import PAST, GitHub, now
from drillbook.range.twins.github.workflow import (
    FOLDER,
    Workflow,
    WorkflowInvalid,
    read_workflow,
    skips,
)

LOOKS_EVERY_SECONDS = 0.25
WORKFLOW_ID = 42
BROKEN = (GitSays, OSError, subprocess.SubprocessError, sqlite3.Error)


class Pipeline:
    """Looks for new heads, plain pushes too, and hands them to the runner; starts and stops."""

    def __init__(self, hub: GitHub) -> None:
        self.hub = hub
        self.runner = Runner(hub)
        self._ends = Event()
        self._thread = Thread(target=self._watch, name="ci-watcher", daemon=True)
        self._seen: set[tuple[str, bool]] = set()

    def start(self) -> None:
        """Take up what was left, and look from now on."""
        self._leave_the_past()
        self.runner.start()
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; a run under way goes back into the queue."""
        self._ends.set()
        self._thread.join()
        self.runner.stop()

    def look(self) -> None:
        """Queue a run for each head that the workflow wants and that has none."""
        if not self.hub.git.path.exists():
            return
        proposed = {pull["head"] for pull in pulls.settled(self.hub) if pull["state"] == "open"}
        for branch, sha in self.hub.git.heads().items():
            asked = (sha, branch in proposed)
            if asked not in self._seen and self.hub.documents.get(PAST, sha) is None:
                self._consider(branch, *asked)
                self._seen.add(asked)

    def _leave_the_past(self) -> None:
        """Let the heads that were there from the beginning wait until somebody asks for them."""
        with self.hub.documents.locked():
            if self.hub.documents.get("pipeline", "begun"):
                return
            self.hub.documents.put("pipeline", "begun", {"at": now()})
            for sha in self.hub.git.heads().values():
                self.hub.documents.put(PAST, sha, {})

    def _consider(self, branch: str, sha: str, proposed: bool) -> None:
        runs = self.hub.documents.all("run")
        if any(run["head_sha"] == sha for run in runs) or skips(self.hub.git.commit(sha).message):
            return
        try:
            workflow = workflow_of(self.hub, sha)
        except WorkflowInvalid:
            with self.hub.documents.locked():
                run = new_run(self.hub, "", branch, sha, "push")
                run |= {"status": "completed", "conclusion": "startup_failure"}
                self.hub.documents.put("run", str(run["id"]), run)
            return
        if workflow is None:
            return
        for event in ("pull_request",) * proposed + ("push",):
            if workflow.runs_on(event, branch):
                enqueue(self.hub, workflow, branch, sha, event)
                self.runner.wake()
                return

    def _watch(self) -> None:
        while not self._ends.wait(LOOKS_EVERY_SECONDS):
            try:
                self.look()
            except BROKEN:  # a push is being written, the machine is busy: the next look sees it
                continue
        self.hub.documents.close()


def workflow_of(hub: GitHub, sha: str) -> Workflow | None:
    """Return the first workflow of a commit, or None; WorkflowInvalid where it cannot be read."""
    names = hub.git.run("ls-tree", "--name-only", sha, f"{FOLDER}/").split()
    for path in sorted(name for name in names if name.endswith((".yml", ".yaml"))):
        return read_workflow(path, hub.git.blob(sha, path)[1].decode(errors="replace"))
    return None


def enqueue(hub: GitHub, workflow: Workflow, branch: str, sha: str, event: str) -> Json:
    """Queue a run and one check run a job."""
    with hub.documents.locked():
        run = new_run(hub, workflow.path, branch, sha, event) | {"name": workflow.name}
        hub.documents.put("run", str(run["id"]), run)
        for job in workflow.jobs:
            checks.put(hub, job.name, sha, run["id"])
    return run


def new_run(hub: GitHub, path: str, branch: str, sha: str, event: str) -> Json:
    """Return a new run, not kept yet; call it inside `documents.locked()`."""
    number = hub.next_number("run")
    return {
        "id": 700_000 + number, "number": number, "attempt": 1, "name": path, "path": path,
        "branch": branch, "head_sha": sha, "event": event, "status": "queued", "conclusion": None,
        "created_at": now(), "updated_at": now(), "cut": 0, "cancel": False,
    }  # fmt: skip


def again(hub: GitHub, run: Json, *, only_failed: bool) -> None:
    """Queue another attempt of a run; call it inside `documents.locked()`."""
    mine = [one for one in hub.documents.all("check") if one["run"] == run["id"]]
    for check in {one["name"]: one for one in mine}.values():
        if not only_failed or check["conclusion"] not in {"success", "neutral"}:
            checks.put(hub, check["name"], run["head_sha"], run["id"])
    run |= {"status": "queued", "conclusion": None, "attempt": run["attempt"] + 1, "cut": 0}
    run |= {"cancel": False, "updated_at": now()}
    hub.documents.put("run", str(run["id"]), run)
