"""What happened, in order: changes that were found, and what the run and its people did."""

from collections.abc import Iterator
from datetime import datetime

from drillbook.analysis.postmortem.citing import Fact, Notes, fact, when
from drillbook.analysis.postmortem.reading import CULPRIT, Trail
from drillbook.core.model import Risk
from drillbook.core.record import EntryKind, RecordEntry

MOST_ROWS = 60
_SAYS = {
    EntryKind.RUN_STARTED: "the run started",
    EntryKind.TASK_FAILED: "failed:",
    EntryKind.TASK_UNKNOWN: "not known whether it happened:",
    EntryKind.TASK_ASKED: "a person was asked:",
    EntryKind.TASK_ANSWERED: "answered:",
    EntryKind.APPROVAL_ASKED: "waits for approval:",
    EntryKind.APPROVAL_GIVEN: "approved:",
    EntryKind.APPROVAL_DECLINED: "declined:",
    EntryKind.DECISION_MADE: "decided:",
    EntryKind.WAY_BACK_STARTED: "the way back began",
    EntryKind.UNDO_DONE: "taken back:",
    EntryKind.UNDO_FAILED: "could not be taken back:",
    EntryKind.CANCEL_ASKED: "somebody cancelled the run",
}
_PATHS = {
    EntryKind.TASK_FAILED: "error",
    EntryKind.TASK_UNKNOWN: "error",
    EntryKind.TASK_ANSWERED: "note",
    EntryKind.DECISION_MADE: "choice",
    EntryKind.UNDO_FAILED: "error",
}
Row = tuple[datetime, Fact, str, Fact | None]


def timeline(trail: Trail, notes: Notes) -> list[str]:
    """Return the rows of the timeline as Markdown, the oldest first."""
    rows = sorted([*_noticed(trail), *_changes(trail), *_entries(trail)], key=lambda row: row[0])
    lines = ["| when | what |", "|---|---|"]
    for _, at, says, told in rows[:MOST_ROWS]:
        quote = f" {notes.quote(told)}" if told else ""
        lines.append(f"| {notes.clock(at)} | {says}{quote} |")
    if len(rows) > MOST_ROWS:
        lines += ["", "Later rows are left out here; the record has them all."]
    return lines


def _noticed(trail: Trail) -> Iterator[Row]:
    planned = trail.first(EntryKind.RUN_PLANNED)
    noticed = fact(planned, "incident", "noticed") if planned else None
    if planned is None or noticed is None or not isinstance(noticed.value, list):
        return
    for number in range(len(noticed.value)):
        at, says = (fact(planned, "incident", "noticed", number, key) for key in ("at", "says"))
        if at and at.moment:
            yield at.moment, at, "noticed:", says


def _changes(trail: Trail) -> Iterator[Row]:
    culprit = trail.last(CULPRIT)
    changes = culprit.result("changes") if culprit else None
    if culprit is None or changes is None or not isinstance(changes.value, list):
        return
    for number in range(len(changes.value)):
        at, kind, says = (culprit.result("changes", number, key) for key in ("at", "kind", "says"))
        if at and at.moment and kind:
            yield at.moment, at, f"{kind.value}:", says


def _entries(trail: Trail) -> Iterator[Row]:
    for entry in trail.entries:
        kind = EntryKind(entry.kind) if entry.kind in set(EntryKind) else None
        if kind in _SAYS:
            yield _row(trail, entry, _SAYS[kind], _PATHS.get(kind, ""))
        elif kind is EntryKind.TASK_DONE:
            task = trail.plan.task(entry.task)
            if task is not None and (task.risk is not Risk.READ or task.does == CULPRIT):
                yield entry.at, when(entry), f"`{task.does}`:", fact(entry, "result", "says")


def _row(trail: Trail, entry: RecordEntry, says: str, path: str) -> Row:
    task = trail.plan.task(entry.task)
    what = f" `{task.does}`" if task is not None and task.does else ""
    return entry.at, when(entry), f"{says}{what}", fact(entry, path) if path else None
