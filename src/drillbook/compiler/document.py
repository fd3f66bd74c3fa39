"""What level 0 reads in a Markdown file: books, runbooks, procedures, steps and tasks."""

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Span:
    """Where something stands in the file; lines and columns count from 1, `end_line` included."""

    line: int
    column: int = 1
    end_line: int = 0


class Role(StrEnum):
    """Which part of a run a step belongs to."""

    FORWARD = "forward"
    ROLLBACK = "rollback"
    POST_MORTEM = "post-mortem"


@dataclass(frozen=True, slots=True)
class DirectiveText:
    """A directive as written, without its backticks: `@domain.verb key=value as name`."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class OptionText:
    """A directive sub-bullet as written: `needs: 1 approval from dba`."""

    key: str
    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class Attachment:
    """A fence, table or block that is shown with a step and never run."""

    language: str
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Task:
    """One bullet: what to do, and the directive that binds it, if any."""

    text: str
    span: Span
    optional: bool = False
    directive: DirectiveText | None = None
    options: tuple[OptionText, ...] = ()
    children: tuple["Task", ...] = ()
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One item of a procedure."""

    number: int
    title: str
    span: Span
    role: Role = Role.FORWARD
    optional: bool = False
    description: str = ""
    tasks: tuple[Task, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Procedure:
    """A list of steps; `alternative_of` joins those of which only one is carried out."""

    title: str
    span: Span
    steps: tuple[Step, ...]
    alternative_of: str = ""
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class InputRow:
    """One row of the `### Inputs` table, as written."""

    name: str
    type: str
    default: str
    meaning: str
    span: Span


@dataclass(frozen=True, slots=True)
class Runbook:
    """One runbook of a book."""

    title: str
    span: Span
    form: str
    confidence: float = 1.0
    description: str = ""
    inputs: tuple[InputRow, ...] = ()
    prerequisites: tuple[Task, ...] = ()
    symptoms: tuple[Task, ...] = ()
    procedures: tuple[Procedure, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Contact:
    """Who to reach for what; a `[placeholder]` value is a finding."""

    role: str
    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class Skipped:
    """Lines that were not taken for part of a runbook, and why."""

    span: Span
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Book:
    """All that was read of one file."""

    name: str
    runbooks: tuple[Runbook, ...] = ()
    contacts: tuple[Contact, ...] = ()
    skipped: tuple[Skipped, ...] = ()
