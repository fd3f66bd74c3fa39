"""What the record holds of one task, gathered entry by entry."""

from dataclasses import dataclass, field
from datetime import datetime

from pydantic import JsonValue

from drillbook.engine.journal import Recorded
from drillbook.web.report.report import (
    Answer,
    Attempt,
    Back,
    Consent,
    Decision,
    Span,
    SpanKind,
    TaskState,
    Value,
)
from drillbook.web.report.wording import cut, scalar

LONGEST_ERROR = 4_000
LONGEST_SECONDS = 1e9


def text_of(entry: Recorded, name: str, at_most: int = LONGEST_ERROR) -> str:
    """Return a field of an entry as text; empty when it is not there."""
    value = entry.data.get(name)
    return "" if value is None else cut(scalar(value), at_most)


def person_of(entry: Recorded) -> str:
    """Return who an entry is about: who answered, else who started the run."""
    return text_of(entry, "by") if "by" in entry.data else cut(entry.by)


def number_of(value: JsonValue) -> float:
    """Return a duration of an entry; 0 when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return min(max(0.0, float(value)), LONGEST_SECONDS)


@dataclass
class History:
    """One task so far: entries are folded into it, oldest first; then it is closed."""

    state: TaskState = TaskState.NOT_REACHED
    why: str = ""
    back: Back | None = None
    arguments: JsonValue = None
    result: JsonValue = None
    seen: tuple[Value, ...] = ()
    held: bool | None = None
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    undo: list[Attempt] = field(default_factory=list[Attempt])
    retries: int = 0
    consents: list[Consent] = field(default_factory=list[Consent])
    answers: list[Answer] = field(default_factory=list[Answer])
    decisions: list[Decision] = field(default_factory=list[Decision])
    ignored: list[str] = field(default_factory=list[str])
    evidence: list[str] = field(default_factory=list[str])
    spans: list[Span] = field(default_factory=list[Span])
    began: datetime | None = None
    undo_began: datetime | None = None
    asked: tuple[datetime, str] | None = None
    heard_at: datetime | None = None
    state_before: TaskState = TaskState.NOT_REACHED

    def close(self, at: datetime, *, is_over: bool) -> None:
        """End what is still open: the run is over, or this is how far it is."""
        if self.asked is not None:
            self.heard_at = None
            self.end_wait(at)
            self.state = TaskState.LEFT_OPEN if is_over else TaskState.WAITING
        elif self.began is not None:
            self.add_span(SpanKind.WORK, self.began, at, "not ended")
            self.state = TaskState.LEFT_OPEN if is_over else TaskState.RUNNING

    def add_span(
        self, kind: SpanKind, began: datetime, ended: datetime, says: str, *, bad: bool = False
    ) -> None:
        """Add what passed between two moments."""
        ended = max(began, ended)
        self.spans.append(Span(kind=kind, began_at=began, ended_at=ended, says=says, bad=bad))

    def ask(self, entry: Recorded, says: str) -> None:
        """Begin to wait for somebody."""
        self.end_wait(entry.at)
        self.asked, self.heard_at = (entry.at, says), None
        self.state_before, self.state = self.state, TaskState.WAITING

    def end_wait(self, at: datetime) -> float:
        """End the wait, if there is one, at the last word heard; return how long it was."""
        if self.asked is None:
            return 0.0
        (since, says), self.asked = self.asked, None
        self.add_span(SpanKind.WAIT, since, self.heard_at or at, says)
        return self.spans[-1].seconds
