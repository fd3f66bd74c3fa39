"""The lines of one hour: a file that only grows, read on from where the last look ended."""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from drillbook.ports.logs import LogLine
from drillbook.providers.kept.writing import read

NAME = "%Y-%m-%dT%H.jsonl"
HOUR = timedelta(hours=1)


def name_of(at: datetime) -> str:
    """Return the name of the segment a time belongs to."""
    return at.astimezone(UTC).strftime(NAME)


def names_between(start: datetime, end: datetime) -> list[str]:
    """Return the names of the segments that may hold lines of a time, oldest first."""
    at = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    found = []
    while at < end:
        found.append(name_of(at))
        at += HOUR
    return found


@dataclass
class Segment:
    """One file; the same line twice is one, and of a request the last word counts."""

    path: Path
    lines: list[LogLine] = field(default_factory=list[LogLine])
    _requests: dict[str, int] = field(default_factory=dict[str, int])
    _seen: set[str] = field(default_factory=set[str])
    _at: int = 0

    def read_on(self) -> None:
        """Take what was written since the last look, and keep the order of time."""
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self._at:
                    self._at = 0  # another file by this name
                    self.lines, self._requests, self._seen = [], {}, set()
                file.seek(self._at)
                came = file.read()
        except FileNotFoundError:
            return
        whole = came[: came.rfind(b"\n") + 1]
        if not whole:
            return
        self._at += len(whole)
        before = len(self.lines)
        for text in whole.decode("utf-8", "replace").splitlines():
            self._take(text)
        self._order(before)

    def knows(self, line: LogLine, text: str) -> bool:
        """Tell whether exactly this line is kept."""
        if line.request and line.status:
            place = self._requests.get(line.request)
            return place is not None and self.lines[place] == line
        return text.rstrip("\n") in self._seen

    def _take(self, text: str) -> None:
        if text in self._seen:
            return
        line = read(text)
        if line is None:
            return
        if line.request and line.status:
            place = self._requests.setdefault(line.request, len(self.lines))
            if place < len(self.lines):
                self.lines[place] = line
                return
        else:
            self._seen.add(text)
        self.lines.append(line)

    def _order(self, before: int) -> None:
        lines = self.lines
        late = before and any(one.at < lines[before - 1].at for one in lines[before:])
        if late or any(one.at > next_.at for one, next_ in pairwise(lines[before:])):
            lines.sort(key=lambda line: line.at)
            self._requests = {
                line.request: place
                for place, line in enumerate(lines)
                if line.request and line.status
            }
