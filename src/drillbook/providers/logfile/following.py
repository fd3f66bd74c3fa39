"""One file read from its end as far back as needed, and read on when it grows."""

import gzip
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from drillbook.analysis.loggroups import fold
from drillbook.core.secret import scrub
from drillbook.ports.logs import LogLine
from drillbook.providers.logfile.lines import LONGEST_MESSAGE, LONGEST_RAW, read_line

BLOCK_BYTES = 2**18
SMALLEST_BLOCK_BYTES = 2**12
LONGEST_ENTRY_BYTES = 2**21
# Workers of one app do not write in exact order of time.
SLACK = timedelta(seconds=5)
MOST_LINES = 500_000
GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line understood, or one that is not and has its time from the line before."""

    line: LogLine
    understood: bool


@dataclass
class FollowedFile:
    """
    One file, read from `low` to `high`; safe for one thread.

    The last entry stays apart, in `_open`: what is written next may belong to it.
    """

    path: Path
    shape: Callable[[LogLine], LogLine]
    low: int = -1
    high: int = -1
    cut: bool = False
    # Lines whose form or time is not understood, and that have no line before to take it from.
    foreign: int = 0
    _lines: list[LogLine] = field(default_factory=list[LogLine])
    _strange: list[datetime] = field(default_factory=list[datetime])
    _open: list[Entry] = field(default_factory=list[Entry])
    _open_from: int = 0

    def read(self, start: datetime, *, at_most_bytes: int) -> None:
        """Make sure that everything from `start` on is there, as far back as may be read."""
        with self.path.open("rb") as plain:
            file = _opened(plain)
            end = file.seek(0, 2)
            if self.high < 0 or end < self.high or len(self._lines) > MOST_LINES:
                self._forget(end)
            if self.high < end:
                file.seek(self._open_from)
                self._append(file.read(end - self._open_from), self._open_from)
                self.high = end
            while self.low > 0 and not self._reaches(start):
                if end - self.low >= at_most_bytes:
                    self.cut = True
                    return
                self._read_back(file, min(BLOCK_BYTES, self.low - end + at_most_bytes))
            self.cut = False

    def between(self, start: datetime, end: datetime) -> tuple[list[LogLine], int]:
        """Return the lines of a span, of those that were read, and how many were not understood."""
        first = bisect_left(self._lines, start, key=_at)
        found = self._lines[first : bisect_left(self._lines, end, lo=first, key=_at)]
        late = [entry for entry in self._open if start <= entry.line.at < end]
        found += [entry.line for entry in late]
        strange = sum(start <= at < end for at in self._strange)
        return found, strange + sum(not entry.understood for entry in late)

    @property
    def newest(self) -> datetime | None:
        """When the last line was written, of those that were read."""
        if self._open:
            return self._open[-1].line.at
        return self._lines[-1].at if self._lines else None

    def _reaches(self, start: datetime) -> bool:
        first = self._lines[0] if self._lines else self._open[0].line if self._open else None
        return first is not None and first.at < start - SLACK

    def _forget(self, end: int) -> None:
        self._lines, self._strange, self._open, self.foreign = [], [], [], 0
        self.low = self.high = self._open_from = end

    def _append(self, data: bytes, offset: int) -> None:
        """Add entries at the end: all but the last are done."""
        head = _last_head(data)
        before = self._lines[-1].at if self._lines else None
        done = list(self._entries(data[:head], before))
        _add(done, self._lines, self._strange)
        before = done[-1].line.at if done else before
        self._open, self._open_from = list(self._entries(data[head:], before)), offset + head

    def _read_back(self, file: BinaryIO, block_bytes: int) -> None:
        """Read one block before what was read, from an entry's beginning on."""
        size, head = min(max(block_bytes, SMALLEST_BLOCK_BYTES), self.low), -1
        while True:
            file.seek(self.low - size)
            data = file.read(size)
            head = 0 if size == self.low else _first_head(data)
            if head >= 0 or size >= LONGEST_ENTRY_BYTES:
                break
            size = min(size * 4, self.low)
        if head < 0:  # no log: it is passed over
            self.foreign += data.count(b"\n")
            self.low -= size
            return
        self.low -= size - head
        if not self._open:
            self._append(data[head:], self.low)
            return
        lines, strange = list[LogLine](), list[datetime]()
        _add(self._entries(data[head:], None), lines, strange)
        late = bool(lines and self._lines) and lines[-1].at > self._lines[0].at
        self._lines[:0], self._strange[:0] = lines, strange
        if late:
            self._lines.sort(key=_at)

    def _entries(self, data: bytes, before: datetime | None) -> Iterator[Entry]:
        # Scrubbed by the block, before anything of it goes anywhere.
        texts = scrub(data.decode("utf-8", "replace")).splitlines()
        for text in fold(texts) if any(text[:1] != "{" for text in texts) else texts:
            line = read_line(text)
            if line is not None:
                before = line.at
                yield Entry(self.shape(line), understood=True)
            elif before is not None and text.strip():
                first, _, rest = text.partition("\n")
                message = first[:LONGEST_MESSAGE]
                bare = LogLine(before, message=message, stack=rest, raw=first[:LONGEST_RAW])
                yield Entry(self.shape(bare), understood=False)
            else:
                self.foreign += bool(text.strip())


def _opened(plain: BinaryIO) -> BinaryIO:
    """Return the file, or what a packed one holds."""
    packed = plain.read(len(GZIP)) == GZIP
    plain.seek(0)
    return BytesIO(gzip.decompress(plain.read())) if packed else plain


def _first_head(data: bytes) -> int:
    """Return where the first entry begins that begins in the data; -1 without one."""
    at = data.find(b"\n") + 1
    while 0 < at < len(data):
        end = data.find(b"\n", at)
        text = data[at : end if end >= 0 else len(data)]
        if len(text) < LONGEST_ENTRY_BYTES and read_line(text.decode("utf-8", "replace")):
            return at
        at = end + 1
    return -1


def _last_head(data: bytes) -> int:
    """Return where the last entry of the data begins."""
    end = len(data)
    while end > 0:
        at = data.rfind(b"\n", 0, end - 1) + 1
        if read_line(data[at:end].decode("utf-8", "replace")) or at == 0:
            return at
        end = at
    return 0


def _add(entries: Iterable[Entry], lines: list[LogLine], strange: list[datetime]) -> None:
    late = False
    for entry in entries:
        late = late or bool(lines and entry.line.at < lines[-1].at)
        lines.append(entry.line)
        if not entry.understood:
            strange.append(entry.line.at)
    if late:
        lines.sort(key=_at)


def _at(line: LogLine) -> datetime:
    return line.at
