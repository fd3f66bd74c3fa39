"""Read the end of a log file backwards until the time asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from drillbook.core.errors import Unavailable
from drillbook.ports.logs import LogLine, LogSpan
from drillbook.providers.logfile.lines import read_line

LARGEST_READ_BYTES = 64 * 2**20
BLOCK_BYTES = 2**18
LONGEST_LINE_BYTES = 2**20
# Workers of one app do not write in exact order of time.
SLACK = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class FileLogs:
    """The `Logs` port on one file that the app appends to."""

    path: Path

    def between(self, start: datetime, end: datetime) -> LogSpan:
        """Return the lines of the span, oldest first."""
        found: list[LogLine] = []
        not_understood = 0
        read_bytes = 0
        for text in self._backwards():
            read_bytes += len(text) + 1
            if read_bytes > LARGEST_READ_BYTES:
                return LogSpan(_ordered(found), not_understood, cut=True)
            if not text.strip():
                continue
            line = read_line(text.decode("utf-8", "replace"))
            if line is None:
                not_understood += 1
            elif line.at < start - SLACK:
                break
            elif start <= line.at < end:
                found.append(line)
        return LogSpan(_ordered(found), not_understood)

    def newest(self) -> datetime | None:
        """Return the time of the last line that has one, among the last thousand."""
        for number, text in enumerate(self._backwards()):
            line = read_line(text.decode("utf-8", "replace"))
            if line is not None:
                return line.at
            if number > 1000:  # noqa: PLR2004 - a file that is no log need not be read whole
                break
        return None

    def _backwards(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                left = file.seek(0, 2)
                rest = b""
                while left > 0:
                    size = min(BLOCK_BYTES, left)
                    left -= size
                    file.seek(left)
                    first, *lines = (file.read(size) + rest).split(b"\n")
                    yield from reversed(lines)
                    rest = first
                    if len(rest) > LONGEST_LINE_BYTES:  # no log line; joining on would be slow
                        yield rest
                        rest = b""
                yield rest
        except OSError as error:
            raise Unavailable(
                f"the log {self.path} cannot be read: {error.strerror}",
                hint="Check the path in stack.toml and the file's permissions.",
            ) from error


def _ordered(lines: list[LogLine]) -> tuple[LogLine, ...]:
    return tuple(sorted(lines, key=lambda line: line.at))
