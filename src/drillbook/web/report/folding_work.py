"""Entries about work, folded into a task's history: begun, ended, tried again, taken back."""

from datetime import datetime, timedelta

from pydantic import JsonValue

from drillbook.core.record import EntryKind
from drillbook.engine.journal import Recorded
from drillbook.web.report.history import History, number_of, text_of
from drillbook.web.report.report import Attempt, Back, SpanKind, TaskState, Value
from drillbook.web.report.wording import one_value, scalar

ENDED = {
    EntryKind.TASK_DONE: TaskState.DONE,
    EntryKind.TASK_FAILED: TaskState.FAILED,
    EntryKind.TASK_UNKNOWN: TaskState.UNKNOWN,
    EntryKind.TASK_SKIPPED: TaskState.SKIPPED,
}


def started(task: History, entry: Recorded) -> None:
    """Begin an attempt."""
    task.end_wait(entry.at)
    task.began = entry.at
    task.state = TaskState.RUNNING


def acting(task: History, entry: Recorded) -> None:
    """Begin to act: what follows may have happened even if no end is recorded."""
    task.end_wait(entry.at)
    task.began = entry.at
    task.state = TaskState.RUNNING


def remembered(task: History, entry: Recorded) -> None:
    """Take what was read before a write."""
    task.arguments = entry.data.get("arguments")
    began, task.began = task.began, None
    if began is not None:
        task.add_span(SpanKind.WORK, began, entry.at, "looked and remembered the state before")
    task.state = TaskState.RUNNING


def ended(task: History, entry: Recorded) -> None:
    """End an attempt, or fail it because its expectation did not hold."""
    state = ENDED[EntryKind(entry.kind)]
    task.end_wait(entry.at)
    task.why = text_of(entry, "why") or text_of(entry, "error")
    if "seen" in entry.data:
        task.seen = _seen(entry.data["seen"])
    if entry.data.get("result") is not None:
        task.result = entry.data["result"]
    began, task.began = task.began, None
    task.state = state
    if "seconds" not in entry.data:
        return
    if entry.key.endswith("/check") and task.attempts:
        _expectation_missed(task, entry)
        return
    _add_attempt(task, entry, state, began)


def checked(task: History, entry: Recorded) -> None:
    """Take the values that a write's expectation saw, and that it held."""
    task.seen = _seen(entry.data.get("seen"))
    task.held = True


def _add_attempt(task: History, entry: Recorded, state: TaskState, began: datetime | None) -> None:
    seconds = number_of(entry.data.get("seconds"))
    task.attempts.append(_attempt(entry, state, seconds, began))
    task.held = None
    if state is TaskState.SKIPPED:
        return
    if task.seen:
        task.held = state is TaskState.DONE
    last = task.attempts[-1]
    says = last.error or state.value
    task.add_span(
        SpanKind.WORK, last.began_at, last.ended_at, says, bad=state is not TaskState.DONE
    )


def _attempt(entry: Recorded, state: TaskState, seconds: float, began: datetime | None) -> Attempt:
    since = entry.at - timedelta(seconds=seconds)
    if began is not None and seconds == 0:
        since = began
    return Attempt(
        state=state, began_at=since, ended_at=entry.at, seconds=seconds,
        error=text_of(entry, "error") if state is not TaskState.SKIPPED else "",
        hint=text_of(entry, "hint"), index=entry.index,
    )  # fmt: skip


def _expectation_missed(task: History, entry: Recorded) -> None:
    task.held = False
    update = {
        "state": TaskState.FAILED, "error": text_of(entry, "error"), "hint": text_of(entry, "hint"),
    }  # fmt: skip
    task.attempts[-1] = task.attempts[-1].model_copy(update=update)
    if task.spans:
        says = {"bad": True, "says": text_of(entry, "error")}
        task.spans[-1] = task.spans[-1].model_copy(update=says)


def retry(task: History, entry: Recorded) -> None:
    """Note that another attempt follows after a pause."""
    task.retries += 1
    until = entry.at + timedelta(seconds=number_of(entry.data.get("in_seconds")))
    task.add_span(SpanKind.PAUSE, entry.at, until, "pause before the next attempt")
    task.state = TaskState.RUNNING


def undo_started(task: History, entry: Recorded) -> None:
    """Begin to take a write back."""
    task.end_wait(entry.at)
    task.undo_began = entry.at


def undo_ended(task: History, entry: Recorded) -> None:
    """End an attempt to take a write back."""
    is_done = entry.kind == EntryKind.UNDO_DONE
    began, task.undo_began = task.undo_began or entry.at, None
    seconds = (entry.at - began).total_seconds()
    if "seconds" in entry.data:
        seconds = number_of(entry.data["seconds"])
    state = TaskState.DONE if is_done else TaskState.FAILED
    task.undo.append(_attempt(entry, state, seconds, None).model_copy(update={"began_at": began}))
    task.back = Back.TAKEN_BACK if is_done else Back.STUCK
    says = "taken back" if is_done else text_of(entry, "error")
    task.add_span(SpanKind.BACK, began, entry.at, says, bad=not is_done)


def evidence_kept(task: History, entry: Recorded) -> None:
    """Name a file that was kept."""
    task.evidence.append(text_of(entry, "sha256"))


def _seen(data: JsonValue) -> tuple[Value, ...]:
    if not isinstance(data, dict):
        return ()
    return tuple(one_value(path, scalar(value)) for path, value in data.items())
