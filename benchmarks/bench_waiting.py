"""What runs cost that wait for a person: threads, processor time and memory of their worker."""

import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from drillbook.core.plan import Kind, Plan, PlannedStep, PlannedTask, PlanPart
from drillbook.engine.messages import Message, MessageKind
from drillbook.engine.runs import Runs, opened
from drillbook.engine.store import Store
from drillbook.engine.worker import Worker

RUNS = 2000
WATCHED_SECONDS = 15.0
MOST_SECONDS = 600.0


def measure(runs: int = RUNS) -> dict[str, object]:
    """Let many runs wait for one worker, watch it do nothing, then answer one of them."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/store.db", Path(folder))
        with opened(store) as opened_runs:
            names = [opened_runs.start(_plan(), by="bench") for _ in range(runs)]
            argv = [sys.executable, "-m", "benchmarks.bench_waiting", folder]
            worker = subprocess.Popen(argv)
            try:
                begun = time.monotonic()
                _until(lambda: _asked(opened_runs) >= runs)
                all_wait = time.monotonic() - begun
                used = _processor_seconds(worker.pid)
                time.sleep(WATCHED_SECONDS)
                used = _processor_seconds(worker.pid) - used
                threads, memory = _status(worker.pid)
                sent = time.monotonic()
                _answer(opened_runs, names[runs // 2])
                _until(lambda: opened_runs.outcome(names[runs // 2]))
                answered = time.monotonic() - sent
            finally:
                worker.kill()
                worker.wait()
    return {
        "waiting_runs": runs,
        "all_wait_after_seconds": all_wait,
        "threads": threads,
        "share_of_a_core": used / WATCHED_SECONDS,
        "memory_mib": memory,
        "answer_to_end_seconds": answered,
    }


def _plan() -> Plan:
    task = PlannedTask(id="1.1", text="look", line=1, kind=Kind.HUMAN)
    part = PlanPart(runbook="wait", steps=(PlannedStep(id="1", title="wait", tasks=(task,)),))
    return Plan(book="bench.md", book_sha256="0" * 64, part=part)


def _asked(runs: Runs) -> int:
    return sum(span.last.kind == "task.asked" for span in runs.journal.runs())


def _answer(runs: Runs, run: str) -> None:
    at = datetime.now(UTC)
    runs.answer(run, Message(kind=MessageKind.ANSWER, task="1.1", by="bench", at=at, says="done"))


def _until(holds: object) -> None:
    end = time.monotonic() + MOST_SECONDS
    while not holds():  # type: ignore[operator]  # a small script
        if time.monotonic() > end:
            raise SystemExit(f"nothing came of it in {MOST_SECONDS:g} s")
        time.sleep(0.25)


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _status(pid: int) -> tuple[int, float]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    values = dict(line.split(":", 1) for line in lines)
    return int(values["Threads"]), int(values["VmHWM"].split()[0]) / 1024


class Nothing:
    """Bindings for plans that only ask people."""

    def port(self, environment: str, port: type) -> object:
        raise LookupError(environment, port)

    def digest(self, environment: str) -> str:
        raise LookupError(environment)


if __name__ == "__main__":
    home = Path(sys.argv[1])
    at_work = Worker(Store(f"sqlite:///{home}/store.db", home), {}, Nothing())
    at_work.start()
    at_work.wait(until_idle=False)
