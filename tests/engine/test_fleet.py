"""Many workers on one store: the dead are replaced, the frozen are fenced."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drillbook.engine import fleet, fleet_files, fleet_postgres
from drillbook.engine.messages import MessageKind
from drillbook.engine.outcome import State
from engine.conftest import Bench, bound, human, make_bench, make_site, plan, put

STORES = ["sqlite", "postgres"]
SOON = "2.0"  # seconds until who stands still is called frozen; ten in earnest


@pytest.fixture
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A world whose store is SQLite or Postgres."""
    url = f"sqlite:///{tmp_path}/home/store.db"
    if request.param == "postgres":
        url = request.getfixturevalue("database_url")
    site = make_site(tmp_path, url)
    yield from make_bench(site)
    site.close()


def owner(bench: Bench, run: str) -> str:
    return bench.runs.show(run).summary.worker


def pid_of(worker: str) -> int:
    return int(worker.rsplit("-", 2)[1])


@pytest.mark.parametrize("shared", STORES, indirect=True)
def test_the_runs_of_a_worker_killed_for_good_go_on_with_another(shared: Bench) -> None:
    workers = {process.pid: process for process in (shared.worker(), shared.worker())}
    runs = [shared.start(plan(put("1.1", "one"), human("1.2"))) for _ in range(3)]
    for run in runs:
        shared.asked(run, "1.2")
    victim = pid_of(owner(shared, runs[0]))

    workers[victim].kill()
    workers[victim].wait()
    shared.until(
        lambda: all(pid_of(owner(shared, run) or "-0-") != victim for run in runs), "take-over"
    )

    for run in runs:
        shared.asked(run, "1.2")
        shared.send(run, MessageKind.ANSWER, "1.2", "done")
        assert shared.ended(run).state is State.DONE
    assert len(shared.world.effects()) == 3


@pytest.mark.parametrize("shared", STORES, indirect=True)
def test_a_frozen_worker_is_replaced_and_acts_no_more_when_it_wakes(shared: Bench) -> None:
    frozen = shared.worker()
    slow = bound("1.1", "world.look", {"slow_seconds": 1.0})
    run = shared.start(plan(slow, put("1.2", "one")))
    shared.until((shared.world.folder / "go").exists, "the slow look")
    os.kill(frozen.pid, signal.SIGSTOP)

    shared.site.worker(SOON)
    shared.until(lambda: pid_of(owner(shared, run) or f"-{frozen.pid}-") != frozen.pid, "take-over")
    (shared.world.folder / "go").write_text("")

    assert shared.ended(run).state is State.DONE
    if frozen.poll() is None:
        os.kill(frozen.pid, signal.SIGCONT)
    assert frozen.wait(60) in {fleet.EXIT_FENCED, -signal.SIGKILL}
    assert len(shared.world.effects()) == 1


FREEZING = """
import os, signal, sqlite3, sys
from pathlib import Path
from drillbook.engine.fleet_files import FileFleet

home = Path(sys.argv[1])
fleet = FileFleet(home)
fleet.join()
held = sqlite3.connect(home / sys.argv[2])
held.execute("BEGIN IMMEDIATE")
os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.mark.parametrize("file", ["store.db", "journal.db"])
def test_a_worker_frozen_while_it_writes_does_not_keep_the_next_one_from_starting(
    quiet_bench: Bench, file: str
) -> None:
    argv = [sys.executable, "-c", FREEZING, str(quiet_bench.site.store.home), file]
    frozen = subprocess.Popen(argv)
    os.waitid(os.P_PID, frozen.pid, os.WSTOPPED | os.WNOWAIT)

    quiet_bench.site.worker(SOON)

    assert frozen.wait(60) == -signal.SIGKILL


def test_a_worker_frozen_on_another_host_does_not_keep_the_effect_it_was_at(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "FROZEN_SECONDS", 0.2)
    store = make_site(tmp_path, database_url).store
    frozen, successor = fleet_postgres.PostgresFleet(store), fleet_postgres.PostgresFleet(store)
    frozen.join()
    successor.join()
    with fleet_postgres.connect(store) as session, frozen.alone("an effect") as _:
        session.execute("UPDATE drillbook.workers SET host = 'elsewhere'")

        while frozen.executor not in successor.dead():
            pass

        session.execute("SET lock_timeout = '20s'")
        session.execute(fleet_postgres.SQL["effect"], {"effect": "an effect"})


def test_a_postgres_worker_that_lost_its_session_ends_itself(
    database_url: str, tmp_path: Path
) -> None:
    site = make_site(tmp_path, database_url)
    worker = site.worker()
    try:
        with fleet_postgres.connect(site.store) as session:
            session.execute("SELECT pg_terminate_backend(backend_pid) FROM drillbook.workers")

        assert worker.wait(60) == fleet.EXIT_FENCED
    finally:
        site.close()


def test_a_living_worker_is_seen_and_a_dead_one_is_not(tmp_path: Path, database_url: str) -> None:
    for url in (f"sqlite:///{tmp_path}/files/home/store.db", database_url):
        folder = tmp_path / ("files" if url.startswith("sqlite") else "postgres")
        folder.mkdir()
        site = make_site(folder, url)
        worker = site.worker()
        try:
            assert alive(site.store)
            worker.kill()
            worker.wait()
            assert not alive(site.store)
        finally:
            site.close()


def alive(store: object) -> bool:
    if store.is_postgres:
        return fleet_postgres.any_alive(store)
    return fleet_files.any_alive(store.home)
