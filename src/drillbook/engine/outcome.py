"""What comes out of a task and of a run; both are stored, so both are plain JSON values."""

from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue

from drillbook.core.model import Frozen


class Status(StrEnum):
    """How one attempt of a task ended; of a write, `unknown` means nobody can tell yet."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNKNOWN = "unknown"


class TaskOutcome(Frozen):
    """
    The recorded end of one attempt; `cancel` says that an abort was asked for meanwhile.

    `late` means that nothing was done because the yes to it is too old to be trusted unseen;
    the status is then unknown where an earlier attempt had begun to act. A read says when it
    `began` and `ended`: its entries are made from its outcome alone. `nobody`: it needs a person,
    and the run has none.
    """

    status: Status
    result: dict[str, JsonValue] | None = None
    seen: dict[str, JsonValue] = {}
    error: str = ""
    hint: str = ""
    again: bool = True
    cancel: bool = False
    late: bool = False
    nobody: bool = False
    began: datetime | None = None
    ended: datetime | None = None


class Remembered(Frozen):
    """What was read before a write, and its digest, to which approvals are bound."""

    outcome: TaskOutcome
    memory: dict[str, JsonValue] | None = None
    digest: str = ""
    at: datetime | None = None


class Write(Frozen):
    """A write that was begun: what the way back needs to take it back."""

    task: str
    memory: dict[str, JsonValue] | None = None
    result: dict[str, JsonValue] | None = None
    done: bool = False
    unknown: bool = False


class State(StrEnum):
    """Where a run stands; all but `running` and `waiting` are endings."""

    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    TAKEN_BACK = "taken back"
    PARTLY_TAKEN_BACK = "partly taken back"
    STUCK = "stuck"
    STOPPED = "stopped"
    DEAD = "stopped dead"


class RunOutcome(Frozen):
    """How a run ended, what of it remains, what it called, and what a later `undo` needs."""

    state: State
    reason: str = ""
    hint: str = ""
    failed_task: str = ""
    kept: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()
    writes: tuple[Write, ...] = ()
    entered: tuple[str, ...] = ()
    results: dict[str, dict[str, JsonValue]] = {}
