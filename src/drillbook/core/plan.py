"""A plan: a runbook compiled for given inputs and a given stack; typed, frozen, hashed."""

import hashlib
from collections.abc import Iterator
from enum import StrEnum

from pydantic import JsonValue

from drillbook.core.canonical import canonical_json
from drillbook.core.model import Frozen, Risk
from drillbook.core.policy import EnvironmentFacts, Needs

PLAN_FORMAT = 1
DECISION_SECONDS = 900.0
UNDO_WAIT_SECONDS = 1.0  # before the first repeat of a failed undo; doubled each time


class Kind(StrEnum):
    """What carries a task out."""

    HUMAN = "human"
    ACTION = "action"
    CHOOSE = "choose"
    RUNBOOK = "runbook"


class Part(Frozen):
    """A piece of an argument: literal text, or the path of a value known when the task starts."""

    text: str = ""
    path: str = ""


class Argument(Frozen):
    """A value of a task: a literal, one path (its typed value passes), or text with paths in it."""

    literal: JsonValue = None
    parts: tuple[Part, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths this value is made of."""
        return tuple(part.path for part in self.parts if part.path)


class Retry(Frozen):
    """How often to try again after the first attempt, and how long to wait between."""

    times: int
    wait_seconds: float = 1.0
    doubling: bool = False
    jitter: bool = False

    def wait_before(self, attempt: int, *, spread: float) -> float:
        """Return the seconds before an attempt (2 is the first repeat); `spread` is 0 to 1."""
        wait = self.wait_seconds * (2 ** (attempt - 2) if self.doubling else 1)
        return min(wait, 3600.0) * (0.5 + spread if self.jitter else 1.0)


class InputType(StrEnum):
    """What an input may hold."""

    FILE = "file"
    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DURATION = "duration"
    SIZE = "size"
    CHOICE = "choice"


class PlannedInput(Frozen):
    """An input a runbook declares; without `required`, `default` stands when none is given."""

    name: str
    type: InputType
    choices: tuple[str, ...] = ()
    required: bool = True
    default: JsonValue = None
    meaning: str = ""


class Attached(Frozen):
    """A fence shown with a step or task, never run."""

    language: str
    text: str


class TakenBack(Frozen):
    """How a write is undone, or why it cannot be, as the plan says it before the start."""

    possible: bool
    says: str
    price: str = ""


class PlannedTask(Frozen):
    """One task: `id` is `STEP.TASK`; `0.N` is a prerequisite, `s.N` a symptom."""

    id: str
    text: str
    line: int
    kind: Kind
    optional: bool = False
    does: str = ""
    on: str = ""
    arguments: dict[str, Argument] = {}
    name: str = ""
    risk: Risk = Risk.READ
    needs: Needs = Needs()
    when: str = ""
    expect: str = ""
    timeout_seconds: float | None = None
    retry: Retry | None = None
    evidence: tuple[str, ...] = ()
    way_back: TakenBack | None = None
    undo_does: "PlannedTask | None" = None
    options: tuple["PlannedTask", ...] = ()
    part: "PlanPart | None" = None
    attachments: tuple[Attached, ...] = ()


class PlannedStep(Frozen):
    """One step and its tasks, in order."""

    id: str
    title: str
    optional: bool = False
    description: str = ""
    tasks: tuple[PlannedTask, ...] = ()
    attachments: tuple[Attached, ...] = ()


class PlanPart(Frozen):
    """The steps of one runbook: the gate, the forward path, the way back, and what comes after."""

    runbook: str
    procedure: str = ""
    description: str = ""
    inputs: tuple[PlannedInput, ...] = ()
    gate: tuple[PlannedTask, ...] = ()
    symptoms: tuple[PlannedTask, ...] = ()
    steps: tuple[PlannedStep, ...] = ()
    rollback: tuple[PlannedStep, ...] = ()
    post_mortem: tuple[PlannedStep, ...] = ()
    attachments: tuple[Attached, ...] = ()

    def all_tasks(self) -> Iterator[PlannedTask]:
        """Yield every task: gate, forward, rollback, after, and those nested in choices."""
        yield from _nested(self.gate)
        for step in (*self.steps, *self.rollback, *self.post_mortem):
            yield from _nested(step.tasks)


class Plan(Frozen):
    """All that a run is: it never looks at the file again."""

    format: int = PLAN_FORMAT
    book: str
    book_sha256: str
    inputs: dict[str, JsonValue] = {}
    environments: dict[str, EnvironmentFacts] = {}
    roles: dict[str, tuple[str, ...]] = {}
    decision_seconds: float = DECISION_SECONDS
    undo_wait_seconds: float = UNDO_WAIT_SECONDS
    part: PlanPart

    @property
    def hash(self) -> str:
        """The SHA-256 of the plan's canonical JSON: what an approval is bound to."""
        return hashlib.sha256(canonical_json(self.model_dump(mode="json"))).hexdigest()

    def task(self, task_id: str) -> PlannedTask | None:
        """Return the task with this id, wherever it is nested."""
        return next((task for task in self.part.all_tasks() if task.id == task_id), None)


def _nested(tasks: tuple[PlannedTask, ...]) -> Iterator[PlannedTask]:
    for task in tasks:
        yield task
        yield from _nested(task.options)
        if task.part is not None:
            yield from task.part.all_tasks()
