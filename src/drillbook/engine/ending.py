"""From what an action gave or raised to the outcome that is recorded."""

import hashlib
import traceback

import rfc8785
from pydantic import JsonValue

from drillbook.analysis.expressions import evaluate_condition
from drillbook.core.errors import (
    DrillbookError,
    Failed,
    NotFound,
    Refused,
    SettingsInvalid,
    UndoImpossible,
)
from drillbook.core.model import Frozen
from drillbook.core.plan import PlannedTask
from drillbook.core.secret import scrub
from drillbook.engine.journal import exact
from drillbook.engine.outcome import Remembered, Status, TaskOutcome
from drillbook.engine.scope import Json, Scope

KNOWN = (Refused, Failed, NotFound, SettingsInvalid, UndoImpossible)  # what is so is known


def not_applicable(scope: Scope, task: PlannedTask) -> TaskOutcome | None:
    """Return the skip of a task whose `when` is false, with the values seen."""
    if not task.when:
        return None
    held = evaluate_condition(task.when, scope.values(task))
    if held.value:
        return None
    return TaskOutcome(status=Status.SKIPPED, seen=held.seen, error=f"not applicable: {task.when}")


def done(result: Frozen | None) -> TaskOutcome:
    """Return the outcome of an action that gave a result."""
    stored: Json | None = None if result is None else result.model_dump(mode="json")
    return TaskOutcome(status=Status.DONE, result=stored)


def remembered(memory: Frozen | None, shown: Json) -> Remembered:
    """Return a memory with the digest that approvals are bound to."""
    stored: Json | None = memory.model_dump(mode="json") if memory is not None else None
    digest = hashlib.sha256(exact_bytes({"memory": stored, "arguments": shown})).hexdigest()
    return Remembered(outcome=TaskOutcome(status=Status.DONE), memory=stored, digest=digest)


def exact_bytes(value: JsonValue) -> bytes:
    """Return the one form in which values are hashed; odd numbers stand in it as text."""
    return rfc8785.dumps(exact(value))


def failure(error: Exception, *, write: bool) -> TaskOutcome:
    """Return the outcome of an action that raised; a write then may have happened or not."""
    unsure = write and not isinstance(error, KNOWN)
    status = Status.UNKNOWN if unsure else Status.FAILED
    if isinstance(error, DrillbookError):
        return TaskOutcome(
            status=status, error=scrub(str(error)), hint=scrub(error.hint), again=error.again
        )
    return TaskOutcome(
        status=status,
        error=unforeseen(error),
        hint="This is a defect of Drillbook or of an action; please report it.",
    )


def unforeseen(error: Exception) -> str:
    """Return an error nobody foresaw as a sentence, without secrets."""
    if isinstance(error, DrillbookError):
        return scrub(str(error))
    where = traceback.extract_tb(error.__traceback__)[-1]
    says = f"{type(error).__name__} at {where.name}:{where.lineno}: {error}"
    return scrub(f"an error nobody foresaw: {says}")
