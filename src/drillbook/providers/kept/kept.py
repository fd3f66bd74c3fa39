"""The store of one source's lines: segments by the hour, and which times are known whole."""

import os
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock

from drillbook.core.errors import Unavailable
from drillbook.local.alone import alone_in
from drillbook.ports.logs import LogLine, LogSpan
from drillbook.providers.kept.covering import Covered, join, read_covered, write_covered
from drillbook.providers.kept.segment import NAME, Segment, name_of, names_between
from drillbook.providers.kept.writing import written

MOST_SEGMENTS_IN_MEMORY = 4
KEPT_FOR = timedelta(days=14)


def _as_written(line: LogLine) -> LogLine:
    return line


class KeptLogs:
    """
    Fulfils Logs with the lines that were kept; many processes may write and read at once.

    `shape` is done to every line before it is kept: what it takes out is nowhere on the disk.
    """

    def __init__(self, folder: Path, shape: Callable[[LogLine], LogLine] = _as_written) -> None:
        self.folder = folder
        self._shape = shape
        self._segments: dict[str, Segment] = {}
        self._lock = Lock()

    def keep(self, lines: Iterable[LogLine], *, durable: bool = False) -> int:
        """
        Keep the lines that are not kept yet, and return how many there were of all.

        When this returns no kill loses them; `durable`: nor does a machine that loses its power.
        Whoever keeps so may get very many lines, and reads none: what came twice is one when read.
        """
        came: dict[str, list[LogLine]] = defaultdict(list)
        count = 0
        for line in lines:
            came[name_of(line.at)].append(self._shape(line))
            count += 1
        try:
            with self._lock:
                texts = {
                    name: list(map(written, many)) if durable else self._new(name, many)
                    for name, many in came.items()
                }
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for name, many in texts.items():
                if not many:
                    continue
                if not (self.folder / name).exists():
                    self._forget_old(name)
                self._append(self.folder / name, "".join(many).encode("utf-8", "replace"), durable)
        except OSError as error:
            raise Unavailable(
                f"log lines cannot be kept in {self.folder}: {error.strerror}",
                hint="Free space there, or make it writable.",
            ) from error
        return count

    def between(self, start: datetime, end: datetime) -> LogSpan:
        """Return the lines of the span, oldest first."""
        with self._lock:
            return LogSpan(tuple(self._between(start, end)))

    def newest(self) -> datetime | None:
        """Return when the last line was written, or None when none is kept."""
        names = self._names()
        with self._lock:
            for name in reversed(names):
                segment = self._segment(name)
                if segment.lines:
                    return segment.lines[-1].at
        return None

    def covered(self) -> Covered:
        """Return which times are known whole."""
        return read_covered(self.folder)

    def cover(self, start: datetime, end: datetime, final_until: datetime) -> None:
        """Note that all lines of a time are kept; after `final_until`, late ones may come."""
        with alone_in(self.folder):
            write_covered(self.folder, join(self.covered(), start, end, final_until))

    def forget(self, before: datetime) -> int:
        """Let go of the hours before; return how many segments there were."""
        old = [name for name in self._names() if name < name_of(before)]
        for name in old:
            (self.folder / name).unlink(missing_ok=True)
        return len(old)

    def _forget_old(self, newest: str) -> None:
        """Let go of hours long past as a new one begins; a clock ahead makes none older."""
        at = datetime.strptime(newest, NAME).replace(tzinfo=UTC)
        self.forget(min(at, datetime.now(UTC)) - KEPT_FOR)

    def _new(self, name: str, lines: list[LogLine]) -> list[str]:
        segment = self._segment(name)
        return [text for line in lines if not segment.knows(line, text := written(line))]

    def _between(self, start: datetime, end: datetime) -> list[LogLine]:
        found: list[LogLine] = []
        there = set(self._names())
        for name in names_between(start, min(end, datetime.now(UTC) + timedelta(hours=1))):
            if name in there:
                lines = self._segment(name).lines
                first = bisect_left(lines, start, key=_at)
                found += lines[first : bisect_left(lines, end, lo=first, key=_at)]
        return found

    def _segment(self, name: str) -> Segment:
        segment = self._segments.pop(name, None) or Segment(self.folder / name)
        self._segments[name] = segment  # the one used last stands last
        while len(self._segments) > MOST_SEGMENTS_IN_MEMORY:
            del self._segments[next(iter(self._segments))]
        segment.read_on()
        return segment

    def _names(self) -> list[str]:
        try:
            found = [path.name for path in self.folder.iterdir() if path.suffix == ".jsonl"]
        except FileNotFoundError:
            return []
        return sorted(name for name in found if _is_segment(name))

    @staticmethod
    def _append(path: Path, data: bytes, durable: bool) -> None:
        is_new = durable and not path.exists()
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            data = _after_half_a_line(handle) + data
            # One write: the lines of two processes never mix.
            while data:
                data = data[os.write(handle, data) :]
            if durable:
                os.fsync(handle)
        finally:
            os.close(handle)
        if is_new:
            _sync_folder(path.parent)


def _after_half_a_line(handle: int) -> bytes:
    """Return what ends a line that a full disk or a kill cut short: the next must stand alone."""
    size = os.fstat(handle).st_size
    return b"\n" if size and os.pread(handle, 1, size - 1) != b"\n" else b""


def _sync_folder(folder: Path) -> None:
    """Let the name of a new file be on the disk as well."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _at(line: LogLine) -> datetime:
    return line.at


def _is_segment(name: str) -> bool:
    try:
        datetime.strptime(name, NAME)  # noqa: DTZ007 - only its form
    except ValueError:
        return False
    return True
