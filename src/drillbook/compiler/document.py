"""What level 0 reads in a Markdown file: books, runbooks, procedures, steps and tasks."""

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Span:
    """Where something stands in the file; lines and columns count from 1, `end_line` included."""

    line: int
    column: int = 1
    end_line: int = 0

    @property
    def last_line(self) -> int:
        """The last line of it: `end_line`, or `line` where none was given."""
        return max(self.line, self.end_line)


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
    description: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One item of a procedure; without bullets it is its own single task."""

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
    description: str = ""
    attachments: tuple[Attachment, ...] = ()


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
    """One runbook of a book; `form` says how it was recognised."""

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


class LineKind(StrEnum):
    """What a line of the file was read as."""

    TITLE = "title"
    HEADING = "heading"
    DESCRIPTION = "description"
    INPUT = "input"
    PREREQUISITE = "prerequisite"
    SYMPTOM = "symptom"
    STEP = "step"
    TASK = "task"
    OPTION = "option"
    ATTACHMENT = "attachment"
    CONTACT = "contact"
    METADATA = "metadata"
    MARKUP = "markup"


@dataclass(frozen=True, slots=True)
class ReadLine:
    """One line that became part of the book, and as what."""

    line: int
    kind: LineKind


@dataclass(frozen=True, slots=True)
class Book:
    """All that was read of one file: every non-blank line is in `lines` or in `skipped`."""

    name: str
    title: str = ""
    description: str = ""
    runbooks: tuple[Runbook, ...] = ()
    contacts: tuple[Contact, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    lines: tuple[ReadLine, ...] = ()
    remark: str = ""
