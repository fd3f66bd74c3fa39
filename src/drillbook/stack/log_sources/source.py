"""What one source said of a time: its lines, which of it is known whole, and what hindered it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from drillbook.core.errors import DrillbookError
from drillbook.ports.logs import LogLine, Logs, LogSpan


def _never(_: datetime) -> bool:
    return False


def _always(_: datetime) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Told:
    """
    One source's lines of a time; `problem` says why it could not be read, None where it was.

    `newest` is its last line known, of any time; `known_until` when it was asked last, None for
    now. `holds` tells whether a moment is known whole, `is_late` whether lines of it may still
    come; `before` names the requests that began shortly before the time.
    """

    span: LogSpan
    problem: DrillbookError | None = None
    newest: datetime | None = None
    known_until: datetime | None = None
    holds: Callable[[datetime], bool] = _never
    is_late: Callable[[datetime], bool] = _never
    before: frozenset[str] = frozenset()


class Source(Protocol):
    """One source: asked first, so that all work side by side, and waited for after that."""

    @property
    def name(self) -> str:
        """Its name in the stack."""
        ...

    @property
    def kind(self) -> str:
        """What provides it: file, vercel, supabase or received."""
        ...

    @property
    def forgets(self) -> str:
        """When it forgets its lines, as the end of a sentence; empty where it does not."""
        ...

    def ask(self, start: datetime, end: datetime) -> None:
        """Begin to read a time, where that takes long."""
        ...

    def told(self, start: datetime, end: datetime) -> Told:
        """Return what is known of the time; never an error of the source's."""
        ...

    def newest(self) -> datetime | None:
        """Return when its last line was written; errors rise."""
        ...


@dataclass(frozen=True)
class Local:
    """A source on this machine: it is read at once."""

    name: str
    kind: str
    logs: Logs
    forgets: str = ""

    def ask(self, start: datetime, end: datetime) -> None:
        """Do nothing: it is quick."""

    def told(self, start: datetime, end: datetime) -> Told:
        """Return its lines of the time."""
        try:
            span, newest = self.logs.between(start, end), self.logs.newest()
        except DrillbookError as error:
            return Told(LogSpan(()), error)
        return Told(span, newest=newest, holds=_always)

    def newest(self) -> datetime | None:
        """Return when its last line was written."""
        return self.logs.newest()


def tells_of_request(line: LogLine) -> bool:
    """Tell whether a line tells of a request."""
    return line.status != 0
