"""
A worker that dies at the steps of a run, after the work and before its record, once each.

Every eighth step, to keep the tests short; every single one with DRILLBOOK_TEST_EACH_STEP=1.
"""

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from drillbook.core.plan import Kind, Plan, PlannedStep, PlannedTask, Retry
from drillbook.engine.messages import MessageKind
from drillbook.engine.outcome import RunOutcome, State
from drillbook.engine.waiting import Waiting
from engine.conftest import Bench, argument, human, look, make_bench, make_site, plan_of, put
from engine.test_calls import ONE_DBA, ROLES, call

STRIDE = 1 if os.environ.get("DRILLBOOK_TEST_EACH_STEP") else 8
LONGEST_SECONDS = 400
# A step is carried out and refused its record; the worker then ends itself, and the next begins.
NO_RECORD_AT_FIRST = """
CREATE TABLE may_record (rows INTEGER NOT NULL);
INSERT INTO may_record VALUES (0);
CREATE TRIGGER further AFTER UPDATE ON may_record WHEN NEW.rows % {stride} <> 0
  BEGIN UPDATE may_record SET rows = rows - rows % {stride} + {stride}; END;
CREATE TRIGGER no_record_at_first BEFORE INSERT ON operation_outputs
  WHEN (SELECT count(*) FROM operation_outputs) >= (SELECT rows FROM may_record)
  BEGIN SELECT RAISE(FAIL, 'not this time'); END;
"""


@pytest.fixture
def lives(tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "killed").mkdir()
    yield from _site(tmp_path / "killed")


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "whole").mkdir()
    yield from _site(tmp_path / "whole")


def _site(folder: Path) -> Iterator[Bench]:
    site = make_site(folder, f"sqlite:///{folder}/home/store.db")
    yield from make_bench(site)
    site.close()


def everything() -> Plan:
    options = (put("1.4.1", "left"), put("1.4.2", "right"))
    choice = PlannedTask(id="1.4", text="which way", line=1, kind=Kind.CHOOSE, options=options)
    inside = call(
        "1.5", put("1.5/1.1", "${wish}", name="inner"), human("1.5/1.2"), wish=argument("wished")
    )
    rollback = PlannedStep(id="2", title="Rollback", tasks=(look("2.1"), human("2.2")))
    return plan_of(
        PlannedStep(
            id="1",
            title="Work",
            tasks=(
                look("1.1"),
                look("1.2", name="seen"),
                put("1.3", "approved", needs=ONE_DBA, expect='result.value == "approved"'),
                choice,
                inside,
                put("1.6", "never", retry=Retry(times=1, wait_seconds=0.01)),
            ),
        ),
        rollback=(rollback,),
        roles=ROLES,
    )


def carried(bench: Bench, *how: str) -> tuple[str, RunOutcome]:
    """Let a worker carry the run out, with somebody who answers each question once."""
    run = bench.start(everything())
    bench.plant("fail-never", "fail-undo-right")
    bench.site.worker(*how)
    answered: set[str] = set()

    def answer_all() -> RunOutcome | None:
        for waiting in bench.runs.show(run).waits:
            if waiting.question not in answered:
                answered.add(waiting.question)
                _answer(bench, run, waiting)
        return bench.runs.outcome(run)

    ends = time.monotonic() + LONGEST_SECONDS
    while not answer_all():
        assert time.monotonic() < ends, bench.kinds(run)
        time.sleep(0.05)  # there is no event to await between processes of a store
    return run, bench.ended(run)


def _answer(bench: Bench, run: str, waiting: Waiting) -> None:
    match waiting.task:
        case "1.3":
            asked = {"plan_hash": str(waiting.data["plan"]), "digest": str(waiting.data["digest"])}
            bench.send(run, MessageKind.APPROVE, "1.3", by="li", **asked)
        case "1.4" if waiting.kind == "task.asked":
            bench.send(run, MessageKind.OPTION, "1.4", "1.4.2")
        case "1.6":
            bench.send(run, MessageKind.CHOICE, "1.6", "way-back")
        case "1.4.2":
            (bench.world.folder / "fail-undo-right").unlink()
            bench.send(run, MessageKind.CHOICE, "1.4.2", "retry")
        case task:
            bench.send(run, MessageKind.ANSWER, task, "done")


def record(bench: Bench, run: str) -> Counter[tuple[str, ...]]:
    words = ("answer", "choice", "option", "error", "by")
    return Counter(
        (entry.kind, entry.task, *(str(entry.data.get(word)) for word in words))
        for entry in bench.runs.entries(run)
    )


def effects(bench: Bench) -> list[str]:
    return [line.partition(":")[2] for line in bench.world.effects()]


def test_a_run_whose_worker_dies_again_and_again_is_the_run_of_one_that_never_dies(
    lives: Bench, life: Bench
) -> None:
    whole, outcome = carried(life)
    assert outcome.state is State.TAKEN_BACK, outcome
    with closing(sqlite3.connect(lives.site.store.path)) as store:
        store.executescript(NO_RECORD_AT_FIRST.format(stride=STRIDE))

    killed, again = carried(lives, "lives")

    assert again.model_dump(exclude={"reason"}) == outcome.model_dump(exclude={"reason"})
    assert effects(lives) == effects(life)
    assert record(lives, killed) == record(life, whole)
    with closing(sqlite3.connect(lives.site.store.path)) as store:
        (steps,) = store.execute("SELECT count(*) FROM operation_outputs").fetchone()
        (deaths,) = store.execute("SELECT rows FROM may_record").fetchone()
    assert deaths > steps - STRIDE
    assert steps > 50
