"""Carry one case out: start the run, let the blows fall, mend what broke, wait for the end."""

import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from benchmarks.campaign.cases import Blow, Case, Moment
from benchmarks.campaign.counting import (
    Counts,
    References,
    count_backups,
    count_command,
    count_left_over,
    count_migration,
)
from benchmarks.campaign.sights import Sight
from benchmarks.campaign.site import DATABASE, Site, WorkerProcess
from drillbook.core.errors import DrillbookError
from drillbook.core.plan import Plan
from drillbook.core.record import EntryKind
from drillbook.engine.outcome import RunOutcome
from drillbook.engine.runs import Runs, opened

MOST_SECONDS = 150.0
LOOK_SECONDS = 0.004
BY = "ana@example.com"


@dataclass
class Told:
    """What is written down about one case."""

    case: Case
    run: str = ""
    state: str = "none"
    reason: str = ""
    seconds: float = 0.0
    late: int = 0
    entries: int = 0
    open_ends: list[str] = field(default_factory=list[str])
    failures: list[str] = field(default_factory=list[str])
    blows: list[str] = field(default_factory=list[str])
    took_over_seconds: list[float] = field(default_factory=list[float])
    counts: Counts = field(default_factory=Counts)

    def as_json(self) -> dict[str, Any]:  # Any: JSON
        """Return it as JSON."""
        return {
            "index": self.case.index, "store": self.case.store, "variant": self.case.variant.name,
            "run": self.run, "state": self.state, "reason": self.reason,
            "open_ends": self.open_ends, "failures": self.failures,
            "seconds": round(self.seconds, 2), "entries": self.entries, "late": self.late,
            "blows": self.blows,
            "took_over_seconds": [round(each, 2) for each in self.took_over_seconds],
            "counts": dict(self.counts.counts), "says": self.counts.says,
        }  # fmt: skip


