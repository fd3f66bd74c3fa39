"""1,000 read tasks through the engine, against the same 1,000 steps written directly in DBOS."""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import sleep

from benchmarks.memory import peak_mib

TASKS = 1000
MOST_RATIO = 1.5
WAYS = ("direct", "side-by-side", "one-after-another")


def measure(tasks: int = TASKS, *, rounds: int = 3) -> dict[str, object]:
    """Run both ways in turn, each in a process of its own on the same store; medians decide."""
    with tempfile.TemporaryDirectory() as folder:
        ways: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for _ in range(rounds):
            for way, measured in ways.items():
                argv = [sys.executable, "-m", "benchmarks.bench_engine", way, folder, str(tasks)]
                done = subprocess.run(argv, check=True, capture_output=True, text=True)
                measured.append(json.loads(done.stdout.splitlines()[-1]))
    direct, beside, after = (_median(ways[way]) for way in WAYS)
    return {
        "tasks": tasks,
        "direct_ms_per_step": 1000 * direct / tasks,
        "side_by_side_ms_per_task": 1000 * beside / tasks,
        "one_after_another_ms_per_task": 1000 * after / tasks,
        "ratio_side_by_side": beside / direct,
        "ratio_one_after_another": after / direct,
        "ratio_allowed": MOST_RATIO,
        "direct_peak_mib": max(one["peak_mib"] for one in ways["direct"]),
        "engine_peak_mib": max(one["peak_mib"] for one in ways["side-by-side"]),
    }


def _median(measured: list[dict[str, float]]) -> float:
    return statistics.median(one["seconds"] for one in measured)


def _direct(folder: Path, tasks: int) -> float:
    """The same steps as plain DBOS code: each returns what the engine's task returns."""
    from time import monotonic
    from uuid import uuid4

    from dbos import DBOS, SetWorkflowID

    from drillbook.engine.store import Store, configuration, prepare, quiet

    store = Store(f"sqlite:///{folder}/store.db", folder)
    prepare(store)
    quiet()
    DBOS(config=configuration(store, "direct"))
    seconds = 0.0

    @DBOS.workflow(name="direct")
    async def direct(count: int) -> int:
        nonlocal seconds
        begun = monotonic()
        for number in range(count):
            await DBOS.run_step_async({"name": f"step {number}"}, _look, number)
        seconds = monotonic() - begun
        return count

    DBOS.launch()
    import asyncio

    async def run() -> None:
        with SetWorkflowID(uuid4().hex):
            handle = await DBOS.start_workflow_async(direct, tasks)
        await handle.get_result()

    asyncio.run(run())
    DBOS.destroy()
    return seconds


def _look(number: int) -> dict[str, object]:
    return {"value": "start", "count": number}


def _engine(folder: Path, tasks: int, *, chained: bool) -> float:
    """The same through a plan: when, do, expect and the sealed record of each task included."""
    from drillbook.core.catalog import Domain, catalog
    from drillbook.core.model import Frozen
    from drillbook.core.plan import Argument, Kind, Plan, PlannedStep, PlannedTask, PlanPart
    from drillbook.engine.runs import opened
    from drillbook.engine.store import Store
    from drillbook.engine.worker import Worker

    domain = Domain("bench")

    class Looked(Frozen):
        value: str
        count: int

    def look(*, number: int) -> Looked:
        """Look."""
        return Looked(value="start", count=number)

    look.__annotations__ = {"number": int, "return": Looked}
    domain.read(look)

    class Nothing:
        def port(self, environment: str, port: type) -> object:
            raise LookupError(environment, port)

        def digest(self, environment: str) -> str:
            raise LookupError(environment)

    planned = tuple(
        PlannedTask(
            id=f"1.{number}", text="look", line=1, kind=Kind.ACTION, does="bench.look",
            arguments={"number": Argument(literal=number)},
        )
        for number in range(tasks)
    )  # fmt: skip
    steps = (PlannedStep(id="1", title="look", tasks=planned),)
    if chained:  # a step each: nothing may run side by side
        steps = tuple(PlannedStep(id=task.id, title="look", tasks=(task,)) for task in planned)
    part = PlanPart(runbook="bench", steps=steps)
    plan = Plan(book="bench.md", book_sha256="0" * 64, part=part)
    store = Store(f"sqlite:///{folder}/store.db", folder)
    worker = Worker(store, catalog(domain), Nothing())
    worker.start()
    with opened(store) as runs:
        run = runs.start(plan, by="bench", unattended=True)
        while runs.outcome(run) is None:
            sleep(0.5)  # rarely, so that watching does not count as work
        times = {entry.kind: entry.at for entry in runs.entries(run)}
    worker.stop()
    return (times["run.ended"] - times["run.started"]).total_seconds()


if __name__ == "__main__":
    way, place, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if way == "direct":
        took = _direct(place, count)
    else:
        took = _engine(place, count, chained=way == "one-after-another")
    print(json.dumps({"seconds": took, "peak_mib": peak_mib()}))
