"""A run says only what is so: what was not restored is kept, what is too large is named."""

from drillbook.core.plan import PlannedStep
from drillbook.core.policy import EnvironmentFacts
from drillbook.engine.messages import MessageKind
from drillbook.engine.outcome import State
from engine.conftest import Bench, bound, look, plan_of, put, say


def test_a_rollback_that_did_nothing_has_restored_nothing(bench: Bench) -> None:
    bench.plant("fail-two", "no-undo-one")
    rollback = PlannedStep(
        id="2", title="Rollback", optional=True, tasks=(put("2.1", "restored", when="false"),)
    )
    steps = PlannedStep(id="1", title="Work", tasks=(put("1.1", "one"), put("1.2", "two")))

    outcome = bench.ended(bench.start(plan_of(steps, rollback=(rollback,)), unattended=True))

    assert outcome.state is State.PARTLY_TAKEN_BACK, outcome
    assert outcome.kept == ("1.1",)


def test_what_lasts_is_kept_whatever_a_rollback_step_restores(bench: Bench) -> None:
    bench.plant("fail-two")
    rollback = PlannedStep(id="2", title="Rollback", optional=True, tasks=(put("2.1", "restored"),))
    carve = bound("1.1", "world.carve", {"word": "stone"})
    tasks = (carve, say("1.2", "one"), put("1.3", "two"))
    steps = PlannedStep(id="1", title="Work", tasks=tasks)

    outcome = bench.ended(bench.start(plan_of(steps, rollback=(rollback,)), unattended=True))

    assert (outcome.state, outcome.kept) == (State.PARTLY_TAKEN_BACK, ("1.1",))
    assert bench.world.value == "restored"


def test_a_rollback_task_whose_value_or_condition_names_what_nobody_gave_is_left_out(
    bench: Bench,
) -> None:
    bench.plant("fail-two")
    rollback = PlannedStep(
        id="2",
        title="Rollback",
        tasks=(
            look("2.1", name="now"),
            put("2.2", "${now.value}", name="restored", when="now.count > 0"),
            look("2.3", name="never", when="two.value == 'two'"),
            say("2.4", "${never.value}"),
            say("2.5", "back"),
        ),
    )
    steps = PlannedStep(
        id="1", title="Work", tasks=(say("1.1", "one"), put("1.2", "two", name="two"))
    )

    run = bench.start(plan_of(steps, rollback=(rollback,)), unattended=True)

    assert bench.ended(run).state is State.TAKEN_BACK
    assert [line.partition(" ")[2] for line in bench.world.effects()] == ["one", "one", "back"]
    left_out = [
        (entry.task, entry.data["why"])
        for entry in bench.runs.entries(run)
        if entry.kind == "task.skipped"
    ]
    assert [task for task, _ in left_out] == ["2.3", "2.4"]
    assert "two.value is not known" in left_out[0][1]


def test_an_undo_refused_because_of_changed_settings_is_asked_about(bench: Bench) -> None:
    here = bench.world.folder.name
    settings = bench.world.folder / "settings"
    facts = EnvironmentFacts(name=here, digest="as planned", systems={})
    bench.plant("fail-two")
    steps = PlannedStep(id="1", title="Work", tasks=(put("1.1", "one"), put("1.2", "two")))
    run = bench.start(plan_of(steps, environments={here: facts}))
    bench.asked(run, "1.2")
    settings.write_text("edited by somebody")

    bench.send(run, MessageKind.CHOICE, "1.2", "way-back")
    bench.until(lambda: bench.kinds(run).count("decision.asked") == 2, "the question")
    settings.unlink()
    for task in ("1.2", "1.1"):
        if bench.runs.outcome(run) is None:
            bench.asked(run, task)
            bench.send(run, MessageKind.CHOICE, task, "retry")
            break

    assert bench.ended(run).state is State.TAKEN_BACK
    assert bench.world.value == "start"


def test_a_result_too_large_for_the_record_does_not_end_the_run(bench: Bench) -> None:
    run = bench.start(
        plan_of(
            PlannedStep(
                id="1",
                title="Work",
                tasks=(
                    put("1.1", "one"),
                    bound("1.2", "world.list", {"items": 20_000}, name="many"),
                    bound("1.3", "world.odd", {}, name="odd", evidence=("number",)),
                    put("1.4", "two"),
                ),
            )
        ),
        unattended=True,
    )

    assert bench.ended(run).state is State.DONE
    told = [entry for entry in bench.runs.entries(run) if entry.task == "1.2"][-1]
    assert told.kind == "task.done"
    assert "more than" in str(told.data["left_out"])


def test_a_final_write_of_an_action_that_is_gone_ends_in_words(bench: Bench) -> None:
    gone = say("1.2", "word").model_copy(update={"does": "world.gone"})
    steps = PlannedStep(id="1", title="Work", tasks=(put("1.1", "one"), gone))

    run = bench.start(plan_of(steps), unattended=True)

    outcome = bench.ended(run)
    assert outcome.state is not State.DEAD
    assert "world.gone" in outcome.reason
