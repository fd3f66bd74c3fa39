"""Carries out runs: the commands of that very commit, in a fresh checkout, in a child process."""

import io
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from drillbook.local.archives import unpack
from drillbook.range.twins.github.asking import Json
from drillbook.range.twins.github.git import GitSays
from drillbook.range.twins.github.twin import GitHub, now
from drillbook.range.twins.github.workflow import Job, WorkflowInvalid, read_workflow

LOOKS_EVERY_SECONDS = 0.1
IDLE_SECONDS = 1.0
TRIES = 2
# What a full disk, a busy machine or an odd commit may do to a run, and not to the runner.
BROKEN = (OSError, subprocess.SubprocessError, sqlite3.Error, tarfile.TarError)
# What a step of this name brings is on this machine already: nothing is fetched from anywhere.
GIVEN = "Install"
_BAD = ("timed_out", "cancelled", "failure")
_LOST = "The runner lost communication with the server twice."


class Runner:
    """One run at a time; the twin may be killed at any moment, and the next one goes on."""

    def __init__(self, hub: GitHub) -> None:
        self.hub = hub
        self._ends, self._news = Event(), Event()
        self._thread = Thread(target=self._work, name="ci-runner", daemon=True)

    def start(self) -> None:
        """Take up the runs that were cut short, each once, and work from now on."""
        self.hub.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in self.hub.logs.glob("checkout-*"):
            shutil.rmtree(left, ignore_errors=True)
        with self.hub.documents.locked():
            for run in self.hub.documents.all("run"):
                if run["status"] == "in_progress":
                    self._take_up(run)
        self._thread.start()
        self.wake()

    def stop(self) -> None:
        """End the child process of the run under way and put that run back into the queue."""
        self._ends.set()
        self.wake()
        self._thread.join()

    def wake(self) -> None:
        """Say that something is queued, or is to be cancelled."""
        self._news.set()

    def _take_up(self, run: Json) -> None:
        run["cut"] += 1
        gives_up = run["cut"] >= TRIES
        for check in self._jobs(run):
            if check["status"] == "in_progress" or gives_up:
                check |= {"status": "queued", "conclusion": None}
                if gives_up:
                    self._finished(check, "failure", _LOST)
                self._keep("check", check)
        run["status"] = "completed" if gives_up else "queued"
        run["conclusion"] = "failure" if gives_up else None
        self._keep("run", run)

    def _work(self) -> None:
        while not self._ends.is_set():
            self._news.wait(IDLE_SECONDS)
            self._news.clear()
            while not self._ends.is_set() and (run := self._next()) is not None:
                try:
                    self._carry_out(run)
                except BROKEN as error:
                    with self.hub.documents.locked():
                        self._take_up(run | {"problem": str(error)})
        self.hub.documents.close()

    def _next(self) -> Json | None:
        with self.hub.documents.locked():
            queued = [run for run in self.hub.documents.all("run") if run["status"] == "queued"]
            # With this fault of the range the queue stands still.
            if not queued or self.hub.documents.get("fault", "ci") is not None:
                return None
            run = queued[0] | {"status": "in_progress", "updated_at": now()}
            self._keep("run", run)
        return run

    def _carry_out(self, run: Json) -> None:
        try:
            text = self.hub.git.blob(run["head_sha"], run["path"])[1].decode(errors="replace")
            jobs = {job.name: job for job in read_workflow(run["path"], text).jobs}
        except (GitSays, WorkflowInvalid):
            self._end(run, "startup_failure")
            return
        outcomes: dict[str, str] = {}
        for check in self._jobs(run):
            job = jobs.get(check["name"])
            if check["status"] == "completed" or job is None:
                outcomes[job.key if job else check["name"]] = check["conclusion"] or "failure"
                continue
            outcomes[job.key] = self._job(run, check, job, outcomes)
            if self._ends.is_set():
                self._requeue(run, check)
                return
        worst = [word for word in _BAD if word in outcomes.values()]
        self._end(run, worst[0] if worst else "success")

    def _job(self, run: Json, check: Json, job: Job, outcomes: dict[str, str]) -> str:
        if any(outcomes.get(needed) != "success" for needed in job.needs):
            return self._conclude(check, "skipped", "")
        if self._is_cancelled(run):
            return self._conclude(check, "cancelled", "The run was canceled.")
        with self.hub.documents.locked():
            check |= {"status": "in_progress", "started_at": now()}
            self._keep("check", check)
        checkout = Path(tempfile.mkdtemp(prefix="checkout-", dir=self.hub.logs))
        try:
            conclusion, says = self._commands(run, check, job, checkout)
        finally:
            shutil.rmtree(checkout, ignore_errors=True)
        return conclusion if self._ends.is_set() else self._conclude(check, conclusion, says)

    def _commands(self, run: Json, check: Json, job: Job, checkout: Path) -> tuple[str, str]:
        files = io.BytesIO(self.hub.git.archive(run["head_sha"]))
        with tarfile.open(fileobj=files) as tar:
            unpack(tar, checkout)
        log = self.hub.logs / f"{check['id']}.log"
        left = job.timeout_seconds
        for step in job.steps:
            if step.name == GIVEN:
                continue
            with log.open("ab") as output:
                output.write(f"##[group]Run {step.name}\n".encode())
                output.flush()
                # `timeout` ends the commands also when this process was killed meanwhile.
                process = subprocess.Popen(
                    ["timeout", "--kill-after=2", f"{left:.3f}", "sh", "-e", "-c", step.command],
                    cwd=checkout, env=_environment(run, checkout) | step.env, stdout=output,
                    stderr=output, stdin=subprocess.DEVNULL, start_new_session=True,
                )  # fmt: skip
            code = self._wait(process, run)
            if code == 124:  # noqa: PLR2004 - what `timeout` says
                return "timed_out", f"The job exceeded its {job.timeout_seconds:g} seconds."
            if self._is_cancelled(run):
                return "cancelled", "The run was canceled."
            if code:
                return "failure", f"Process completed with exit code {code}."
        return "success", ""

    def _wait(self, process: "subprocess.Popen[bytes]", run: Json) -> int:
        while True:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(LOOKS_EVERY_SECONDS)
            if self._ends.is_set() or self._is_cancelled(run):
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def _is_cancelled(self, run: Json) -> bool:
        kept = self.hub.documents.get("run", str(run["id"]))
        return bool(kept and kept["cancel"])

    def _conclude(self, check: Json, conclusion: str, says: str) -> str:
        with self.hub.documents.locked():
            self._finished(check, conclusion, says)
            self._keep("check", check)
        return conclusion

    def _finished(self, check: Json, conclusion: str, says: str) -> None:
        check |= {"status": "completed", "conclusion": conclusion, "completed_at": now()}
        check["says"] = says

    def _requeue(self, run: Json, check: Json) -> None:
        with self.hub.documents.locked():
            self._keep("check", check | {"status": "queued", "conclusion": None})
            self._keep("run", run | {"status": "queued"})

    def _end(self, run: Json, conclusion: str) -> None:
        with self.hub.documents.locked():
            kept = self.hub.documents.get("run", str(run["id"])) or run
            kept |= {"status": "completed", "conclusion": conclusion, "updated_at": now()}
            self._keep("run", kept)

    def _jobs(self, run: Json) -> list[Json]:
        """Return the latest check run of each job of a run."""
        mine = [one for one in self.hub.documents.all("check") if one["run"] == run["id"]]
        return list({one["name"]: one for one in mine}.values())

    def _keep(self, kind: str, document: Json) -> None:
        self.hub.documents.put(kind, str(document["id"]), document)


def _environment(run: Json, checkout: Path) -> dict[str, str]:
    """Return what the commands see: nothing of ours but the interpreter."""
    programs = Path(sys.executable).parent
    return {
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": str(checkout), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
        "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_SHA": run["head_sha"],
        "GITHUB_REF_NAME": run["branch"], "GITHUB_WORKSPACE": str(checkout),
    }  # fmt: skip
