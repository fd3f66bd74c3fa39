"""What the app, its platform and its database wrote about requests and errors."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from drillbook.core.incident import SourceState


@dataclass(frozen=True, slots=True)
class LogLine:
    """
    One line understood; status 0 when it tells of no request, level "" when it has none.

    `milliseconds` is how long the request took, None when the line does not say; `release` and
    `commit` name what answered, `deployment` the hosting's id of it, "" when the line does not
    say. `user` and `address` are who asked, perhaps as pseudonyms; `region` is where it was
    answered, `request` the request's id, `stack` what an exception left behind. `source` is who
    wrote the line: app, platform, database, auth, or a name of the stack's. `raw` is the line as it
    was written, where it is no JSON with a message of its own.
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
    user: str = ""
    address: str = ""
    region: str = ""
    deployment: str = ""
    request: str = ""
    stack: str = ""
    source: str = ""
    raw: str = ""


@dataclass(frozen=True, slots=True)
class LogSpan:
    """
    The lines of a time span, oldest first; `not_understood` counts those of unknown form or time.

    Each request is told of by one line with a status, whoever else wrote of it. `sources` says of
    every source whether it spoke: one that is silent, or could not be read, says nothing of errors.
    """

    lines: tuple[LogLine, ...]
    not_understood: int = 0
    cut: bool = False
    sources: tuple[SourceState, ...] = ()


class Logs(Protocol):
    """Reads what was written: by the app, and by every other source the stack names."""

    def between(self, start: datetime, end: datetime) -> LogSpan:
        """Return the lines from `start` (included) to `end`; `cut` when older ones are missing."""
        ...

    def newest(self) -> datetime | None:
        """Return when the last line was written, or None for an empty log."""
        ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a platform told of a time: everything from `start` on, which may be later than asked."""

    lines: tuple[LogLine, ...]
    start: datetime


class ShortLivedLogs(Protocol):
    """A platform's log, which it keeps for a while only and gives piece by piece."""

    @property
    def keeps(self) -> timedelta:
        """How long the platform keeps its lines, at least."""
        ...

    def fetch(self, start: datetime, end: datetime, seconds: float) -> Fetched:
        """Ask for the lines of a time, the newest first, for no longer than so many seconds."""
        ...
