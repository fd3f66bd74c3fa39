"""Called runbooks: what the compiler accepts, the engine runs; a call that cannot be made fails."""

from drillbook.core.plan import (
    Argument,
    InputType,
    Kind,
    PlannedInput,
    PlannedStep,
    PlannedTask,
    PlanPart,
)
from drillbook.core.policy import Consent, Needs
from drillbook.engine.messages import MessageKind
from drillbook.engine.outcome import State
from engine.conftest import Bench, argument, human, look, plan, plan_of, put

ONE_DBA = Needs(consent=Consent.APPROVALS, approvals=1, roles=("dba",))
ROLES = {"dba": ("li", "kim")}
WISH = PlannedInput(name="wish", type=InputType.TEXT, required=True)


def call(number: str, *tasks: PlannedTask, wish: Argument, **more: object) -> PlannedTask:
    part_more = more.pop("part", {})
    part = PlanPart(
        runbook="Called",
        inputs=(WISH,),
        steps=(PlannedStep(id="1", title="Inside", tasks=tasks),),
        **part_more,
    )
    return PlannedTask(
        id=number, text="call", line=1, kind=Kind.RUNBOOK, does="runbook Called", part=part,
        arguments={"wish": wish}, **more,
    )  # fmt: skip


def values(bench: Bench) -> list[str]:
    return [line.split()[1] for line in bench.world.effects()]


def approve(bench: Bench, run: str, task: str, by: str) -> None:
    asked = bench.runs.waiting(run, task).data
    bench.send(
        run, MessageKind.APPROVE, task, by=by,
        plan_hash=str(asked["plan"]), digest=str(asked["digest"]),
    )  # fmt: skip


def test_a_call_that_needs_a_value_nobody_gave_fails_and_goes_back(bench: Bench) -> None:
    skipped = put("1.2", "two", name="two", when="false")
    inside = call("1.3", put("1.3/1.1", "${wish}"), wish=argument("${two.value}"))

    outcome = bench.finish(put("1.1", "one"), skipped, inside)

    assert outcome.state is State.TAKEN_BACK, outcome
    assert "two" in outcome.reason
    assert bench.world.value == "start"


def test_a_run_with_a_called_runbook_can_be_taken_back_later(bench: Bench) -> None:
    rollback = PlannedStep(
        id="2", title="Rollback", tasks=(put("1.2/2.1", "rolled", when="wish == 'one'"),)
    )
    inside = call(
        "1.2", put("1.2/1.1", "${wish}", name="it"), put("1.2/1.2", "${it.value}"),
        wish=argument("${first.value}"), part={"rollback": (rollback,)},
    )  # fmt: skip
    outcome = bench.finish(put("1.1", "one", name="first"), inside)
    assert outcome.state is State.DONE, outcome

    undo = bench.runs.undo(bench.runs.list()[0].run, by="ana")

    assert bench.ended(undo).state is State.TAKEN_BACK
    assert values(bench)[-2:] == ["start", "rolled"]


def test_a_call_whose_condition_does_not_hold_is_not_made(bench: Bench) -> None:
    inside = call("1.1", put("1.1/1.1", "one"), wish=argument("x"), when='run.by == "li"')

    outcome = bench.finish(inside, put("1.2", "two"))

    assert outcome.state is State.DONE, outcome
    assert values(bench) == ["two"]
    assert bench.kinds(bench.runs.list()[0].run, "1.1") == ["task.started", "task.skipped"]


def test_a_choice_whose_condition_does_not_hold_is_not_asked(bench: Bench) -> None:
    options = (put("1.1.1", "left"), put("1.1.2", "right"))
    choice = PlannedTask(
        id="1.1", text="which", line=1, kind=Kind.CHOOSE, options=options, when="false"
    )

    run = bench.start(plan(choice, put("1.2", "two")))

    assert bench.ended(run).state is State.DONE
    assert values(bench) == ["two"]


def test_a_choice_nobody_makes_in_time_fails(bench: Bench) -> None:
    options = (put("1.1.1", "left"), put("1.1.2", "right"))
    choice = PlannedTask(
        id="1.1", text="which", line=1, kind=Kind.CHOOSE, options=options, timeout_seconds=0.1
    )

    run = bench.start(plan(choice, decision_seconds=0.1))

    outcome = bench.ended(run)
    assert outcome.state is State.REFUSED
    assert "nobody chose" in outcome.reason


def test_a_call_that_needs_an_approval_waits_for_it(bench: Bench) -> None:
    inside = call("1.1", put("1.1/1.1", "${wish}"), wish=argument("one"), needs=ONE_DBA)
    run = bench.start(plan(inside, roles=ROLES))
    bench.asked(run, "1.1")
    assert values(bench) == []

    approve(bench, run, "1.1", "li")

    assert bench.ended(run).state is State.DONE
    assert values(bench) == ["one"]


def test_a_read_that_needs_an_approval_waits_for_it(bench: Bench) -> None:
    run = bench.start(plan(look("1.1"), look("1.2", needs=ONE_DBA), look("1.3"), roles=ROLES))
    bench.asked(run, "1.2")
    assert "task.done" not in bench.kinds(run, "1.2") + bench.kinds(run, "1.3")

    approve(bench, run, "1.2", "kim")

    assert bench.ended(run).state is State.DONE
    assert "task.done" in bench.kinds(run, "1.2")


def test_the_post_mortem_of_a_called_runbook_is_not_lost(bench: Bench) -> None:
    later = PlannedStep(id="9", title="Post-Mortem", tasks=(human("1.1/9.1"),))
    inside = call("1.1", put("1.1/1.1", "one"), wish=argument("x"), part={"post_mortem": (later,)})
    run = bench.start(plan_of(PlannedStep(id="1", title="Work", tasks=(inside,))))

    bench.asked(run, "1.1/9.1")
    bench.send(run, MessageKind.ANSWER, "1.1/9.1", "done")

    assert bench.ended(run).state is State.DONE
