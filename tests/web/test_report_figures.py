"""Every figure of a report is the record's: derived here a second time, another way."""

from datetime import timedelta
from hashlib import sha256

import pytest

from drillbook.core.errors import Damaged
from drillbook.engine.journal import Recorded
from drillbook.engine.outcome import State
from drillbook.web.report import RunReport, build
from drillbook.web.report.report import Back, TaskReport, TaskState
from web.conftest import Told
from web.stories import HOSTILE, STORIES

ENDINGS = ("task.done", "task.failed", "task.unknown", "task.skipped")
ASKING = {
    "task.asked": ("task.answered",),
    "decision.asked": ("decision.made",),
    "approval.asked": ("approval.given", "approval.declined", "approval.void"),
}


def task_of(report: RunReport, number: str) -> TaskReport:
    return next(task for task in report.tasks if task.id == number)


@pytest.mark.parametrize(
    ("story", "state", "sentence"),
    [
        ("everything", State.DONE, "Done: 8 of 10 tasks done, 2 skipped."),
        (
            "taken-back",
            State.TAKEN_BACK,
            "Taken back whole (3 writes undone): task 1.3 failed: the shelf is too small for bad.",
        ),
        (
            "declined", State.REFUSED,
            "Refused before anything was changed: task 1.1 failed: li declined: not tonight.",
        ),
        (
            "decided", State.STOPPED,
            ("Stopped by a person; writes kept: 1.1, 1.2: "
             "task 1.3 failed: ana could not do it: too heavy."),
        ),
        (
            "stuck", State.STUCK,
            ("Stuck: not taken back: 1.1; kept: 1.2; a person must look: "
             "task 1.3 failed: the shelf is too small for bad."),
        ),
        ("open", State.WAITING, "Waiting for a person at 1.2; 1 of 3 tasks done."),
        (
            "undo", State.TAKEN_BACK,
            "Taken back whole (2 writes undone): li asked to take the run back.",
        ),
    ],
)  # fmt: skip
def test_a_run_is_told_in_one_sentence(
    told: dict[str, Told], story: str, state: State, sentence: str
) -> None:
    report = told[story].report()

    assert (report.state, report.sentence) == (state, sentence)


@pytest.mark.parametrize("story", [*STORIES, "undo"])
def test_every_entry_of_the_record_has_its_row(told: dict[str, Told], story: str) -> None:
    entries, report = told[story].entries, told[story].report()

    assert [row.index for row in report.rows] == [entry.index for entry in entries]
    assert [row.at for row in report.rows] == [entry.at for entry in entries]
    assert all(row.says for row in report.rows)
    assert (report.seal.first_index, report.seal.last_index) == (
        entries[0].index, entries[-1].index,
    )  # fmt: skip
    assert report.seal.entries == len(entries)


@pytest.mark.parametrize("story", [*STORIES, "undo"])
def test_times_are_those_of_the_entries(told: dict[str, Told], story: str) -> None:
    entries, report = told[story].entries, told[story].report()

    assert report.started_at == entries[0].at
    if story == "open":
        assert report.ended_at is None
    else:
        assert report.ended_at == entries[-1].at
    assert report.seconds == (entries[-1].at - entries[0].at).total_seconds()
    assert report.wait_seconds == pytest.approx(waited(entries), abs=1e-6)


def waited(entries: list[Recorded]) -> float:
    """Count microseconds in which somebody was waited for, one question at a time."""
    total, open_since, heard = timedelta(), {}, {}
    for entry in entries:
        if entry.kind in ASKING:
            open_since[entry.task] = (entry.at, ASKING[entry.kind])
        elif entry.task in open_since and entry.kind in open_since[entry.task][1]:
            since = heard.get(entry.task, open_since[entry.task][0])
            total += entry.at - since
            heard[entry.task] = entry.at
            if entry.kind != "approval.given":
                del open_since[entry.task], heard[entry.task]
        elif entry.task in heard and entry.kind == "task.started":
            del open_since[entry.task], heard[entry.task]
    left = [since for task, (since, _) in open_since.items() if task not in heard]
    return (total + sum((entries[-1].at - since for since in left), timedelta())).total_seconds()


