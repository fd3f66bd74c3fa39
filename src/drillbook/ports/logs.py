"""What the app wrote about its requests and errors."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class LogLine:
    """
    One line understood; status 0 when it tells of no request, level "" when it has none.

    `milliseconds` is how long the request took, None when the line does not say; `release` and
    `commit` name what answered, "" when the line does not say.
    """

    at: datetime
    status: int = 0
    level: str = ""
    path: str = ""
    message: str = ""
    method: str = ""
    milliseconds: float | None = None
    release: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class LogSpan:
    """The lines of a time span; `not_understood` counts those of unknown form or time."""

    lines: tuple[LogLine, ...]
    not_understood: int = 0
    cut: bool = False


class Logs(Protocol):
    """Reads the app's log."""

    def between(self, start: datetime, end: datetime) -> LogSpan:
        """Return the lines from `start` (included) to `end`; `cut` when older ones are missing."""
        ...

    def newest(self) -> datetime | None:
        """Return when the last line was written, or None for an empty log."""
        ...
