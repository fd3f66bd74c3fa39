"""A run as a report: pure data, each figure in it read from the run's record."""

from datetime import datetime
from enum import StrEnum

from drillbook.core.model import Frozen
from drillbook.engine.outcome import State


class TaskState(StrEnum):
    """Where a task of the report stands."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNKNOWN = "unknown"
    RUNNING = "running"
    WAITING = "waiting"
    LEFT_OPEN = "left open"
    NOT_REACHED = "not reached"


class Back(StrEnum):
    """What became of a write on the way back."""

    TAKEN_BACK = "taken back"
    NOTHING = "nothing to take back"
    KEPT = "kept"
    STUCK = "not taken back"


class SpanKind(StrEnum):
    """What passed between two moments."""

    WORK = "work"
    WAIT = "wait"
    PAUSE = "pause"
    BACK = "way back"


class Place(StrEnum):
    """Which part of the runbook a section is."""

    GATE = "gate"
    STEP = "step"
    ROLLBACK = "rollback"
    AFTERWARDS = "afterwards"


class Value(Frozen):
    """One named value; `characters` is its whole length when the text was cut, else 0."""

    name: str
    text: str
    characters: int = 0


class Grid(Frozen):
    """A list of alike values as a table; `left_out` rows are only in the record."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0


class Shown(Frozen):
    """Values of a task; `left_out` of them are only in the record."""

    values: tuple[Value, ...] = ()
    grids: tuple[Grid, ...] = ()
    left_out: int = 0


class Span(Frozen):
    """What was so between two moments."""

    kind: SpanKind
    began_at: datetime
    ended_at: datetime
    says: str
    bad: bool = False

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return (self.ended_at - self.began_at).total_seconds()


class Attempt(Frozen):
    """One attempt to carry a task out or to take it back; `index` is the entry that ends it."""

    state: TaskState
    began_at: datetime
    ended_at: datetime
    seconds: float
    error: str = ""
    hint: str = ""
    index: int


class Consent(Frozen):
    """One word about an approval: asked, given, declined or void."""

    what: str
    at: datetime
    by: str = ""
    note: str = ""
    needs: str = ""
    plan: str = ""
    digest: str = ""
    index: int


class Answer(Frozen):
    """What a person said about a task, and how long the run had waited for it."""

    says: str
    by: str
    at: datetime
    note: str = ""
    waited_seconds: float = 0.0
    evidence: tuple[str, ...] = ()
    index: int


class Decision(Frozen):
    """What was decided about a failure; without `by` nobody answered in time."""

    task: str
    error: str
    offered: tuple[str, ...]
    otherwise: str
    asked_at: datetime
    choice: str = ""
    by: str = ""
    why: str = ""
    at: datetime | None = None
    index: int


class Expectation(Frozen):
    """A condition of the book; `held` is None while it was not looked at."""

    text: str
    held: bool | None
    seen: tuple[Value, ...] = ()


class EvidenceFile(Frozen):
    """A file kept with the record; `text` is its content when it is short text."""

    name: str
    sha256: str
    size_bytes: int
    media_type: str
    task: str
    index: int
    text: str | None = None
    note: str = ""


class TaskReport(Frozen):
    """One task: what the plan said, and what the record holds of it."""

    id: str
    text: str
    depth: int = 0
    kind: str
    does: str = ""
    on: str = ""
    risk: str
    line: int
    state: TaskState
    back: Back | None = None
    why: str = ""
    needs: str = ""
    when: str = ""
    seen: tuple[Value, ...] = ()
    expect: Expectation | None = None
    way_back: str = ""
    given: Shown = Shown()
    result: Shown = Shown()
    attempts: tuple[Attempt, ...] = ()
    retries: int = 0
    undo: tuple[Attempt, ...] = ()
    consents: tuple[Consent, ...] = ()
    answers: tuple[Answer, ...] = ()
    ignored: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()

    @property
    def work_seconds(self) -> float:
        """How long its attempts took together."""
        return sum(attempt.seconds for attempt in self.attempts)

    @property
    def wait_seconds(self) -> float:
        """How long people were waited for."""
        return sum(span.seconds for span in self.spans if span.kind is SpanKind.WAIT)

    @property
    def error(self) -> str:
        """What the last attempt failed with, if it did."""
        return self.attempts[-1].error if self.attempts else ""


class Section(Frozen):
    """The gate, one step, or one step of the way back."""

    place: Place
    title: str
    description: str = ""
    tasks: tuple[TaskReport, ...]


class WayBackReport(Frozen):
    """The way back as it went: the writes, last first."""

    reason: str
    began_at: datetime
    ended_at: datetime | None
    writes: tuple[str, ...]
    kept: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()


class Row(Frozen):
    """One entry of the record in words."""

    index: int
    at: datetime
    after_seconds: float
    kind: str
    task: str
    by: str
    says: str


class Seal(Frozen):
    """Where the run stands in the sealed journal; the head is the one when the report was made."""

    first_index: int
    last_index: int
    entries: int
    size: int = 0
    root: str = ""
    log: str = ""
    key: str = ""
    signature: str = ""
    signed_at: datetime | None = None


class Counts(Frozen):
    """How many tasks of the gate and the forward path stand where."""

    tasks: int
    done: int
    skipped: int
    failed: int
    open: int
    not_reached: int
    taken_back: int
    retries: int
    approvals: int


class InputFile(Frozen):
    """A file given to the run, as it was when the plan was made."""

    input: str
    name: str
    sha256: str
    size_bytes: int
    text: str


class Header(Frozen):
    """What was run, by whom, from which plan."""

    run: str
    runbook: str
    procedure: str
    book: str
    book_sha256: str
    plan_hash: str
    plan_evidence: str = ""
    by: str
    unattended: bool
    undo_of: str
    inputs: Shown = Shown()
    files: tuple[InputFile, ...] = ()
    environments: tuple[Value, ...] = ()

    @property
    def title(self) -> str:
        """The runbook's title, with the procedure when its name says anything."""
        plain = self.procedure.lower() in ("", "steps")
        return self.runbook if plain else f"{self.runbook}: {self.procedure}"


class RunReport(Frozen):
    """A run as a whole."""

    header: Header
    started_at: datetime
    ended_at: datetime | None
    seconds: float
    work_seconds: float
    wait_seconds: float
    state: State
    sentence: str
    hint: str = ""
    kept: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    decisions: tuple[Decision, ...] = ()
    way_back: WayBackReport | None = None
    counts: Counts
    evidence: tuple[EvidenceFile, ...] = ()
    rows: tuple[Row, ...] = ()
    rows_left_out: int = 0
    seal: Seal

    @property
    def tasks(self) -> tuple[TaskReport, ...]:
        """All tasks, in the order of the book."""
        return tuple(task for section in self.sections for task in section.tasks)
