"""Which times of a short-lived log are known whole, so that no time is asked for twice."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from drillbook.local.private_file import write_private

FILE = "covered.json"
MOST_SPANS = 200
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Covered:
    """Times known whole, apart and in order; lines later than `final_until` may still come."""

    spans: tuple[Span, ...] = ()
    final_until: datetime | None = None

    def gaps(self, start: datetime, end: datetime) -> list[Span]:
        """Return the parts of a time that are not known, the newest first."""
        found, at = list[Span](), start
        for known_start, known_end in self.spans:
            if known_end <= at or known_start >= end:
                continue
            if known_start > at:
                found.append((at, known_start))
            at = max(at, known_end)
        if at < end:
            found.append((at, end))
        return found[::-1]

    def holds(self, at: datetime) -> bool:
        """Tell whether a moment is known whole."""
        return any(start <= at < end for start, end in self.spans)

    @property
    def until(self) -> datetime | None:
        """The end of the newest time known."""
        return self.spans[-1][1] if self.spans else None


def join(covered: Covered, start: datetime, end: datetime, final_until: datetime) -> Covered:
    """Return what is known after one more time was read."""
    spans = list[Span]()
    for known in sorted((*covered.spans, (start, end))):
        if spans and known[0] <= spans[-1][1] + timedelta(milliseconds=1):
            spans[-1] = (spans[-1][0], max(spans[-1][1], known[1]))
        else:
            spans.append(known)
    newest = max(final_until, covered.final_until or final_until)
    return Covered(tuple(spans[-MOST_SPANS:]), newest)


def read_covered(folder: Path) -> Covered:
    """Return what is known by the folder; nothing when it does not say, or not in our form."""
    try:
        said = json.loads((folder / FILE).read_text("utf-8"))
        spans = tuple((_time(start), _time(end)) for start, end in said["spans"])
        return Covered(spans, _time(said["final_until"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Covered()


def write_covered(folder: Path, covered: Covered) -> None:
    """Write what is known, whole or not at all."""
    said = {
        "spans": [[start.isoformat(), end.isoformat()] for start, end in covered.spans],
        "final_until": covered.final_until.isoformat() if covered.final_until else None,
    }
    write_private(folder / FILE, json.dumps(said))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
