"""The words of the record: every kind of entry the journal can hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue


class EntryKind(StrEnum):
    """What happened; the data of each kind stands in docs/reference/journal.md."""

    RUN_PLANNED = "run.planned"
    RUN_STARTED = "run.started"
    RUN_ENDED = "run.ended"
    TASK_STARTED = "task.started"
    TASK_ACTING = "task.acting"
    TASK_NOTED = "task.noted"
    TASK_REMEMBERED = "task.remembered"
    TASK_ASKED = "task.asked"
    TASK_ANSWERED = "task.answered"
    TASK_SKIPPED = "task.skipped"
    TASK_DONE = "task.done"
    TASK_CHECKED = "task.checked"
    TASK_FAILED = "task.failed"
    TASK_UNKNOWN = "task.unknown"
    TASK_RETRY = "task.retry"
    APPROVAL_ASKED = "approval.asked"
    APPROVAL_GIVEN = "approval.given"
    APPROVAL_DECLINED = "approval.declined"
    APPROVAL_VOID = "approval.void"
    DECISION_ASKED = "decision.asked"
    DECISION_MADE = "decision.made"
    WAY_BACK_STARTED = "wayback.started"
    WAY_BACK_ENDED = "wayback.ended"
    UNDO_STARTED = "undo.started"
    UNDO_DONE = "undo.done"
    UNDO_FAILED = "undo.failed"
    EVIDENCE_KEPT = "evidence.kept"
    MESSAGE_IGNORED = "message.ignored"
    CANCEL_ASKED = "cancel.asked"
    WORKER_STARTED = "worker.started"
    WORKER_TOOK_OVER = "worker.took_over"


@dataclass(frozen=True, slots=True)
class RecordEntry:
    """An entry of the journal as its readers see it: its place, when, what, and by whom."""

    index: int
    at: datetime
    kind: str
    task: str
    by: str
    data: Mapping[str, JsonValue]
