"""Every entry of a record as one line: a mark, a word, the task, and what was seen."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from drillbook.cli.catalog import load_catalog
from drillbook.cli.live.clock import lasted
from drillbook.cli.telling import visible
from drillbook.core.plan import Plan
from drillbook.core.record import EntryKind
from drillbook.engine.journal import Recorded

MOST_VALUES = 4
LONGEST_VALUE = 40
_DIGEST = re.compile(r"[0-9a-f]{32,}")
K = EntryKind
Data = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Line:
    """One event for people; the mark repeats what the word says."""

    mark: str
    word: str
    style: str
    says: str


MARKS: Mapping[str, tuple[str, str, str]] = {
    K.RUN_PLANNED: ("·", "planned", "dim"),
    K.RUN_STARTED: ("▸", "started", "bold"),
    K.RUN_ENDED: ("■", "ended", "bold"),
    K.TASK_STARTED: ("▸", "begins", "dim"),
    K.TASK_REMEMBERED: ("●", "remembers", "dim"),
    K.TASK_ACTING: ("▸", "acts", "dim"),
    K.TASK_NOTED: ("·", "noted", "dim"),
    K.TASK_ASKED: ("?", "asks", "cyan"),
    K.TASK_ANSWERED: ("✓", "answered", "green"),
    K.TASK_SKIPPED: ("-", "skipped", "dim"),
    K.TASK_DONE: ("✓", "done", "green"),
    K.TASK_CHECKED: ("✓", "as expected", "dim"),
    K.TASK_FAILED: ("✗", "failed", "red"),
    K.TASK_UNKNOWN: ("!", "unknown", "red"),
    K.TASK_RETRY: ("↻", "again", "yellow"),
    K.APPROVAL_ASKED: ("?", "needs yes", "cyan"),
    K.APPROVAL_GIVEN: ("✓", "approved", "green"),
    K.APPROVAL_DECLINED: ("✗", "declined", "red"),
    K.APPROVAL_VOID: ("!", "void", "yellow"),
    K.DECISION_ASKED: ("?", "decide", "cyan"),
    K.DECISION_MADE: ("→", "decided", "yellow"),
    K.WAY_BACK_STARTED: ("↶", "way back", "yellow"),
    K.WAY_BACK_ENDED: ("↶", "way back", "yellow"),
    K.UNDO_STARTED: ("↶", "undoes", "dim"),
    K.UNDO_DONE: ("↶", "undone", "green"),
    K.UNDO_FAILED: ("✗", "not undone", "red"),
    K.EVIDENCE_KEPT: ("+", "evidence", "dim"),
    K.MESSAGE_IGNORED: ("!", "ignored", "yellow"),
    K.CANCEL_ASKED: ("■", "cancel", "yellow"),
    K.WORKER_STARTED: ("·", "worker", "dim"),
    K.WORKER_TOOK_OVER: ("·", "took over", "yellow"),
}
QUIET = {
    K.RUN_PLANNED,
    K.TASK_REMEMBERED,
    K.TASK_ACTING,
    K.TASK_NOTED,
    K.TASK_CHECKED,
    K.UNDO_STARTED,
}


def line_of(entry: Recorded, plan: Plan) -> Line:
    """Return an entry as a line."""
    mark, word, style = MARKS.get(entry.kind, ("·", entry.kind, "dim"))
    if entry.data.get("answer") == "could-not":
        mark, style = "✗", "red"
    return Line(mark, word, style, visible(_says(entry, plan)))


def is_quiet(entry: Recorded) -> bool:
    """Whether an entry only matters to whoever reads the whole record."""
    return entry.kind in QUIET


def task_text(plan: Plan, task_id: str) -> str:
    """Return what a task says in the book, on one line."""
    task = plan.task(task_id)
    return " ".join(task.text.split()) if task else ""


def _says(entry: Recorded, plan: Plan) -> str:
    data, text = entry.data, task_text(plan, entry.task)
    if entry.kind in (K.TASK_DONE, K.UNDO_DONE):
        tail = _done(data, _fields(plan, entry.task))
    else:
        said = SAYS.get(entry.kind)
        tail = said(data) if said else ""
    if not entry.task:
        return tail
    return " ".join(filter(None, (f"{entry.task}", text, f"({tail})" if tail else "")))


def _seconds(data: Data) -> str:
    seconds = data.get("seconds")
    return lasted(seconds) if isinstance(seconds, int | float) else ""


def _done(data: Data, fields: tuple[str, ...]) -> str:
    return ", ".join(filter(None, (_seconds(data), values_seen(data.get("result"), fields))))


def _fields(plan: Plan, task_id: str) -> tuple[str, ...]:
    """Return the fields of a task's result in the order its author gave them."""
    task = plan.task(task_id)
    action = load_catalog().get(task.does) if task else None
    return tuple(action.result.model_fields) if action else ()


