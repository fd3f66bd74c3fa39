"""Messages that come late, twice, damaged or from somebody under another spelling."""

from datetime import UTC, datetime, timedelta

import pytest

from drillbook.core.errors import Refused
from drillbook.core.plan import Plan, PlannedTask
from drillbook.core.policy import Consent, Needs
from drillbook.engine.messages import INBOX, Message, MessageKind
from drillbook.engine.outcome import State
from engine.conftest import Bench, human, plan, put

TWO = Needs(consent=Consent.APPROVALS, approvals=2)
ONE = Needs(consent=Consent.APPROVALS, approvals=1)


def slip_in(bench: Bench, run: str, **fields: object) -> None:
    """Put a message into the run's inbox past every check, as a race would."""
    message = Message(at=datetime.now(UTC), **{"by": "kim", **fields})
    bench.runs.dbos.send(run, message.model_dump(mode="json"), topic=INBOX)


def approve(bench: Bench, run: str, by: str, *, at: datetime | None = None) -> None:
    asked = bench.runs.waiting(run, "1.1").data
    message = Message(
        kind=MessageKind.APPROVE, task="1.1", by=by, at=at or datetime.now(UTC),
        plan_hash=str(asked["plan"]), digest=str(asked["digest"]),
    )  # fmt: skip
    bench.runs.answer(run, message)


def ignored(bench: Bench, run: str) -> list[str]:
    entries = bench.runs.entries(run)
    return [str(entry.data["why"]) for entry in entries if entry.kind == "message.ignored"]


def test_an_answer_that_is_none_is_refused_and_kills_nothing(bench: Bench) -> None:
    run = bench.start(plan(human("1.1")))
    bench.asked(run, "1.1")
    with pytest.raises(Refused, match="no answer"):
        bench.send(run, MessageKind.ANSWER, "1.1", "banana")

    slip_in(bench, run, kind=MessageKind.ANSWER, task="1.1", says="banana")
    bench.until(lambda: ignored(bench, run), "the refusal")
    bench.send(run, MessageKind.ANSWER, "1.1", "done")

    assert bench.ended(run).state is State.DONE


def test_a_word_meant_for_the_question_before_is_not_taken_for_the_next(bench: Bench) -> None:
    bench.plant("fail-one")
    run = bench.start(plan(put("1.1", "one")))
    bench.asked(run, "1.1")
    question = bench.runs.waiting(run, "1.1").question

    for says, by in (("retry", "ana"), ("skip", "li")):
        slip_in(
            bench, run, kind=MessageKind.CHOICE, task="1.1", says=says, by=by, question=question
        )
    bench.until(lambda: bench.kinds(run).count("decision.asked") == 2, "the second question")
    bench.until(lambda: ignored(bench, run), "the late word")
    assert bench.runs.waiting(run, "1.1").question != question
    (bench.world.folder / "fail-one").unlink()
    bench.send(run, MessageKind.CHOICE, "1.1", "retry")

    assert bench.ended(run).state is State.DONE


def test_the_requester_cannot_approve_under_another_spelling(bench: Bench) -> None:
    run = bench.start(plan(put("1.1", "one", needs=ONE)), by="ana")
    bench.asked(run, "1.1")

    for spelling in ("Ana", "ANA ", "ａｎａ"):  # noqa: RUF001 - full-width letters are the point
        approve(bench, run, spelling)
    bench.until(lambda: len(ignored(bench, run)) == 3, "three refusals")
    assert bench.world.effects() == []
    approve(bench, run, "li")

    assert bench.ended(run).state is State.DONE


def test_one_person_is_not_two_by_another_spelling(bench: Bench) -> None:
    run = bench.start(plan(put("1.1", "one", needs=TWO)), by="ana")
    bench.asked(run, "1.1")

    approve(bench, run, "li")
    approve(bench, run, "Li")
    bench.until(lambda: ignored(bench, run), "the refusal")
    assert bench.world.effects() == []
    approve(bench, run, "kim")

    assert bench.ended(run).state is State.DONE


def test_an_approval_is_as_old_as_the_word_and_not_as_its_arrival(bench: Bench) -> None:
    run = bench.start(plan(put("1.1", "one", needs=ONE)))
    bench.asked(run, "1.1")

    approve(bench, run, "li", at=datetime.now(UTC) - timedelta(hours=8))

    bench.until(lambda: "approval.void" in bench.kinds(run), "the approval being too old")
    assert bench.world.effects() == []


def test_an_approval_does_not_cover_a_later_try_on_a_changed_target(bench: Bench) -> None:
    bench.plant("fail-one")
    run = bench.start(plan(put("1.1", "one", needs=ONE)))
    bench.asked(run, "1.1")
    approve(bench, run, "li")
    bench.until(lambda: "decision.asked" in bench.kinds(run), "the failure")
    (bench.world.folder / "fail-one").unlink()
    bench.world.set("other", "somebody-else")

    bench.send(run, MessageKind.CHOICE, "1.1", "retry")

    bench.until(lambda: "approval.void" in bench.kinds(run), "the approval becoming void")
    bench.until(lambda: bench.kinds(run).count("approval.asked") == 2, "the second question")
    assert "one" not in {line.split()[1] for line in bench.world.effects()}
    approve(bench, run, "li")
    assert bench.ended(run).state is State.DONE


def test_a_decision_prepared_for_an_unattended_run_is_taken(bench: Bench) -> None:
    bench.plant("fail-two")
    skip = prepared(bench, "1.2", "skip")

    outcome = bench.ended(
        bench.runs.start(
            here(bench, put("1.1", "one"), put("1.2", "two")),
            by="ana",
            unattended=True,
            answers={"1.2": skip},
        )
    )

    assert outcome.state is State.DONE, outcome
    assert [line.split()[1] for line in bench.world.effects()] == ["one"]


def prepared(bench: Bench, task: str, says: str) -> Message:
    return Message(kind=MessageKind.CHOICE, task=task, by="ana", at=datetime.now(UTC), says=says)


def here(bench: Bench, *tasks: PlannedTask) -> Plan:
    place = bench.world.folder.name
    return plan(*(task.model_copy(update={"on": place}) for task in tasks))
