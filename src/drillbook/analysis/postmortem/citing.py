"""
Each number with the place it is from: an entry of the journal, and a path in it.

A footnote says `entry 57, data.result.bad`, or, for the time between two moments, `entry 57, at
minus entry 12, data.incident.opened_at`: anybody can derive the number again from the record.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import JsonValue

from drillbook.core.record import RecordEntry

LONGEST_QUOTE = 300
_MINUTE, _HOUR = 60, 3600
# What was logged is not our Markdown: nothing in it may become a table, a note, a tag or code,
_PLAIN = str.maketrans("|[]<>`“”", '¦()\u2039\u203a\'""')
# nor a link to click or a person to be told: an address is one no more with a space in it.
_ADDRESS = re.compile(r"(:(?=//)|www(?=\.)|@)()", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fact:
    """A value of the record, and where it stands."""

    value: JsonValue
    entry: int
    path: str

    @property
    def place(self) -> str:
        """Where it is from, for a footnote."""
        return f"entry {self.entry}, {self.path}"

    @property
    def moment(self) -> datetime | None:
        """The value as a moment, None when it is none."""
        if not isinstance(self.value, str):
            return None
        try:
            found = datetime.fromisoformat(self.value)
        except ValueError:
            return None
        return found.astimezone(UTC) if found.tzinfo else None


def when(entry: RecordEntry) -> Fact:
    """Return when an entry was made."""
    return Fact(entry.at.isoformat(), entry.index, "at")


def fact(entry: RecordEntry, *path: str | int) -> Fact | None:
    """Return a value within an entry's data, None when there is none."""
    value: JsonValue = dict(entry.data)
    written = "data"
    for part in path:
        if isinstance(value, dict) and isinstance(part, str) and part in value:
            value = value[part]
            written += f".{part}"
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
            written += f"[{part}]"
        else:
            return None
    return None if value is None else Fact(value, entry.index, written)


@dataclass
class Notes:
    """The footnotes of one text, each place once."""

    places: dict[str, int] = field(default_factory=dict)

    def number(self, found: Fact) -> str:
        """Return a number as it is recorded, with its footnote."""
        value = found.value
        shown = f"{value:.3g}" if isinstance(value, float) else str(value)
        return shown + self._mark(found.place)

    def share(self, found: Fact) -> str:
        """Return a share in per cent, with its footnote."""
        value = found.value
        number = float(value) if isinstance(value, int | float) else 0.0
        return f"{number:.1%}" + self._mark(found.place)

    def clock(self, found: Fact) -> str:
        """Return a moment in UTC, with its footnote."""
        at = found.moment
        return (f"{at:%Y-%m-%d %H:%M:%S}" if at else "not known") + self._mark(found.place)

    def between(self, start: Fact, end: Fact) -> str:
        """Return the time from one moment to another, with its footnote."""
        first, last = start.moment, end.moment
        if first is None or last is None:
            return "not known"
        return lasting((last - first).total_seconds()) + self._mark(
            f"{end.place} minus {start.place}"
        )

    def quote(self, found: Fact) -> str:
        """Return words of the record, on one line, with their footnote."""
        text = _ADDRESS.sub(r"\1 \2", " ".join(str(found.value).split()).translate(_PLAIN))
        text = text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"
        return f"“{text}”" + self._mark(found.place)

    def told(self) -> Sequence[str]:
        """Return the footnotes."""
        return [f"[^{number}]: {place}" for place, number in self.places.items()]

    def _mark(self, place: str) -> str:
        number = self.places.setdefault(place, len(self.places) + 1)
        return f"[^{number}]"


def lasting(seconds: float) -> str:
    """Return a length of time in words, to the second; what ended before it began has a minus."""
    whole = round(abs(seconds))
    sign = "-" if seconds < 0 and whole else ""
    if whole < _MINUTE:
        return f"{sign}{whole} s"
    if whole < _HOUR:
        return f"{sign}{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{sign}{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
