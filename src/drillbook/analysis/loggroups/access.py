"""Read the access log of a web server many lines at a time: when, who, and how it ended."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

# ip ident user [time zone] "method path protocol" status …, split at its spaces.
_COMBINED = 9
_PLACES = (0, 3, 4, 8)
_LINE = re.compile(r'(\S+) \S+ .*?(\[[^\]\s]+) ([+-]\d{4})\] "(?:[^"\\]|\\.)*" (\d{3})\b')
_FIRST_ERROR = "500"


@dataclass(frozen=True, slots=True)
class Access:
    """
    The requests of a log in the order of its lines, each at the same place of the four.

    `line` is the index of the line, `at` is in seconds since 1970, `failed` tells of 5xx.
    `not_understood` counts the lines that are no request in the common or combined format.
    """

    line: Sequence[int]
    at: Sequence[float]
    source: Sequence[str]
    failed: Sequence[bool]
    not_understood: int


class _Times(dict[str, float | None]):
    """Seconds since 1970 by the text of a time; many lines share one."""

    def __missing__(self, text: str) -> float | None:
        try:
            found = datetime.strptime(text, "[%d/%b/%Y:%H:%M:%S %z]").timestamp()
        except ValueError:
            found = None
        self[text] = found
        return found


def read_access(lines: Sequence[str]) -> Access:
    """Return the requests of an access log."""
    times = _Times()
    at: list[float] = []
    source: list[str] = []
    failed: list[bool] = []
    line: list[int] = []
    for index, text in enumerate(lines):
        parts = text.split(" ", _COMBINED)
        if len(parts) > _COMBINED - 1 and len(parts[8]) == 3 and parts[8].isdigit():
            who, day, zone, status = parts[0], parts[3], parts[4], parts[8]
        elif match := _LINE.match(text):
            who, day, zone, status = match[1], match[2], f"{match[3]}]", match[4]
        else:
            continue
        when = times[f"{day} {zone}"]
        if when is not None:
            line.append(index)
            at.append(when)
            source.append(who)
            failed.append(status >= _FIRST_ERROR)
    return Access(line, at, source, failed, len(lines) - len(line))
