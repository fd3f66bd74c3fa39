"""Read the access log of a web server many lines at a time: when, who, and how it ended."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

# ip ident user [time zone] "method path protocol" status …, split at its spaces.
_COMBINED = 9
_STATUSES = frozenset(map(str, range(100, 600)))
_NO_REQUEST = ("",) * _COMBINED
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
    rows: list[Sequence[str]] = [text.split(" ", _COMBINED) for text in lines]
    plain = [len(row) >= _COMBINED and row[8] in _STATUSES for row in rows]
    if not all(plain):
        rows = [row if fits else _split(row) for row, fits in zip(rows, plain, strict=True)]
    times = _Times()
    at = [times[f"{row[3]} {row[4]}"] for row in rows]
    line = [index for index, when in enumerate(at) if when is not None]
    return Access(
        line=line,
        at=[when for when in at if when is not None],
        source=[rows[index][0] for index in line],
        failed=[rows[index][8] >= _FIRST_ERROR for index in line],
        not_understood=len(lines) - len(line),
    )


def _split(row: Sequence[str]) -> Sequence[str]:
    """Return the parts of a line whose request is no three words, where it is a request at all."""
    found = _LINE.match(" ".join(row))
    if found is None:
        return _NO_REQUEST
    return (found[1], "", "", found[2], f"{found[3]}]", "", "", "", found[4])
