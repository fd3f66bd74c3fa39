"""A worker that leaves looks once more, without its lock, before its process ends."""

import subprocess
import sys
from pathlib import Path

from engine.conftest import Bench, human, plan

# The end of `drillbook worker --until-idle`, with a run queued at the worst moment.
LEAVES = """
import sys, time
from pathlib import Path
from drillbook.engine import fleet_files
from drillbook.engine.runs import opened
from drillbook.engine.store import Store
from drillbook.engine.worker import Worker
from engine.world import Bound, CATALOG

store = Store(sys.argv[1], Path(sys.argv[2]))
worker = Worker(store, CATALOG, Bound(Path(sys.argv[2])))
worker.start()
worker.leave()
print("alive" if fleet_files.any_alive(store.home) else "left", flush=True)
sys.stdin.readline()
time.sleep(1)  # three beats: a thread that still beats would end the process here
with opened(store) as runs:
    print(runs.any_under_way(), flush=True)
import os; os._exit(0)
"""


def test_a_worker_that_left_is_not_alive_and_still_sees_what_was_queued(
    quiet_bench: Bench,
) -> None:
    store = quiet_bench.site.store
    process = subprocess.Popen(
        [sys.executable, "-c", LEAVES, store.url, str(store.home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == "left\n"
        quiet_bench.start(plan(human("1.1")))
        process.stdin.write("queued\n")
        process.stdin.flush()

        assert process.stdout.readline() == "True\n"
    assert process.returncode == 0
