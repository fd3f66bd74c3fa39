"""The entries that steps write, each with a key that makes repeating it harmless."""

from datetime import UTC, datetime

from drillbook.core.plan import PlannedTask
from drillbook.core.record import EntryKind
from drillbook.engine.journal import Entry
from drillbook.engine.outcome import Status, TaskOutcome
from drillbook.engine.scope import Json, Scope


def ending_of(
    scope: Scope, task: PlannedTask, key: str, outcome: TaskOutcome, seconds: float
) -> Entry:
    """Return the entry that ends an attempt."""
    kinds = {
        Status.DONE: EntryKind.TASK_DONE,
        Status.SKIPPED: EntryKind.TASK_SKIPPED,
        Status.FAILED: EntryKind.TASK_FAILED,
        Status.UNKNOWN: EntryKind.TASK_UNKNOWN,
    }
    data: Json = {"seconds": round(seconds, 4)}
    data |= {"result": outcome.result} if outcome.result is not None else {}
    data |= {"seen": outcome.seen} if outcome.seen else {}
    data |= {"error": outcome.error, "hint": outcome.hint} if outcome.error else {}
    # A read carries when it ended: written again after a kill, it is told the same.
    at = outcome.ended or datetime.now(UTC)
    return entry_of(scope, kinds[outcome.status], task.id, key, data, at)


def entry_of(scope: Scope, kind: EntryKind, task: str, key: str, data: Json, at: datetime) -> Entry:
    """Return an entry with a key of its own: the same key is one entry, however often written."""
    run = scope.start.run
    unique = f"{run}/{kind}/{key}"
    return Entry(run=run, kind=kind, task=task, by=scope.start.by, at=at, data=data, key=unique)
