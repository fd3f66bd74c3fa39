"""What one source said of a time: its lines, which of it is known whole, and what hindered it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from drillbook.core.errors import DrillbookError
from drillbook.core.secret import scrub
from drillbook.ports.logs import LogLine, Logs, LogSpan


@dataclass(frozen=True, slots=True)
class Told:
    """
    One source's lines of a time; `problem` says why it could not be read, "" where it was.

    `holds` tells whether a moment is known whole; `newest` is its last line known, of any time.
    """

    span: LogSpan
    problem: str
    newest: datetime | None
    holds: Callable[[datetime], bool]
    is_late: Callable[[datetime], bool]


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

    def ask(self, start: datetime, end: datetime) -> None:
        """Do nothing: it is quick."""

    def told(self, start: datetime, end: datetime) -> Told:
        """Return its lines of the time."""
        try:
            span, newest = self.logs.between(start, end), self.logs.newest()
        except DrillbookError as error:
            return Told(LogSpan(()), scrub(str(error)), None, _never, _never)
        return Told(span, "", newest, lambda _: True, _never)

    def newest(self) -> datetime | None:
        """Return when its last line was written."""
        return self.logs.newest()


def _never(_: datetime) -> bool:
    return False


def tells_of_request(line: LogLine) -> bool:
    """Tell whether a line tells of a request."""
    return line.status != 0
