"""The run and its entries in words."""

from collections.abc import Callable, Sequence

from drillbook.core.record import EntryKind
from drillbook.engine.journal import Recorded
from drillbook.engine.outcome import State
from drillbook.web.report.history import number_of, text_of
from drillbook.web.report.report import Counts
from drillbook.web.report.wording import (
    brief,
    cut,
    one_line,
    plural,
    scalar,
    short,
    shown,
    span_of_time,
)

LONGEST_ROW = 400
MOST_ROW_VALUES = 6


def outcome_sentence(  # noqa: PLR0911 - one sentence for each ending
    state: State, reason: str, counts: Counts, kept: Sequence[str],
    stuck: Sequence[str], waiting: Sequence[str],
) -> str:  # fmt: skip
    """Return how the run ended, or stands, in one sentence."""
    because = f": {reason}" if reason else ""
    names = ", ".join
    match state:
        case State.DONE:
            return f"Done: {_carried_out(counts)}."
        case State.REFUSED:
            return f"Refused before anything was changed{because}."
        case State.TAKEN_BACK:
            return f"Taken back whole ({plural(counts.taken_back, 'write')} undone){because}."
        case State.PARTLY_TAKEN_BACK:
            return f"Partly taken back; kept: {names(kept)}{because}."
        case State.STUCK:
            also = f"; kept: {names(kept)}" if kept else ""
            return f"Stuck: not taken back: {names(stuck)}{also}; a person must look{because}."
        case State.STOPPED:
            return f"Stopped by a person; writes kept: {names(kept) or 'none'}{because}."
        case State.DEAD:
            return f"Stopped dead: no further step, nothing taken back; {_carried_out(counts)}."
        case State.WAITING:
            return f"Waiting for a person at {names(waiting) or 'a task'}; {_carried_out(counts)}."
        case State.RUNNING:
            return f"Under way: {_carried_out(counts)}."


def _carried_out(counts: Counts) -> str:
    if counts.done == counts.tasks:
        return f"all {plural(counts.tasks, 'task')} done" if counts.tasks != 1 else "1 task done"
    said = f"{counts.done} of {plural(counts.tasks, 'task')} done"
    return said + (f", {counts.skipped} skipped" if counts.skipped else "")


def says(entry: Recorded) -> str:
    """Return what an entry records, in one line."""
    saying = _SAYINGS.get(entry.kind)
    told = saying(entry) if saying else one_line(scalar(entry.data)) if entry.data else entry.kind
    return cut(" ".join(told.split()), LONGEST_ROW)


def _fixed(words: str) -> Callable[[Recorded], str]:
    return lambda _: words


def _planned(entry: Recorded) -> str:
    return f"planned {text_of(entry, 'runbook')} as plan {short(text_of(entry, 'plan'))}"


def _begun(entry: Recorded) -> str:
    does, on = text_of(entry, "does"), text_of(entry, "on")
    return f"began {does}" + (f" on {on}" if on else "")


def _noted(entry: Recorded) -> str:
    took = span_of_time(number_of(entry.data.get("seconds")))
    return text_of(entry, "says") + (f", {took}" if took else "")


def _done(entry: Recorded) -> str:
    took = span_of_time(number_of(entry.data.get("seconds")))
    values = shown(entry.data.get("result") or {}).values
    some = ", ".join(f"{v.name} {brief(v.text, 60)}" for v in values[:MOST_ROW_VALUES])
    more = ", …" if len(values) > MOST_ROW_VALUES else ""
    return f"done in {took}" + (f": {some}{more}" if some else "")


def _failed(entry: Recorded) -> str:
    word = "outcome unknown" if entry.kind == EntryKind.TASK_UNKNOWN else "failed"
    return f"{word}: {text_of(entry, 'error')}"


def _skipped(entry: Recorded) -> str:
    return f"skipped: {text_of(entry, 'why') or text_of(entry, 'error')}"


def _retry(entry: Recorded) -> str:
    pause = span_of_time(number_of(entry.data.get("in_seconds")))
    return f"attempt {text_of(entry, 'attempt')} of {text_of(entry, 'of')} follows in {pause}"


