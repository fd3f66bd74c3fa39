"""Cancel at every awkward moment: on the way back, after the resolution, twice, in a long sleep."""

import pytest

from drillbook.core.errors import Refused
from drillbook.core.plan import PlannedStep, Retry
from drillbook.engine.messages import MessageKind
from drillbook.engine.outcome import State
from engine.conftest import Bench, bound, human, plan, plan_of, put

SLOW_RETRY = Retry(times=3, wait_seconds=3600)


def after(*tasks: object, post_mortem: tuple[object, ...]) -> object:
    step = PlannedStep(id="9", title="Post-Mortem", tasks=post_mortem)
    return plan_of(PlannedStep(id="1", title="Work", tasks=tasks), part={"post_mortem": (step,)})


def test_a_run_cancelled_after_the_resolution_is_taken_back(bench: Bench) -> None:
    run = bench.start(after(put("1.1", "one"), post_mortem=(human("9.1"),)))
    bench.asked(run, "9.1")

    bench.runs.undo(run, by="li")

    assert bench.ended(run).state is State.TAKEN_BACK
    assert bench.world.value == "start"


def test_a_run_left_after_the_resolution_keeps_what_it_wrote(bench: Bench) -> None:
    run = bench.start(after(put("1.1", "one"), post_mortem=(human("9.1"),)))
    bench.asked(run, "9.1")

    bench.runs.cancel(run, by="li", leave=True)

    outcome = bench.ended(run)
    assert (outcome.state, outcome.kept) == (State.STOPPED, ("1.1",))


def test_a_second_cancel_does_not_stop_the_way_back(bench: Bench) -> None:
    bench.plant("fail-undo-two")
    run = bench.start(plan(put("1.1", "one"), put("1.2", "two"), human("1.3")))
    bench.asked(run, "1.3")
    bench.runs.cancel(run, by="li")
    bench.until(lambda: "decision.asked" in bench.kinds(run), "the failed undo")

    bench.runs.cancel(run, by="kim")
    bench.until(lambda: "message.ignored" in bench.kinds(run), "the second wish")
    (bench.world.folder / "fail-undo-two").unlink()
    bench.send(run, MessageKind.CHOICE, "1.2", "retry")

    assert bench.ended(run).state is State.TAKEN_BACK
    assert bench.world.value == "start"


def test_the_way_back_can_be_left_and_what_remains_is_named(bench: Bench) -> None:
    bench.plant("fail-undo-two")
    run = bench.start(plan(put("1.1", "one"), put("1.2", "two"), human("1.3")))
    bench.asked(run, "1.3")
    bench.runs.cancel(run, by="li")
    bench.until(lambda: "decision.asked" in bench.kinds(run), "the failed undo")

    bench.runs.cancel(run, by="kim", leave=True)

    outcome = bench.ended(run)
    assert outcome.state is State.PARTLY_TAKEN_BACK
    assert sorted(outcome.kept) == ["1.1", "1.2"]


def test_a_run_cancelled_while_it_waits_to_try_again_does_not_try_again(bench: Bench) -> None:
    bench.plant("fail-two")
    run = bench.start(plan(put("1.1", "one"), put("1.2", "two", retry=SLOW_RETRY)))
    bench.until(lambda: "task.retry" in bench.kinds(run), "the wait")
    (bench.world.folder / "fail-two").unlink()

    bench.runs.cancel(run, by="li")

    assert bench.ended(run).state is State.TAKEN_BACK
    assert "two" not in {line.split()[1] for line in bench.world.effects()}


def test_a_run_stuck_on_its_way_back_can_be_taken_back_when_the_cause_is_gone(
    bench: Bench,
) -> None:
    bench.plant("fail-two", "fail-undo-one")
    outcome = bench.finish(put("1.1", "one"), put("1.2", "two"))
    assert outcome.state is State.STUCK
    (bench.world.folder / "fail-undo-one").unlink()

    undo = bench.runs.undo(bench.runs.list()[0].run, by="ana")

    assert bench.ended(undo).state is State.TAKEN_BACK
    assert bench.world.value == "start"


def test_a_stuck_undo_can_be_repeated_and_goes_on_where_it_was(bench: Bench) -> None:
    bench.finish(put("1.1", "one"), put("1.2", "two"), put("1.3", "three"))
    bench.plant("fail-undo-two")
    run = bench.runs.list()[0].run
    first = bench.runs.undo(run, by="ana")
    bench.asked(first, "1.2")
    bench.send(first, MessageKind.CHOICE, "1.2", "skip")
    assert bench.ended(first).state is State.STUCK
    bench.world.set("precious", "by-somebody-else")
    (bench.world.folder / "fail-undo-two").unlink()

    second = bench.runs.undo(first, by="ana")

    outcome = bench.ended(second)
    assert outcome.state is State.TAKEN_BACK
    undone = [entry.task for entry in bench.runs.entries(second) if entry.kind == "undo.done"]
    assert undone == ["1.2"]
    with pytest.raises(Refused, match="back already"):
        bench.runs.undo(run, by="ana")


def test_a_run_stopped_dead_can_be_taken_back(bench: Bench) -> None:
    run = bench.start(plan(put("1.1", "one"), human("1.2"), put("1.3", "three")))
    bench.asked(run, "1.2")
    bench.runs.kill(run)

    assert bench.runs.undo(run, by="li") == run

    assert bench.ended(run).state is State.TAKEN_BACK
    assert bench.world.value == "start"
    assert "three" not in {line.split()[1] for line in bench.world.effects()}


def test_a_wish_to_cancel_does_not_cut_short_what_the_way_back_watches(bench: Bench) -> None:
    watched = bound("2.1", "world.watch", {}, name="seen", expect='seen.value == "watched"')
    steps = PlannedStep(id="1", title="Work", tasks=(put("1.1", "one"), human("1.2")))
    rollback = PlannedStep(id="2", title="Rollback", tasks=(watched,))
    run = bench.start(plan_of(steps, rollback=(rollback,)))
    bench.asked(run, "1.2")

    bench.runs.cancel(run, by="li")

    outcome = bench.ended(run)
    assert outcome.state is State.TAKEN_BACK, outcome
