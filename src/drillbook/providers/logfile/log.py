"""Log files on this machine as one log: the one that grows, and those that were set aside."""

import os
import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from glob import glob
from operator import attrgetter
from pathlib import Path
from threading import Lock

from drillbook.core.errors import Unavailable
from drillbook.ports.logs import LogLine, LogSpan
from drillbook.providers.logfile.following import SLACK, FollowedFile

LARGEST_READ_BYTES = 64 * 2**20
_MAGIC = re.compile(r"[*?\[]")
# What rotation appends: app.log.1, app.log.2.gz, app.log-20261124, app.log.2026-11-24.
_ASIDE = re.compile(r"[.-](?:\d{1,3}|\d{4}-?\d\d-?\d\d(?:[-T]?\d+)?)(?:\.gz)?")


def _as_read(line: LogLine) -> LogLine:
    return line


class FileLogs:
    """
    Fulfils Logs with one file that is appended to, or with many by a pattern such as `log/*.log`.

    What rotation has set aside beside it is read where the span reaches back so far, packed or not.
    What was read stays known, so that a look soon after reads only what came. `source` says who
    writes it, `shape` is done to every line.
    """

    def __init__(
        self, path: Path, source: str = "", shape: Callable[[LogLine], LogLine] = _as_read
    ) -> None:
        self.path = path
        self._shape = _named(source, shape) if source else shape
        self._files: dict[tuple[int, int], FollowedFile] = {}
        self._lock = Lock()

    def between(self, start: datetime, end: datetime) -> LogSpan:
        """Return the lines of the span, oldest first."""
        with self._lock:
            lines, strange, cut = list[LogLine](), 0, False
            for file in self._read(start):
                found, unknown = file.between(start, end)
                lines += found
                strange += unknown + file.foreign
                cut = cut or file.cut
        return LogSpan(tuple(sorted(lines, key=lambda line: line.at)), strange, cut)

    def newest(self) -> datetime | None:
        """Return the time of the last line that has one."""
        with self._lock:
            found = [file.newest for file in self._read(datetime.now(UTC))]
        return max((at for at in found if at is not None), default=None)

    def _read(self, start: datetime) -> list[FollowedFile]:
        """Read all files that may hold lines from `start` on."""
        try:
            found = self._found(start)
            kept: dict[tuple[int, int], FollowedFile] = {}
            for path, status in found:
                key = status.st_dev, status.st_ino
                file = self._files.get(key) or FollowedFile(path, self._shape)
                file.path = path
                file.read(start, at_most_bytes=LARGEST_READ_BYTES)
                kept[key] = file
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise Unavailable(
                f"the log {self.path} cannot be read: {reason}",
                hint="Check the path in stack.toml and the file's permissions.",
            ) from error
        self._files = kept
        return list(kept.values())

    def _found(self, start: datetime) -> list[tuple[Path, os.stat_result]]:
        is_pattern = bool(_MAGIC.search(self.path.name))
        paths = sorted(map(Path, glob(str(self.path)))) if is_pattern else [self.path]  # noqa: PTH207 - the pattern may be absolute
        if is_pattern and not paths:
            raise FileNotFoundError(2, f"no file is named so ({self.path.name})")
        since = (start - SLACK).timestamp()
        found = [(path, path.stat()) for path in paths]
        if not is_pattern:
            aside = [(path, path.stat()) for path in self._aside()]
            found += [one for one in aside if one[1].st_mtime >= since]
        # One that was not written since holds nothing of the span; the newest always says when.
        newest = max((status.st_mtime for _, status in found), default=0.0)
        return [one for one in found if one[1].st_mtime >= min(since, newest)]

    def _aside(self) -> list[Path]:
        name = self.path.name
        try:
            beside = list(self.path.parent.iterdir())
        except FileNotFoundError:
            return []
        return [
            other
            for other in beside
            if other.name.startswith(name) and _ASIDE.fullmatch(other.name[len(name) :])
        ]


def _named(source: str, shape: Callable[[LogLine], LogLine]) -> Callable[[LogLine], LogLine]:
    values_of, at = attrgetter(*LogLine.__slots__), LogLine.__slots__.index("source")

    def named(line: LogLine) -> LogLine:
        if not line.source:
            values = list(values_of(line))
            values[at] = source
            line = LogLine(*values)
        return shape(line)

    return named