@pytest.mark.parametrize("story", [*STORIES, "undo"])
def test_each_task_has_the_attempts_and_seconds_of_its_entries(
    told: dict[str, Told], story: str
) -> None:
    run, report = told[story], told[story].report()
    for task in report.tasks:
        ends = [
            entry
            for entry in run.of_kind(*ENDINGS, task=task.id)
            if "seconds" in entry.data and not entry.key.endswith("/check")
        ]
        undone = run.of_kind("undo.done", "undo.failed", task=task.id)

        assert [attempt.index for attempt in task.attempts] == [entry.index for entry in ends]
        assert task.work_seconds == pytest.approx(sum(float(e.data["seconds"]) for e in ends))
        assert task.retries == len(run.of_kind("task.retry", task=task.id))
        assert [attempt.index for attempt in task.undo] == [entry.index for entry in undone]


@pytest.mark.parametrize("story", STORIES)
def test_every_task_of_the_plan_is_told(told: dict[str, Told], story: str) -> None:
    planned = [task.id for task in told[story].view.plan.part.all_tasks()]

    assert [task.id for task in told[story].report().tasks] == planned


def test_states_follow_from_the_record(told: dict[str, Told]) -> None:
    everything = {task.id: task.state for task in told["everything"].report().tasks}
    decided = {task.id: task.state for task in told["decided"].report().tasks}

    assert everything == {
        "0.1": TaskState.DONE, "1.1": TaskState.DONE, "1.2": TaskState.SKIPPED,
        "1.3": TaskState.DONE, "1.4": TaskState.SKIPPED, "2.1": TaskState.DONE,
        "2.2": TaskState.DONE, "2.2/1": TaskState.NOT_REACHED, "2.2/2": TaskState.DONE,
        "3.1": TaskState.DONE, "3.1/1.1": TaskState.DONE, "3.2": TaskState.DONE,
        "4.1": TaskState.NOT_REACHED, "5.1": TaskState.DONE,
    }  # fmt: skip
    assert decided == {
        "1.1": TaskState.DONE, "1.2": TaskState.SKIPPED, "1.3": TaskState.FAILED,
    }  # fmt: skip


def test_an_approval_names_who_gave_it_and_what_it_is_bound_to(told: dict[str, Told]) -> None:
    run = told["everything"]
    task = task_of(run.report(), "2.1")
    given = run.of_kind("approval.given", task="2.1")

    consents = [consent for consent in task.consents if consent.what == "given"]

    assert [(c.by, c.at, c.note) for c in consents] == [
        ("li", given[0].at, "go"), ("kim", given[1].at, ""),
    ]  # fmt: skip
    assert {(c.plan, c.digest) for c in consents} == {
        (run.view.plan.hash, str(entry.data["digest"])) for entry in given
    }
    assert task.needs == "2 approvals from dba, valid 30 min"
    assert task.ignored == ("ana: not taken, because ana requested this run and cannot approve it",)
    assert run.report().counts.approvals == 2


def test_answers_and_decisions_name_the_person_and_the_note(told: dict[str, Told]) -> None:
    said = task_of(told["everything"].report(), "1.1").answers[0]
    decisions = told["decided"].report().decisions

    assert (said.says, said.by, said.note) == ("done", "ana", "in the channel")
    assert [(d.task, d.choice, d.by, d.why) for d in decisions] == [
        ("1.1", "retry", "li", "once more"),
        ("1.2", "skip", "kim", "good enough"),
        ("1.3", "stop", "ana", ""),
    ]


def test_expectations_stand_with_the_values_seen(told: dict[str, Told]) -> None:
    held = task_of(told["everything"].report(), "1.3").expect
    missed = task_of(told["decided"].report(), "1.2")

    assert held is not None
    assert held.held is True
    assert [(value.name, value.text) for value in held.seen] == [("seen.length", "7")]
    assert missed.expect is not None
    assert missed.expect.held is False
    assert [(value.name, value.text) for value in missed.expect.seen] == [("it.text", "wrong")]
    assert "it.text is wrong" in missed.error


def test_values_given_are_the_resolved_ones(told: dict[str, Told]) -> None:
    task = task_of(told["everything"].report(), "2.1")

    assert [(value.name, value.text) for value in task.given.values] == [("text", "tea|coffee")]
    assert [(value.name, value.text) for value in task.result.values] == [("text", "tea|coffee")]