def _answered(entry: Recorded) -> str:
    chosen = text_of(entry, "text")
    word = f"chose {text_of(entry, 'option')}: {chosen}" if chosen else text_of(entry, "answer")
    return f"answered {word}{_note(entry)}" if not chosen else f"{word}{_note(entry)}"


def _approval(word: str) -> Callable[[Recorded], str]:
    return lambda entry: f"{word} plan {short(text_of(entry, 'plan'))}{_note(entry)}"


def _decision(entry: Recorded) -> str:
    why = text_of(entry, "why")
    return f"decided {text_of(entry, 'choice')}" + (f": {why}" if why else _note(entry))


def _way_back(entry: Recorded) -> str:
    return f"the way back began: {text_of(entry, 'reason')}"


def _way_back_ended(entry: Recorded) -> str:
    left = [f"{word} {text_of(entry, word)}" for word in ("kept", "stuck") if entry.data.get(word)]
    return "the way back ended: " + (", ".join(left) or "nothing is left")


def _undo_failed(entry: Recorded) -> str:
    return f"was not taken back: {text_of(entry, 'error')}"


def _evidence(entry: Recorded) -> str:
    return f"kept {text_of(entry, 'name')} (sha256 {short(text_of(entry, 'sha256'))})"


def _ignored(entry: Recorded) -> str:
    return f"a message was not taken: {text_of(entry, 'why')}"


def _run_ended(entry: Recorded) -> str:
    reason = text_of(entry, "reason")
    return f"the run ended: {text_of(entry, 'state')}" + (f" ({reason})" if reason else "")


def _note(entry: Recorded) -> str:
    note = text_of(entry, "note")
    return f" ({note})" if note else ""


_SAYINGS: dict[str, Callable[[Recorded], str]] = {
    EntryKind.RUN_PLANNED: _planned,
    EntryKind.RUN_STARTED: _fixed("a worker began the run"),
    EntryKind.RUN_ENDED: _run_ended,
    EntryKind.TASK_STARTED: _begun,
    EntryKind.TASK_ACTING: _fixed("began to act"),
    EntryKind.TASK_NOTED: _noted,
    EntryKind.TASK_REMEMBERED: _fixed("remembered the state before the write"),
    EntryKind.TASK_ASKED: lambda entry: f"asked a person: {text_of(entry, 'text')}",
    EntryKind.TASK_ANSWERED: _answered,
    EntryKind.TASK_SKIPPED: _skipped,
    EntryKind.TASK_DONE: _done,
    EntryKind.TASK_CHECKED: _fixed("is as expected"),
    EntryKind.TASK_FAILED: _failed,
    EntryKind.TASK_UNKNOWN: _failed,
    EntryKind.TASK_RETRY: _retry,
    EntryKind.APPROVAL_ASKED: lambda entry: f"asked for approval: {text_of(entry, 'needs')}",
    EntryKind.APPROVAL_GIVEN: _approval("approved"),
    EntryKind.APPROVAL_DECLINED: lambda entry: f"declined{_note(entry)}",
    EntryKind.APPROVAL_VOID: lambda entry: f"the approval is void: {text_of(entry, 'why')}",
    EntryKind.DECISION_ASKED: lambda entry: f"asked what to do about: {text_of(entry, 'error')}",
    EntryKind.DECISION_MADE: _decision,
    EntryKind.WAY_BACK_STARTED: _way_back,
    EntryKind.WAY_BACK_ENDED: _way_back_ended,
    EntryKind.UNDO_STARTED: _fixed("began to take the write back"),
    EntryKind.UNDO_DONE: _fixed("taken back"),
    EntryKind.UNDO_FAILED: _undo_failed,
    EntryKind.EVIDENCE_KEPT: _evidence,
    EntryKind.MESSAGE_IGNORED: _ignored,
    EntryKind.CANCEL_ASKED: lambda entry: f"asked to cancel the run{_note(entry)}",
    "journal.exported": _fixed("exported the run's proof"),
}
