"""What a run waits for, read from its record: every question without an answer."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import JsonValue

from drillbook.core.model import Frozen
from drillbook.core.record import EntryKind
from drillbook.engine.journal import Recorded

KINDS = frozenset(map(str, EntryKind))
CONSENTED = {
    EntryKind.APPROVAL_DECLINED,
    EntryKind.APPROVAL_VOID,
    EntryKind.TASK_REMEMBERED,
    EntryKind.TASK_DONE,
    EntryKind.TASK_FAILED,
    EntryKind.TASK_UNKNOWN,
}
ASKS = {
    EntryKind.TASK_ASKED: {EntryKind.TASK_ANSWERED},
    EntryKind.DECISION_ASKED: {EntryKind.DECISION_MADE},
    EntryKind.APPROVAL_ASKED: CONSENTED,
}


class Waiting(Frozen):
    """One open question: of which kind, since when, until when, and what was said with it."""

    task: str
    kind: EntryKind
    since: datetime
    until: datetime | None = None
    data: dict[str, JsonValue] = {}
    given_by: tuple[str, ...] = ()
    question: str = ""

    @property
    def choices(self) -> tuple[str, ...]:
        """What can be decided or chosen; empty for a plain task or an approval."""
        offered = self.data.get("choices") or self.data.get("options") or ()
        return tuple(str(word) for word in offered) if isinstance(offered, list | dict) else ()


def open_questions(entries: Iterable[Recorded]) -> tuple[Waiting, ...]:
    """Return the questions that nobody has answered, oldest first."""
    found: dict[str, Waiting] = {}
    for entry in entries:
        if entry.kind not in KINDS:
            continue  # the journal's own, such as an export
        kind = EntryKind(entry.kind)
        if kind in ASKS:
            found[entry.task] = _asked(entry, kind)
        elif kind is EntryKind.RUN_ENDED or kind is EntryKind.CANCEL_ASKED:
            found.clear()
        elif (waits := found.get(entry.task)) is not None:
            if kind in ASKS[waits.kind]:
                del found[entry.task]
            elif kind is EntryKind.APPROVAL_GIVEN:
                given = (*waits.given_by, str(entry.data.get("by", "")))
                found[entry.task] = waits.model_copy(update={"given_by": given})
    return tuple(found.values())


def _asked(entry: Recorded, kind: EntryKind) -> Waiting:
    seconds = entry.data.get("seconds")
    until = None
    if isinstance(seconds, int | float):
        until = entry.at + timedelta(seconds=seconds)
    return Waiting(
        task=entry.task, kind=kind, since=entry.at, until=until, data=entry.data, question=entry.key
    )