def test_the_way_back_is_told_last_write_first(told: dict[str, Told]) -> None:
    run = told["taken-back"]
    report = run.report()

    assert report.way_back is not None
    assert list(report.way_back.writes) == run.of_kind("wayback.started")[0].data["writes"]
    assert report.way_back.writes == ("1.3", "1.2", "1.1")
    assert {task.back for task in report.tasks[:3]} == {Back.TAKEN_BACK}
    assert report.counts.taken_back == 3
    skipped = task_of(report, "2.1")
    assert skipped.state is TaskState.SKIPPED
    assert skipped.why.startswith("not needed: ")


def test_what_did_not_come_off_is_told_apart_from_what_is_kept(told: dict[str, Told]) -> None:
    backs = {task.id: task.back for task in told["stuck"].report().tasks}

    assert backs == {"1.1": Back.STUCK, "1.2": Back.KEPT, "1.3": Back.TAKEN_BACK}


def test_evidence_is_named_by_its_content(told: dict[str, Told]) -> None:
    run = told["everything"]
    report = run.report()

    kept = {str(entry.data["sha256"]) for entry in run.of_kind("evidence.kept")}
    kept.add(run.of_kind("run.planned")[0].data["evidence"]["sha256"])
    assert {file.sha256 for file in report.evidence} == kept
    for file in report.evidence:
        content = run.evidence(file.sha256)
        assert (sha256(content).hexdigest(), len(content)) == (file.sha256, file.size_bytes)
    before = next(file for file in report.evidence if file.name == "before.txt")
    assert before.text == "nothing"


def test_evidence_that_cannot_be_read_is_said_to_be_so(told: dict[str, Told]) -> None:
    run = told["everything"]

    def lost(digest: str) -> bytes:
        raise Damaged(f"evidence {digest} is not what was kept")

    report = build(run.view, run.entries, lost)

    assert all(file.text is None for file in report.evidence)
    assert any("is not what was kept" in file.note for file in report.evidence)


def test_an_undo_run_tells_only_what_it_took_back(told: dict[str, Told]) -> None:
    report = told["undo"].report()

    assert report.header.undo_of == told["everything"].view.summary.run
    assert [task.id for task in report.tasks if task.undo] == ["2.1", "2.2/2"]
    assert "1.1" not in {task.id for task in report.tasks}


def test_a_file_given_to_the_run_stands_in_the_report_with_its_text(told: dict[str, Told]) -> None:
    file = told["hostile"].report().header.files[0]

    assert (file.input, file.size_bytes) == ("wanted", len(HOSTILE.encode()))
    assert file.sha256 == sha256(HOSTILE.encode()).hexdigest()
    assert "<script>alert('x')</script>" in file.text


def test_a_write_that_only_adds_is_not_said_to_be_taken_back(told: dict[str, Told]) -> None:
    run = told["taken-back"]
    without_undo = [e for e in run.entries if not (e.task == "1.1" and e.kind.startswith("undo."))]

    report = build(run.view, without_undo, run.evidence)

    assert task_of(report, "1.1").back is Back.NOTHING
    assert report.counts.taken_back == 2
    assert report.sentence.startswith("Taken back whole (2 writes undone)")


def test_a_write_cut_short_is_told_as_left_open(told: dict[str, Told]) -> None:
    run = told["taken-back"]
    acting = next(n for n, e in enumerate(run.entries) if e.kind == "task.acting")
    dead = run.view.summary.model_copy(update={"state": State.DEAD, "reason": "stopped"})

    report = build(
        run.view.model_copy(update={"summary": dead}), run.entries[: acting + 1], run.evidence
    )

    assert task_of(report, run.entries[acting].task).state is TaskState.LEFT_OPEN
    assert report.state is State.DEAD


def test_an_exported_run_is_still_told(told: dict[str, Told]) -> None:
    run = told["taken-back"]
    last = run.entries[-1]
    exported = last.model_copy(
        update={"kind": "journal.exported", "index": last.index + 9, "data": {}, "task": ""}
    )

    report = build(run.view, [*run.entries, exported], run.evidence)

    assert report.rows[-1].says == "exported the run's proof"
    assert report.ended_at == last.at


def test_a_long_value_is_cut_and_says_how_long_it_was(told: dict[str, Told]) -> None:
    task = task_of(told["hostile"].report(), "1.4")

    value = task.given.values[0]

    assert (len(value.text), value.characters) == (1_000, 1_000_008)