def _failed(data: Data) -> str:
    hint = f"; {data['hint']}" if data.get("hint") else ""
    return f"{data.get('error') or 'no reason was given'}{hint}"


def _skipped(data: Data) -> str:
    seen = values_seen(data.get("seen"))
    why = str(data.get("why") or data.get("error") or "not needed")
    return f"{why}; {seen}" if seen else why


def _answered(data: Data) -> str:
    what = data.get("text") or data.get("answer") or data.get("option")
    note = f": {data['note']}" if data.get("note") else ""
    return f"{what} by {data.get('by')}{note}"


def _by(data: Data) -> str:
    note = f": {data['note']}" if data.get("note") else ""
    return f"by {data.get('by')}{note}"


def _decided(data: Data) -> str:
    if not data.get("by"):
        return f"{data.get('choice')}: {data.get('why')}"
    return f"{data.get('choice')} {_by(data)}"


def _retry(data: Data) -> str:
    wait = data.get("in_seconds")
    seconds = lasted(wait) if isinstance(wait, int | float) else "a moment"
    return f"attempt {data.get('attempt')} of {data.get('of')} in {seconds}"


def _list(value: JsonValue) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else ""


def _way_back_ended(data: Data) -> str:
    kept, stuck = _list(data.get("kept")), _list(data.get("stuck"))
    words = [f"kept: {kept}" if kept else "", f"stuck: {stuck}" if stuck else ""]
    return "; ".join(filter(None, words)) or "everything was taken back"


def _asked(data: Data) -> str:
    options = data.get("options")
    if isinstance(options, dict):
        return "choose: " + "; ".join(f"{key} {text}" for key, text in options.items())
    return "may be answered not-needed" if data.get("optional") else ""


def _decide(data: Data) -> str:
    until = f", else {data.get('otherwise')} in {_seconds(data)}" if data.get("seconds") else ""
    return f"{data.get('error')}; choose {_list(data.get('choices'))}{until}"


SAYS: dict[str, Callable[[Data], str]] = {
    K.TASK_STARTED: lambda data: str(data.get("does") or ""),
    K.TASK_REMEMBERED: lambda data: f"state {str(data.get('digest'))[:12]}",
    K.TASK_NOTED: lambda data: ", ".join(filter(None, (str(data.get("says")), _seconds(data)))),
    K.TASK_ASKED: _asked,
    K.TASK_ANSWERED: _answered,
    K.TASK_SKIPPED: _skipped,
    K.TASK_FAILED: _failed,
    K.TASK_UNKNOWN: _failed,
    K.TASK_RETRY: _retry,
    K.APPROVAL_ASKED: lambda data: str(data.get("needs") or ""),
    K.APPROVAL_GIVEN: _by,
    K.APPROVAL_DECLINED: _by,
    K.APPROVAL_VOID: lambda data: str(data.get("why") or ""),
    K.DECISION_ASKED: _decide,
    K.DECISION_MADE: _decided,
    K.UNDO_FAILED: _failed,
    K.EVIDENCE_KEPT: lambda data: f"{data.get('name')}, sha256 {str(data.get('sha256'))[:12]}",
    K.MESSAGE_IGNORED: lambda data: str(data.get("why") or ""),
    K.RUN_PLANNED: lambda data: f"plan {str(data.get('plan'))[:12]}",
    K.RUN_STARTED: lambda data: str(data.get("runbook") or ""),
    K.RUN_ENDED: lambda data: ": ".join(
        filter(None, (str(data.get("state")), str(data.get("reason") or "")))
    ),
    K.WAY_BACK_STARTED: lambda data: f"{data.get('reason')}; writes: {_list(data.get('writes'))}",
    K.WAY_BACK_ENDED: _way_back_ended,
    K.CANCEL_ASKED: _by,
    K.WORKER_TOOK_OVER: lambda data: f"from {data.get('from')}",
}


def values_seen(result: JsonValue, order: Iterable[str] = ()) -> str:
    """Return the first few telling values of a result: `size_bytes=1234, ok=true`."""
    if not isinstance(result, dict):
        return ""
    names = dict.fromkeys([*(name for name in order if name in result), *result])
    names.pop("seconds", None)  # how long it took is said already
    shown = [f"{name}={_short(result[name])}" for name in names if _is_simple(result[name])]
    more = "" if len(shown) <= MOST_VALUES else ", …"
    return ", ".join(shown[:MOST_VALUES]) + more


def _is_simple(value: JsonValue) -> bool:
    if isinstance(value, str):
        return bool(value) and _DIGEST.fullmatch(value) is None
    return isinstance(value, int | float)


def _short(value: JsonValue) -> str:
    text = str(value).lower() if isinstance(value, bool) else " ".join(str(value).split())
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
