"""Entries about people, folded into a task's history: answers, approvals, decisions."""

from drillbook.engine.journal import Recorded
from drillbook.engine.journal.entry import evidence_of
from drillbook.engine.messages import Answer as AnswerWord
from drillbook.engine.messages import Choice
from drillbook.web.report.history import History, person_of, text_of
from drillbook.web.report.report import Answer, Consent, Decision, TaskState
from drillbook.web.report.wording import one_line, scalar

ANSWERED = {
    AnswerWord.DONE: TaskState.DONE,
    AnswerWord.NOT_NEEDED: TaskState.SKIPPED,
    AnswerWord.COULD_NOT: TaskState.FAILED,
}


def task_asked(task: History, entry: Recorded) -> None:
    """Begin to wait for a person's answer."""
    task.ask(entry, "waited for an answer")


def answered(task: History, entry: Recorded) -> None:
    """Take what a person answered or chose."""
    waited = task.end_wait(entry.at)
    chosen = text_of(entry, "text")
    says = f"chose {text_of(entry, 'option')}: {chosen}" if chosen else text_of(entry, "answer")
    task.state = TaskState.DONE
    answer = entry.data.get("answer")
    if not chosen and isinstance(answer, str) and answer in set(AnswerWord):
        task.state = ANSWERED[AnswerWord(answer)]
    kept = tuple(one.sha256 for one in evidence_of(entry.data))
    task.evidence += kept
    task.answers.append(
        Answer(
            says=says, by=person_of(entry), at=entry.at, note=text_of(entry, "note"),
            waited_seconds=waited, index=entry.index,
            evidence=kept,
        )
    )  # fmt: skip


def approval_asked(task: History, entry: Recorded) -> None:
    """Begin to wait for approvals."""
    task.ask(entry, "waited for approval")
    _add_consent(task, entry, "asked", needs=text_of(entry, "needs"))


def approval_given(task: History, entry: Recorded) -> None:
    """Count an approval or confirmation."""
    task.heard_at = entry.at
    _add_consent(task, entry, "given")


def approval_declined(task: History, entry: Recorded) -> None:
    """Take a refusal: the task does not happen."""
    task.heard_at = entry.at
    task.end_wait(entry.at)
    _add_consent(task, entry, "declined")
    task.state = TaskState.FAILED
    note = text_of(entry, "note")
    task.why = f"{person_of(entry)} declined" + (f": {note}" if note else "")


def approval_void(task: History, entry: Recorded) -> None:
    """Void the approvals so far."""
    task.end_wait(entry.at)
    _add_consent(task, entry, "void", note=text_of(entry, "why"))


def _add_consent(
    task: History, entry: Recorded, what: str, *, note: str = "", needs: str = ""
) -> None:
    task.consents.append(
        Consent(
            what=what, at=entry.at, by=person_of(entry) if what in ("given", "declined") else "",
            note=note or text_of(entry, "note"), needs=needs, plan=text_of(entry, "plan"),
            digest=text_of(entry, "digest"), index=entry.index,
        )
    )  # fmt: skip


def decision_asked(task: History, entry: Recorded) -> None:
    """Begin to wait for a decision about a failure."""
    task.ask(entry, "waited for a decision")
    offered = entry.data.get("choices")
    task.decisions.append(
        Decision(
            task=entry.task, error=text_of(entry, "error"), asked_at=entry.at, index=entry.index,
            offered=tuple(map(scalar, offered)) if isinstance(offered, list) else (),
            otherwise=text_of(entry, "otherwise"),
        )
    )  # fmt: skip


def decision_made(task: History, entry: Recorded) -> None:
    """Take what a person decided, or what was done because nobody did."""
    task.end_wait(entry.at)
    choice = text_of(entry, "choice")
    update = {
        "choice": choice, "by": text_of(entry, "by"), "at": entry.at,
        "why": text_of(entry, "why") or text_of(entry, "note"), "index": entry.index,
    }  # fmt: skip
    if task.decisions:
        task.decisions[-1] = task.decisions[-1].model_copy(update=update)
    if task.undo:
        task.state = task.state_before
        return
    states: dict[str, TaskState] = {
        Choice.IT_HAPPENED: TaskState.DONE, Choice.RETRY: TaskState.RUNNING,
        Choice.IT_DID_NOT: TaskState.RUNNING, Choice.SKIP: TaskState.SKIPPED,
    }  # fmt: skip
    task.state = states.get(choice, TaskState.FAILED)


def ignored(task: History, entry: Recorded) -> None:
    """Note a message that could not be used."""
    message = entry.data.get("message")
    by = one_line(scalar(message.get("by", ""))) if isinstance(message, dict) else ""
    task.ignored.append(f"{by}: not taken, because {text_of(entry, 'why')}")
