"""The ground a worker stands on breaks: its lock, its store, its journal, its own threads."""

import shutil
import signal
import sqlite3
from contextlib import closing

from drillbook.engine.fleet import EXIT_FENCED
from drillbook.engine.keeping import EXIT_UNRECORDED
from drillbook.engine.messages import MessageKind
from drillbook.engine.outcome import State
from drillbook.engine.versions import stranded
from engine.conftest import Bench, human, plan, put


def test_runs_of_a_worker_whose_lock_was_removed_go_on_with_the_next(quiet_bench: Bench) -> None:
    first = quiet_bench.worker()
    run = quiet_bench.start(plan(human("1.1"), put("1.2", "one")))
    quiet_bench.asked(run, "1.1")

    shutil.rmtree(quiet_bench.site.store.home / "workers")
    assert first.wait(60) == EXIT_FENCED
    quiet_bench.worker()
    quiet_bench.send(run, MessageKind.ANSWER, "1.1", "done")

    assert quiet_bench.ended(run).state is State.DONE


def test_a_worker_whose_store_was_removed_ends(quiet_bench: Bench) -> None:
    worker = quiet_bench.worker()

    quiet_bench.site.store.path.unlink()

    assert worker.wait(60) == EXIT_UNRECORDED


def test_a_run_stands_still_while_its_record_is_damaged_and_goes_on_when_it_is_not(
    quiet_bench: Bench,
) -> None:
    quiet_bench.plant("slow-one")
    quiet_bench.worker()
    run = quiet_bench.start(plan(put("1.1", "one"), put("1.2", "two")))
    quiet_bench.until((quiet_bench.world.folder / "begun").exists, "the write")
    journal = quiet_bench.site.store.home / "journal.db"
    with closing(sqlite3.connect(journal, timeout=30, isolation_level=None)) as store:
        head = store.execute("SELECT one, head, edge FROM head").fetchone()
        store.execute("DELETE FROM head")

        (quiet_bench.world.folder / "slow-one").unlink()
        quiet_bench.until(quiet_bench.world.effects, "the effect")
        assert quiet_bench.runs.state(run) is State.RUNNING
        store.execute("INSERT INTO head (one, head, edge) VALUES (?, ?, ?)", head)

    assert quiet_bench.ended(run).state is State.DONE
    assert len(quiet_bench.world.effects()) == 2


def test_a_run_resumed_while_its_last_step_still_works_does_it_once(quiet_bench: Bench) -> None:
    quiet_bench.plant("slow-one")
    quiet_bench.worker()
    quiet_bench.worker()
    run = quiet_bench.start(plan(put("1.1", "one"), put("1.2", "two")))
    quiet_bench.until((quiet_bench.world.folder / "begun").exists, "the write")

    quiet_bench.runs.kill(run)
    quiet_bench.runs.resume(run)
    quiet_bench.until(
        lambda: quiet_bench.runs.show(run).summary.worker, "the run being taken up again"
    )
    (quiet_bench.world.folder / "slow-one").unlink()

    assert quiet_bench.ended(run).state is State.DONE
    assert [line.split()[1] for line in quiet_bench.world.effects()] == ["one", "two"]


def test_a_worker_told_to_stop_leaves_its_runs_to_the_next(quiet_bench: Bench) -> None:
    quiet_bench.plant("slow-one")
    first = quiet_bench.worker()
    run = quiet_bench.start(plan(put("1.1", "one"), put("1.2", "two")))
    waits = quiet_bench.start(plan(human("1.1")))
    quiet_bench.until((quiet_bench.world.folder / "begun").exists, "the write")
    quiet_bench.asked(waits, "1.1")

    first.send_signal(signal.SIGTERM)
    quiet_bench.until(lambda: first.poll() is not None or True, "the signal")
    (quiet_bench.world.folder / "slow-one").unlink()
    first.wait(60)
    quiet_bench.worker()
    quiet_bench.send(waits, MessageKind.ANSWER, "1.1", "done")

    assert quiet_bench.ended(run).state is State.DONE
    assert quiet_bench.ended(waits).state is State.DONE
    assert [line.split()[1] for line in quiet_bench.world.effects()] == ["one", "two"]


def test_runs_of_another_step_protocol_are_named(quiet_bench: Bench) -> None:
    run = quiet_bench.start(plan(human("1.1")))
    assert stranded(quiet_bench.site.store) == ()
    with closing(sqlite3.connect(quiet_bench.site.store.path, timeout=30)) as store:
        store.execute("UPDATE workflow_status SET application_version = 'steps-0'")
        store.commit()

    assert stranded(quiet_bench.site.store) == (run,)
    assert quiet_bench.runs.show(run).summary.stranded
    assert not quiet_bench.runs.any_under_way()