class Running:
    """One case under way."""

    def __init__(self, site: Site, references: References, case: Case) -> None:
        self.site, self.references, self.case = site, references, case
        self.told = Told(case)
        self.until = time.monotonic() + MOST_SECONDS
        self.kinds: list[str] = []
        self.after = -1
        self.struck: dict[str, float] = {}
        self.frozen: list[tuple[WorkerProcess, threading.Timer | None]] = []

    def carry_out(self) -> Told:
        """Run the case to its end and count."""
        begun = time.monotonic()
        variant = self.case.variant
        self._prepare()
        self.site.reset(variant)
        self.site.keep_workers()
        plan = self.site.plan(variant)
        outcome = self._run_through(plan)
        self.told.seconds = time.monotonic() - begun
        self._wake_everybody()
        if outcome is None:
            self.told.counts.add("never_ended", f"{self.told.run} after {MOST_SECONDS:g} s")
            self.site.new_store()
            return self.told
        self._count(outcome, plan)
        return self.told

    def _prepare(self) -> None:
        if not self.case.variant.command:
            self.references.of(self.case.variant, "production")
            self.references.of(self.case.variant, "staging")

    def _run_through(self, plan: Plan) -> RunOutcome | None:
        with opened(self.site.store) as runs:
            run = runs.start(plan, by=BY, unattended=True)
        if self.case.variant.undone:
            blows = () if self.case.in_undo else self.case.blows
            ended = self._to_the_end(run, blows)
            if ended is None or ended.state != "done":
                return ended
            with opened(self.site.store) as runs:
                run = runs.undo(run, by=BY)
            self.kinds, self.after = [], -1
            return self._to_the_end(run, self.case.blows if self.case.in_undo else ())
        return self._to_the_end(run, self.case.blows)

    def _to_the_end(self, run: str, blows: tuple[Blow, ...]) -> RunOutcome | None:
        self.told.run = run
        left = list(blows)
        while time.monotonic() < self.until:
            try:
                with opened(self.site.store) as runs:
                    while left:
                        self._await(runs, run, left[0].moment)
                        self._strike(runs, run, left.pop(0))
                    return self._ended(runs, run)
            except DrillbookError:
                time.sleep(0.1)  # the store's own server was hit
        return None

    def _ended(self, runs: Runs, run: str) -> RunOutcome | None:
        while time.monotonic() < self.until:
            self._read(runs, run)
            if "run.ended" in self.kinds and (outcome := runs.outcome(run)) is not None:
                return outcome
            self._keep_alive()
            time.sleep(0.02)  # processes of a store have no event in common
        return None

    def _keep_alive(self) -> None:
        codes = self.site.keep_workers()
        self.told.blows += [f"a worker ended by itself with {code}" for code in codes]

    def _read(self, runs: Runs, run: str) -> None:
        for entry in runs.entries(run, after=self.after):
            self.after = entry.index
            self.kinds.append(f"{entry.kind} {entry.task}".strip())
            if "error" in entry.data:
                self.told.failures.append(f"{self.kinds[-1]}: {entry.data['error']}")

    def _await(self, runs: Runs, run: str, moment: Moment) -> None:
        """Wait for a moment, or for the run's end when it never comes."""
        first = len(self.kinds)
        with Sight(self.site, moment) as sight:
            while time.monotonic() < self.until:
                self._read(runs, run)
                if sight.is_there() or self._is_written(moment, first):
                    break
                if "run.ended" in self.kinds:
                    break
                time.sleep(LOOK_SECONDS)  # as above
        time.sleep(moment.delay_seconds)

    def _is_written(self, moment: Moment, first: int) -> bool:
        if moment.kind == "entries":
            return len(self.kinds) - first >= int(moment.what)
        return moment.kind == "event" and moment.what in self.kinds

    def _strike(self, runs: Runs, run: str, blow: Blow) -> None:
        where = self.kinds[-1] if self.kinds else "nothing"
        self.told.late += where.startswith("run.ended")
        says = [f"{blow.moment.says}, after {where}:"]
        worker = self._owner(runs, run)
        if blow.worker == "freeze":
            self.told.blows.append(f"{says[0]} froze {worker.pid}, wakes {blow.wakes_after}")
            self._freeze(worker, blow)
            return
        struck = time.monotonic()
        says += self._hit(worker, blow)
        if blow.worker_first:
            self._replace(worker, blow)
        if blow.servers:
            time.sleep(blow.down_seconds)
            for server in blow.servers:
                self.site.servers[server].start(tied=True)
            says.append(f"back after {time.monotonic() - struck:.2f} s")
        self._replace(worker, blow)
        if blow.line or blow.disk:
            self._end_trouble(blow)
        self.told.blows.append(" ".join(says))

    def _hit(self, worker: WorkerProcess, blow: Blow) -> list[str]:
        says: list[str] = []
        if blow.worker == "kill":
            if not blow.servers and self.site.has_settled_peer(worker):
                self.struck[f"-{worker.pid}-"] = time.time()
            worker.process.send_signal(signal.SIGKILL)
            says.append("killed the worker")
        for server in blow.servers:
            self.site.servers[server].kill()
            says.append(f"killed {server}")
        if blow.line or blow.disk:
            says.append(self._begin_trouble(blow))
        if blow.worker == "kill":
            worker.process.wait()
        return says + (["and upgraded"] if blow.upgrade else [])

    def _begin_trouble(self, blow: Blow) -> str:
        if blow.disk:
            self.site.disk.fill()
            return "filled the disk" if self.site.disk.is_small else "could fill no disk"
        self.site.proxy.cut() if blow.line == "cut" else self.site.proxy.silence()
        return f"line {blow.line} for {blow.down_seconds:g} s"

    def _end_trouble(self, blow: Blow) -> None:
        time.sleep(blow.down_seconds)
        self.site.disk.relieve()
        if blow.line:
            # Whoever waited for an answer on the silent line learns now that it is dead.
            self.site.proxy.cut()
            self.site.proxy.mend()

    def _replace(self, worker: WorkerProcess, blow: Blow) -> None:
        if blow.worker == "kill" and worker in self.site.workers:
            self.site.workers.remove(worker)
        self.site.keep_workers(upgraded=blow.upgrade)

    def _freeze(self, worker: WorkerProcess, blow: Blow) -> None:
        worker.process.send_signal(signal.SIGSTOP)
        self.site.workers.remove(worker)
        self.site.keep_workers()
        timer = None
        if blow.wakes_after is not None:
            timer = threading.Timer(blow.wakes_after, self._wake, [worker])
            timer.daemon = True
            timer.start()
        self.frozen.append((worker, timer))

    def _wake(self, worker: WorkerProcess) -> None:
        if worker.lives:
            os.kill(worker.pid, signal.SIGCONT)

    def _wake_everybody(self) -> None:
        """Wake who is still frozen: what he does then is counted with the rest."""
        for worker, timer in self.frozen:
            if timer is not None:
                timer.cancel()
            if worker.lives:
                self._wake(worker)
                time.sleep(0.5)  # long enough for a step that was under way
            worker.process.kill()
            worker.process.wait()

    def _owner(self, runs: Runs, run: str) -> WorkerProcess:
        """Return the worker that carries the run out."""
        with suppress(Exception):  # the store may be the thing that was hit
            status = runs.dbos.list_workflows(workflow_ids=[run], load_input=False)[0]
            for worker in self.site.workers:
                if f"-{worker.pid}-" in str(status.executor_id):
                    return worker
        return self.site.workers[0]

    def _time_take_overs(self) -> None:
        """Note how long another worker, if one had been there, took to take over."""
        if not self.struck:
            return
        with opened(self.site.store) as runs:
            for entry in runs.entries("", after=self.site.fleet_index):
                self.site.fleet_index = entry.index
                for mark, wall in self.struck.items():
                    taken = entry.kind == EntryKind.WORKER_TOOK_OVER
                    if taken and mark in str(entry.data.get("from")):
                        self.told.took_over_seconds.append(entry.at.timestamp() - wall)

    def _count(self, outcome: RunOutcome, plan: Plan) -> None:
        case, told = self.case, self.told
        told.state, told.reason = str(outcome.state), outcome.reason
        told.entries = len(self.kinds)
        told.open_ends = [*outcome.kept, *outcome.stuck]
        self._time_take_overs()
        for counts in self._found(outcome, plan):
            told.counts.counts.update(counts.counts)
            told.counts.says += counts.says
        if case.only_workers and told.state not in case.variant.ends:
            told.counts.add("wrong_ending", f"{told.state}: {outcome.reason}")
        if self.kinds.count("run.ended") != 1:
            told.counts.add("record_damaged", f"{self.kinds.count('run.ended')} ends")

    def _found(self, outcome: RunOutcome, plan: Plan) -> tuple[Counts, ...]:
        case, run = self.case, self.told.run
        left = count_left_over(self.site, run)
        if not case.variant.command and DATABASE not in self.site.databases("production"):
            left.add("lost", "the production database itself")
        if case.variant.is_migration:
            return left, count_migration(self.site, self.references, case, outcome, plan)
        if case.variant.steps:
            return left, count_backups(self.site, self.references, case, outcome)
        return left, count_command(self.site, case, run, outcome)
