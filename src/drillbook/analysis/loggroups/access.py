"""Read the access log of a web server many lines at a time: when, who, and how it ended."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import compress

# ip ident user [time zone] "method path protocol" status …, split at its spaces.
_COMBINED = 9
_CHUNK_LINES = 200
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
            found = datetime.strptime(text, "[%d/%b/%Y:%H:%M:%S%z]").timestamp()
        except ValueError:
            found = None
        self[text] = found
        return found


def read_access(lines: Sequence[str]) -> Access:
    """Return the requests of an access log."""
    times = _Times()
    line: list[int] = []
    at: list[float] = []
    source: list[str] = []
    failed: list[bool] = []
    # Few at a time stay in the cache: ten thousand took three times as long a line.
    for start in range(0, len(lines), _CHUNK_LINES):
        rows = _rows(lines[start : start + _CHUNK_LINES])
        found = [times[row[3] + row[4]] for row in rows]
        places: Iterable[int] = range(start, start + len(rows))
        if None in found:
            known = [when is not None for when in found]
            rows, places = list(compress(rows, known)), compress(places, known)
        line += places
        at += [when for when in found if when is not None]
        source += [row[0] for row in rows]
        failed += [row[8] >= _FIRST_ERROR for row in rows]
    return Access(line, at, source, failed, not_understood=len(lines) - len(line))


def _rows(lines: Sequence[str]) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [text.split(" ", _COMBINED) for text in lines]
    return [row if len(row) >= _COMBINED and row[8] in _STATUSES else _split(row) for row in rows]


def _split(row: Sequence[str]) -> Sequence[str]:
    """Return the parts of a line whose request is no three words, where it is a request at all."""
    found = _LINE.match(" ".join(row))
    if found is None:
        return _NO_REQUEST
    return (found[1], "", "", found[2], f"{found[3]}]", "", "", "", found[4])
