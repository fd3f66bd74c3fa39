"""Which entry is folded in how, and the histories of all tasks of a run."""

from collections.abc import Callable, Iterable

from drillbook.core.record import EntryKind
from drillbook.engine.journal import Recorded
from drillbook.web.report import folding_people as people
from drillbook.web.report import folding_work as work
from drillbook.web.report.history import History


def histories(entries: Iterable[Recorded]) -> dict[str, History]:
    """Return the history of each task that the record names."""
    found: dict[str, History] = {}
    for entry in entries:
        folding = _FOLDINGS.get(entry.kind)
        if entry.task and folding is not None:
            folding(found.setdefault(entry.task, History()), entry)
    return found


_FOLDINGS: dict[str, Callable[[History, Recorded], None]] = {
    EntryKind.TASK_STARTED: work.started,
    EntryKind.TASK_ACTING: work.acting,
    EntryKind.TASK_REMEMBERED: work.remembered,
    EntryKind.TASK_DONE: work.ended,
    EntryKind.TASK_CHECKED: work.checked,
    EntryKind.TASK_FAILED: work.ended,
    EntryKind.TASK_UNKNOWN: work.ended,
    EntryKind.TASK_SKIPPED: work.ended,
    EntryKind.TASK_RETRY: work.retry,
    EntryKind.TASK_ASKED: people.task_asked,
    EntryKind.TASK_ANSWERED: people.answered,
    EntryKind.APPROVAL_ASKED: people.approval_asked,
    EntryKind.APPROVAL_GIVEN: people.approval_given,
    EntryKind.APPROVAL_DECLINED: people.approval_declined,
    EntryKind.APPROVAL_VOID: people.approval_void,
    EntryKind.DECISION_ASKED: people.decision_asked,
    EntryKind.DECISION_MADE: people.decision_made,
    EntryKind.UNDO_STARTED: work.undo_started,
    EntryKind.UNDO_DONE: work.undo_ended,
    EntryKind.UNDO_FAILED: work.undo_ended,
    EntryKind.EVIDENCE_KEPT: work.evidence_kept,
    EntryKind.MESSAGE_IGNORED: people.ignored,
}
