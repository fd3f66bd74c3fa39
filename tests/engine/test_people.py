"""Where a run needs people: tasks, approvals, choices and decisions, across workers."""

import pytest

from drillbook.core.errors import Refused
from drillbook.core.plan import (
    Kind,
    PlannedStep,
    PlannedTask,
)
from drillbook.core.policy import Consent, Needs
from drillbook.engine.messages import MessageKind
from drillbook.engine.outcome import State
from engine.conftest import Bench, human, look, plan, plan_of, put

APPROVAL = Needs(consent=Consent.APPROVALS, approvals=1, roles=("dba",))
ROLES = {"dba": ("li", "kim")}


def test_a_human_task_waits_across_workers_and_is_answered_from_elsewhere(
    quiet_bench: Bench,
) -> None:
    first = quiet_bench.worker()
    run = quiet_bench.start(plan(human("1.1"), put("1.2", "one")))
    quiet_bench.asked(run, "1.1")
    first.kill()
    first.wait()

    quiet_bench.send(run, MessageKind.ANSWER, "1.1", "done", note="looked at it")
    quiet_bench.worker()

    assert quiet_bench.ended(run).state is State.DONE
    answered = [e for e in quiet_bench.runs.entries(run) if e.kind == "task.answered"]
    assert [(e.data["answer"], e.data["note"], e.data["by"]) for e in answered] == [
        ("done", "looked at it", "ana")
    ]


def test_an_answer_to_a_task_that_does_not_wait_is_refused(bench: Bench) -> None:
    run = bench.start(plan(human("1.1")))
    bench.asked(run, "1.1")

    with pytest.raises(Refused, match=r"task 9\.9 .* does not wait"):
        bench.send(run, MessageKind.ANSWER, "9.9", "done")


def approve(bench: Bench, run: str, by: str) -> None:
    asked = bench.runs.waiting(run, "1.1").data
    bench.send(
        run, MessageKind.APPROVE, "1.1", by=by,
        plan_hash=str(asked["plan"]), digest=str(asked["digest"]),
    )  # fmt: skip


def test_an_approval_comes_from_a_holder_of_the_role_and_never_from_the_requester(
    bench: Bench,
) -> None:
    run = bench.start(plan(put("1.1", "one", needs=APPROVAL), roles=ROLES), by="li")
    bench.asked(run, "1.1")

    approve(bench, run, "li")
    approve(bench, run, "stranger")
    bench.until(lambda: bench.kinds(run).count("message.ignored") == 2, "both refusals")
    assert bench.world.effects() == []
    approve(bench, run, "kim")

    assert bench.ended(run).state is State.DONE


def test_an_approval_is_void_when_the_world_changed_after_it_was_asked(bench: Bench) -> None:
    run = bench.start(plan(put("1.1", "one", needs=APPROVAL), roles=ROLES))
    bench.asked(run, "1.1")
    bench.world.set("other", "somebody-else")

    approve(bench, run, "li")
    bench.until(lambda: "approval.void" in bench.kinds(run), "the approval becoming void")
    bench.asked(run, "1.1")
    bench.until(lambda: bench.kinds(run).count("approval.asked") == 2, "the second question")
    approve(bench, run, "li")

    assert bench.ended(run).state is State.DONE


def test_an_expired_approval_is_asked_again(bench: Bench) -> None:
    brief = APPROVAL.model_copy(update={"valid_seconds": -1.0})
    run = bench.start(plan(put("1.1", "one", needs=brief), roles=ROLES))
    bench.asked(run, "1.1")

    approve(bench, run, "li")

    bench.until(lambda: bench.kinds(run).count("approval.asked") == 2, "the second question")
    assert bench.world.effects() == []


def test_a_declined_write_does_not_happen(bench: Bench) -> None:
    run = bench.start(
        plan(put("1.1", "one", needs=APPROVAL), roles=ROLES, decision_seconds=0.1), by="ana"
    )
    bench.asked(run, "1.1")
    bench.send(run, MessageKind.DECLINE, "1.1", by="li", note="not tonight")

    outcome = bench.ended(run)

    assert outcome.state is State.REFUSED
    assert "li declined: not tonight" in outcome.reason
    assert bench.world.effects() == []


def test_the_requester_confirms_by_typing_the_target(bench: Bench) -> None:
    confirm = Needs(consent=Consent.CONFIRM)
    run = bench.start(plan(put("1.1", "one", needs=confirm)))
    bench.asked(run, "1.1")

    bench.send(run, MessageKind.APPROVE, "1.1", "staging")
    bench.until(lambda: "message.ignored" in bench.kinds(run), "the refusal")
    bench.send(run, MessageKind.APPROVE, "1.1", bench.world.folder.name)

    assert bench.ended(run).state is State.DONE


