"""What a run promises, on real workers that are really killed."""

import time

import pytest

from drillbook.core.errors import Refused
from drillbook.core.plan import (
    InputType,
    Kind,
    PlannedInput,
    PlannedStep,
    PlannedTask,
    PlanPart,
    Retry,
)
from drillbook.core.policy import EnvironmentFacts
from drillbook.engine.messages import MessageKind
from drillbook.engine.outcome import State
from engine.conftest import Bench, argument, bound, human, look, plan, plan_of, put, say
from engine.world import World


def test_a_run_does_its_tasks_and_later_ones_see_earlier_results(bench: Bench) -> None:
    first = put("1.1", "one", name="first", expect='first.value == "one"')
    second = put("1.2", "${first.value}")

    outcome = bench.finish(first, second, look("1.3", name="seen", expect="seen.count == 2"))

    assert outcome.state is State.DONE, outcome
    assert [line.split()[1] for line in bench.world.effects()] == ["one", "one"]


def test_a_failed_write_takes_everything_back_in_reverse(bench: Bench) -> None:
    bench.plant("fail-three")

    outcome = bench.finish(put("1.1", "one"), put("1.2", "two"), put("1.3", "three"))

    assert outcome.state is State.TAKEN_BACK
    assert "three does not go in" in outcome.reason
    assert bench.world.value == "start"
    values = [line.split()[1] for line in bench.world.effects()]
    assert values == ["one", "two", "one", "start"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("value", ["one", "two"])
def test_a_worker_killed_around_an_effect_leaves_it_done_once(
    quiet_bench: Bench, when: str, value: str
) -> None:
    quiet_bench.plant(f"die-{when}-{value}")
    victim = quiet_bench.worker()
    run = quiet_bench.start(plan(put("1.1", "one"), put("1.2", "two")))
    assert victim.wait(60) == -9

    quiet_bench.worker()

    assert quiet_bench.ended(run).state is State.DONE
    assert [line.split()[1] for line in quiet_bench.world.effects()] == ["one", "two"]


def test_a_worker_killed_on_the_way_back_goes_back_all_the_way(quiet_bench: Bench) -> None:
    quiet_bench.plant("fail-three", "die-undo-two")
    victim = quiet_bench.worker()
    tasks = [put("1.1", "one"), put("1.2", "two"), put("1.3", "three")]
    run = quiet_bench.start(plan(*tasks), unattended=True)
    assert victim.wait(60) == -9

    quiet_bench.worker()

    assert quiet_bench.ended(run).state is State.TAKEN_BACK
    assert [line.split()[1] for line in quiet_bench.world.effects()] == [
        "one",
        "two",
        "one",
        "start",
    ]


def test_an_unknown_outcome_is_looked_for_and_found(bench: Bench) -> None:
    bench.plant("unknown-one")

    outcome = bench.finish(put("1.1", "one"))

    assert outcome.state is State.DONE
    assert len(bench.world.effects()) == 1


def test_a_final_write_of_unknown_outcome_waits_for_a_person(bench: Bench) -> None:
    bench.plant("unknown-word")
    run = bench.start(plan(say("1.1", "word")))
    bench.asked(run, "1.1")

    waits = bench.runs.waiting(run, "1.1")
    assert waits.until is None
    bench.send(run, MessageKind.CHOICE, "1.1", "it-happened")

    assert bench.ended(run).state is State.DONE
    assert len(bench.world.effects()) == 1


def test_a_look_that_fails_after_a_kill_does_not_pass_for_nothing_done(quiet_bench: Bench) -> None:
    quiet_bench.plant("die-blind-word")
    victim = quiet_bench.worker()
    run = quiet_bench.start(plan(say("1.1", "word")), unattended=True)
    assert victim.wait(60) == -9

    quiet_bench.worker()

    outcome = quiet_bench.ended(run)
    assert outcome.state is State.STUCK, outcome
    assert outcome.stuck == ("1.1",)
    assert len(quiet_bench.world.effects()) == 1


def test_a_look_that_succeeds_later_settles_an_unknown_outcome(bench: Bench) -> None:
    bench.plant("unknown-word")
    slow = plan(say("1.1", "word")).model_copy(update={"undo_wait_seconds": 0.3})
    run = bench.start(slow, unattended=True)
    bench.until((bench.world.folder / "blind").exists, "the unknown outcome")

    (bench.world.folder / "blind").unlink()

    assert bench.ended(run).state is State.DONE
    assert len(bench.world.effects()) == 1


def test_an_outcome_that_stays_unknown_is_told_in_one_sentence(bench: Bench) -> None:
    bench.plant("unknown-word")

    outcome = bench.finish(say("1.1", "word"))

    assert outcome.state is State.STUCK
    assert outcome.reason.count("nobody can look") == 1, outcome.reason


def test_a_failed_task_is_tried_again_as_often_as_it_says(bench: Bench) -> None:
    bench.plant("fail-once-one")

    outcome = bench.finish(put("1.1", "one", retry=Retry(times=2, wait_seconds=0.01)))

    assert outcome.state is State.DONE
    assert "task.retry" in bench.kinds(bench.runs.list()[0].run)


def test_a_person_can_have_a_failed_task_tried_again(bench: Bench) -> None:
    bench.plant("fail-one")
    run = bench.start(plan(put("1.1", "one")))
    bench.asked(run, "1.1")
    (bench.world.folder / "fail-one").unlink()

    bench.send(run, MessageKind.CHOICE, "1.1", "retry")

    assert bench.ended(run).state is State.DONE


def test_nobody_answering_a_failure_arms_the_way_back(bench: Bench) -> None:
    bench.plant("fail-two")
    tasks = plan(put("1.1", "one"), put("1.2", "two"), decision_seconds=0.2)

    outcome = bench.ended(bench.start(tasks))

    assert outcome.state is State.TAKEN_BACK
    assert bench.world.value == "start"


def test_a_skipped_task_changes_nothing_and_the_run_goes_on(bench: Bench) -> None:
    outcome = bench.finish(put("1.1", "one", when='run.by == "li"'), put("1.2", "two"))

    assert outcome.state is State.DONE
    assert [line.split()[1] for line in bench.world.effects()] == ["two"]


def test_an_expectation_that_does_not_hold_names_the_values_seen(bench: Bench) -> None:
    outcome = bench.finish(put("1.1", "one", name="it", expect='it.value == "two"'))

    assert outcome.state is State.TAKEN_BACK
    assert "it.value is one" in outcome.reason


def test_a_gate_that_does_not_hold_refuses_before_anything_changed(bench: Bench) -> None:
    bench.plant("fail-look")
    gated = plan_of(
        PlannedStep(id="1", title="Work", tasks=(put("1.1", "one"),)),
        part={"gate": (look("0.1"), look("0.2"))},
    )

    outcome = bench.ended(bench.start(gated, unattended=True))

    assert outcome.state is State.REFUSED
    assert bench.world.effects() == []


def test_a_rollback_step_runs_whole_only_when_something_remains(bench: Bench) -> None:
    bench.plant("fail-two", "no-undo-one")
    rollback = PlannedStep(id="2", title="Rollback", optional=True, tasks=(put("2.1", "restored"),))
    steps = PlannedStep(id="1", title="Work", tasks=(put("1.1", "one"), put("1.2", "two")))

    outcome = bench.ended(bench.start(plan_of(steps, rollback=(rollback,)), unattended=True))

    assert outcome.state is State.TAKEN_BACK
    assert bench.world.value == "restored"


def test_a_rollback_step_is_not_needed_when_every_write_was_undone(bench: Bench) -> None:
    bench.plant("fail-two")
    rollback = PlannedStep(id="2", title="Rollback", optional=True, tasks=(put("2.1", "restored"),))
    steps = PlannedStep(id="1", title="Work", tasks=(put("1.1", "one"), put("1.2", "two")))

    run = bench.start(plan_of(steps, rollback=(rollback,)), unattended=True)

    assert bench.ended(run).state is State.TAKEN_BACK
    assert bench.world.value == "start"
    assert bench.kinds(run, "2.1") == ["task.skipped"]


def test_a_rollback_step_does_not_restore_an_environment_nothing_remains_in(
    bench: Bench,
) -> None:
    bench.plant("fail-two")
    staging = Bench(bench.site, World(bench.site.worlds / "staging"), bench.runs)
    staging.world.folder.mkdir(exist_ok=True)
    staging.plant("no-undo-other")
    rollback = PlannedStep(id="2", title="Rollback", optional=True, tasks=(put("2.1", "restored"),))
    tasks = (put("1.1", "other", on="staging"), put("1.2", "two"))
    steps = PlannedStep(id="1", title="Work", tasks=tasks)

    run = bench.start(plan_of(steps, rollback=(rollback,)), unattended=True)

    outcome = bench.ended(run)
    assert outcome.state is State.PARTLY_TAKEN_BACK
    assert outcome.kept == ("1.1",)
    assert bench.kinds(run, "2.1") == ["task.skipped"]


def test_a_rollback_task_that_needs_a_result_nobody_gave_is_not_applicable(bench: Bench) -> None:
    bench.plant("fail-one")
    rollback = PlannedStep(
        id="2", title="Rollback", optional=True, tasks=(put("2.1", "${first.value}"),)
    )
    steps = PlannedStep(id="1", title="Work", tasks=(put("1.1", "one", name="first"),))

    outcome = bench.ended(bench.start(plan_of(steps, rollback=(rollback,)), unattended=True))

    assert outcome.state is State.TAKEN_BACK


def test_a_rollback_step_is_tried_again_as_patiently_as_an_undo(bench: Bench) -> None:
    bench.plant("fail-two", "no-undo-one", "fail-once-restored")
    rollback = PlannedStep(id="2", title="Rollback", optional=True, tasks=(put("2.1", "restored"),))
    steps = PlannedStep(id="1", title="Work", tasks=(put("1.1", "one"), put("1.2", "two")))

    outcome = bench.ended(bench.start(plan_of(steps, rollback=(rollback,)), unattended=True))

    assert outcome.state is State.TAKEN_BACK
    assert bench.world.value == "restored"


def test_a_called_runbook_sees_its_own_inputs_and_results_only(bench: Bench) -> None:
    called = PlanPart(
        runbook="Called",
        inputs=(PlannedInput(name="wish", type=InputType.TEXT, required=True),),
        steps=(
            PlannedStep(
                id="1",
                title="Inside",
                tasks=(
                    put("1.2/1.1", "${wish}", name="it"),
                    put("1.2/1.2", "${it.value}"),
                ),
            ),
        ),
    )
    call = PlannedTask(
        id="1.2", text="call", line=1, kind=Kind.RUNBOOK, part=called,
        arguments={"wish": argument("${it.value}")},
    )  # fmt: skip

    outcome = bench.finish(put("1.1", "outer", name="it"), call, put("1.3", "${it.value}"))

    assert outcome.state is State.DONE, outcome
    assert [line.split()[1] for line in bench.world.effects()] == ["outer"] * 4


def test_a_final_write_is_taken_back_by_the_action_the_book_names(bench: Bench) -> None:
    bench.plant("fail-two")
    unsay = say("1.1.undo", "${result.value}")

    outcome = bench.finish(say("1.1", "hello", undo_does=unsay), put("1.2", "two"))

    assert outcome.state is State.TAKEN_BACK
    keys = [line.split()[0].partition(":")[2] for line in bench.world.effects()]
    assert keys == ["1.1", "1.1.undo"]


def test_an_undo_that_fails_is_said_to_be_stuck(bench: Bench) -> None:
    bench.plant("fail-two", "fail-undo-one")

    outcome = bench.finish(put("1.1", "one"), put("1.2", "two"))

    assert outcome.state is State.STUCK
    assert outcome.stuck == ("1.1",)


def test_cancel_takes_back_what_was_done(bench: Bench) -> None:
    run = bench.start(plan(put("1.1", "one"), human("1.2")))
    bench.asked(run, "1.2")

    bench.runs.cancel(run, by="li", note="wrong night")

    outcome = bench.ended(run)
    assert outcome.state is State.TAKEN_BACK
    assert outcome.reason == "li cancelled the run: wrong night"
    assert bench.world.value == "start"


def test_cancel_is_noticed_between_tasks_of_a_busy_run(bench: Bench) -> None:
    waiting = look("1.2").model_copy(update={"arguments": {"slow_seconds": _literal(1.0)}})
    run = bench.start(plan(put("1.1", "one"), waiting, put("1.3", "three")))
    bench.until((bench.world.folder / "go").exists, "the slow look")

    bench.runs.cancel(run, by="li")
    time.sleep(0.5)  # the worker looks every 0.1 s, and nothing outside tells that it has
    (bench.world.folder / "go").write_text("")

    assert bench.ended(run).state is State.TAKEN_BACK
    assert "three" not in {line.split()[1] for line in bench.world.effects()}


def test_a_finished_run_can_be_taken_back_later(bench: Bench) -> None:
    outcome = bench.finish(put("1.1", "one"), put("1.2", "two"))
    assert outcome.state is State.DONE

    undone = bench.runs.undo(bench.runs.list()[0].run, by="ana")

    assert bench.ended(undone).state is State.TAKEN_BACK
    assert bench.world.value == "start"
    with pytest.raises(Refused, match="back already"):
        bench.runs.undo(undone.removesuffix("-undo"), by="ana")


def test_a_run_stopped_dead_goes_on_where_it_was(bench: Bench) -> None:
    run = bench.start(plan(put("1.1", "one"), human("1.2"), put("1.3", "three")))
    bench.asked(run, "1.2")
    bench.runs.kill(run)
    assert bench.runs.state(run) is State.DEAD

    bench.runs.resume(run)
    bench.asked(run, "1.2")
    bench.send(run, MessageKind.ANSWER, "1.2", "done")

    assert bench.ended(run).state is State.DONE
    assert [line.split()[1] for line in bench.world.effects()] == ["one", "three"]


def _literal(value: float) -> object:
    from drillbook.core.plan import Argument

    return Argument(literal=value)


def test_reads_of_one_step_run_side_by_side(bench: Bench) -> None:
    slow = [bound(f"1.{n}", "world.look", {"slow_seconds": float(n)}) for n in (2, 3)]
    run = bench.start(plan(*slow))
    gates = [bench.world.folder / "go-2", bench.world.folder / "go-3"]

    bench.until(lambda: all(gate.exists() for gate in gates), "both looks under way")
    for gate in gates:
        gate.write_text("")

    assert bench.ended(run).state is State.DONE


def test_a_write_is_refused_when_the_settings_are_not_those_of_the_plan(bench: Bench) -> None:
    here = bench.world.folder.name
    facts = EnvironmentFacts(name=here, digest="as planned", systems={})
    (bench.world.folder / "settings").write_text("another server")

    run = bench.start(plan(put("1.1", "one"), environments={here: facts}), unattended=True)

    outcome = bench.ended(run)
    assert outcome.state is State.REFUSED
    assert "are not those of the plan" in outcome.reason
    assert bench.world.effects() == []
