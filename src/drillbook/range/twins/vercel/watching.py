"""What the hosting does by itself: builds what was pushed, switches, and ends idle apps."""

import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from drillbook.core.errors import Failed
from drillbook.range.cloud import BRANCHES
from drillbook.range.hosting.alias import read_alias
from drillbook.range.hosting.app_process import USED, AppProcess
from drillbook.range.twins.vercel.building import Wish, carry_out, make_deployment
from drillbook.range.twins.vercel.records import ENDED, Hosting
from drillbook.range.twins.vercel.switching import (
    align_edge,
    carry_out_switch,
    due_switches,
)

LOOK_SECONDS = 0.25
BUILDERS = 2
IDLE_SECONDS = 20.0
ZERO = "0" * 40


class Watch:
    """The threads of a running hosting; what one of them was killed at is taken up at the start."""

    def __init__(self, hosting: Hosting) -> None:
        self.hosting = hosting
        self._ended = Event()
        works = ((self._look, hosting.queued), (self._switch, hosting.due))
        self._threads = [
            Thread(target=self._again_and_again, args=each, daemon=True) for each in works
        ]
        self._pool = ThreadPoolExecutor(BUILDERS, thread_name_prefix="build")
        self._taken: set[str] = set()
        self._heads: dict[str, tuple[int, int]] = {}

    def start(self) -> None:
        """Start to look."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let the threads end; builds are cut off, to be made again at the next start."""
        self._ended.set()
        self.hosting.due.set()
        self.hosting.queued.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        for thread in self._threads:
            thread.join(5)

    def _look(self) -> None:
        self._see_heads()
        self._build()
        self._end_idle_apps()

    def _switch(self) -> None:
        for job in due_switches(self.hosting):
            carry_out_switch(self.hosting, job)
        with self.hosting.documents.locked():
            align_edge(self.hosting)

    def _again_and_again(self, work: Callable[[], None], called: Event) -> None:
        while not self._ended.is_set():
            try:
                work()
            except Exception:  # noqa: BLE001 - the next look takes up what this one left
                traceback.print_exc()
            called.wait(LOOK_SECONDS)
            called.clear()

    def _build(self) -> None:
        for found in self.hosting.documents.all("deployment"):
            if found["state"] not in ENDED and found["id"] not in self._taken:
                self._taken.add(found["id"])
                with suppress(RuntimeError):  # the pool has ended
                    self._pool.submit(carry_out, self.hosting, found["id"])

    def _see_heads(self) -> None:
        for branch in BRANCHES.values():
            head = head_of(self.hosting.cloud.repository, branch)
            if head and head != self._built(branch):
                with suppress(Failed):  # the push is not whole yet
                    see_head(self.hosting, branch, head)

    def _built(self, branch: str) -> str:
        return str((self.hosting.documents.get("head", branch) or {}).get("commit", ""))

    def _end_idle_apps(self) -> None:
        aliases = self.hosting.aliases()
        serving = {alias["deploymentId"] for alias in aliases}
        rollout = self.hosting.project().get("rollout") or {}
        serving.add(rollout.get("canaryDeployment", ""))
        # An edge that does not follow gives its users another one than the record says.
        edges = (read_alias(self.hosting.cloud.environment(name)) for name in BRANCHES)
        serving.update(name for edge in edges if edge for name in edge.deployments)
        # The one that served until now may still have requests to answer.
        moved = max((alias["updatedAt"] / 1000 for alias in aliases), default=0.0)
        for folder in self.hosting.cloud.deployments.glob("dpl_*"):
            app = AppProcess(folder)
            idle = time.time() - max(_last_use(app), moved) > IDLE_SECONDS
            if idle and folder.name not in serving and app.identity() is not None:
                app.stop()


def see_head(hosting: Hosting, branch: str, head: str) -> None:
    """Deploy a branch's new head, once."""
    with hosting.documents.locked():
        seen = hosting.documents.get("head", branch) or {}
        # Whoever moved the branch back meanwhile has said in the documents that it was seen.
        if seen.get("commit") == head or head_of(hosting.cloud.repository, branch) != head:
            return
        target = "production" if branch == BRANCHES["production"] else None
        make_deployment(hosting, Wish(head, branch, target))
        hosting.documents.put("head", branch, {"commit": head})


def head_of(repository: Path, branch: str) -> str:
    """Return the commit a branch points to, read from git's own files; empty without one."""
    try:
        return (repository / "refs" / "heads" / branch).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        pass
    try:
        packed = (repository / "packed-refs").read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    for line in packed.splitlines():
        commit, _, name = line.partition(" ")
        if name == f"refs/heads/{branch}":
            return commit
    return ""


def _last_use(app: AppProcess) -> float:
    used = app.folder / USED
    return max(app.started_at(), used.stat().st_mtime if used.exists() else 0.0)