def test_an_unattended_run_with_tasks_for_people_is_refused_at_the_start(bench: Bench) -> None:
    with pytest.raises(Refused, match=r"1 tasks need a person.*1\.1"):
        bench.start(plan(human("1.1")), unattended=True)


def test_an_unattended_run_may_hold_a_choice_that_only_a_condition_leads_to(bench: Bench) -> None:
    options = (put("1.2.1", "left"), put("1.2.2", "right"))
    choice = PlannedTask(id="1.2", text="which", line=1, kind=Kind.CHOOSE, options=options)

    run = bench.start(
        plan(put("1.1", "one"), choice.model_copy(update={"when": "1 == 2"})), unattended=True
    )
    reached = bench.start(
        plan(put("1.1", "two"), choice.model_copy(update={"when": "1 == 1"})), unattended=True
    )

    assert bench.ended(run).state is State.DONE
    outcome = bench.ended(reached)
    assert outcome.state is State.TAKEN_BACK
    assert "this choice needs a person, and the run is unattended" in outcome.reason


def test_what_needs_a_person_is_written_up_before_an_unattended_run_ends(bench: Bench) -> None:
    choice = PlannedTask(
        id="1.1", text="Decide how to go on", line=1, kind=Kind.CHOOSE, when="1 == 1",
        options=(put("1.1.1", "left"), put("1.1.2", "right")),
    )  # fmt: skip
    later = PlannedStep(
        id="9", title="Post-Mortem", tasks=(look("9.1"), put("9.2", "nine"), human("9.3"))
    )
    first = PlannedStep(id="1", title="Work", tasks=(choice, put("1.2", "after")))
    run = bench.start(plan_of(first, part={"post_mortem": (later,)}), unattended=True)

    outcome = bench.ended(run)

    assert outcome.state is State.REFUSED
    assert outcome.reason.endswith("and the run is unattended: Decide how to go on")
    assert f"drillbook report {run}" in outcome.hint
    kinds = {"task.failed", "task.done", "task.skipped", "task.acting"}
    ended = [(e.kind, e.task) for e in bench.runs.entries(run) if e.kind in kinds]
    assert ended == [("task.failed", "1.1"), ("task.done", "9.1")]
    assert bench.world.effects() == []
    assert bench.kinds(run)[-1] == "run.ended"


def test_a_person_chooses_one_of_the_options_and_only_that_is_done(bench: Bench) -> None:
    options = (put("1.1.1", "left"), put("1.1.2", "right"))
    choice = PlannedTask(id="1.1", text="which way", line=1, kind=Kind.CHOOSE, options=options)
    run = bench.start(plan(choice, put("1.2", "after")))
    bench.asked(run, "1.1")

    with pytest.raises(Refused, match="is not offered"):
        bench.send(run, MessageKind.OPTION, "1.1", "1.1.9")
    bench.send(run, MessageKind.OPTION, "1.1", "1.1.2")

    assert bench.ended(run).state is State.DONE
    assert [line.split()[1] for line in bench.world.effects()] == ["right", "after"]


def test_a_task_a_person_could_not_do_is_decided_and_may_be_skipped(bench: Bench) -> None:
    run = bench.start(plan(human("1.1"), put("1.2", "one")))
    bench.asked(run, "1.1")
    bench.send(run, MessageKind.ANSWER, "1.1", "could-not", note="no access")
    bench.until(lambda: "decision.asked" in bench.kinds(run), "the decision")

    assert "no access" in str(bench.runs.waiting(run, "1.1").data["error"])
    bench.send(run, MessageKind.CHOICE, "1.1", "skip")

    assert bench.ended(run).state is State.DONE


def test_stop_keeps_what_was_done_and_says_so(bench: Bench) -> None:
    bench.plant("fail-two")
    run = bench.start(plan(put("1.1", "one"), put("1.2", "two")))
    bench.asked(run, "1.2")

    bench.send(run, MessageKind.CHOICE, "1.2", "stop")

    outcome = bench.ended(run)
    assert outcome.state is State.STOPPED
    assert "1.1" in outcome.kept
    assert bench.world.value == "one"


def test_an_answer_that_is_not_needed_wants_a_note_unless_the_task_is_optional(
    bench: Bench,
) -> None:
    run = bench.start(plan(human("1.1"), human("1.2", optional=True)))
    bench.asked(run, "1.1")
    with pytest.raises(Refused, match="not marked as optional"):
        bench.send(run, MessageKind.ANSWER, "1.1", "not-needed")
    bench.send(run, MessageKind.ANSWER, "1.1", "not-needed", note="done last week")
    bench.asked(run, "1.2")
    bench.send(run, MessageKind.ANSWER, "1.2", "not-needed")

    assert bench.ended(run).state is State.DONE
