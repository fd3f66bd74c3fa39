"""Places in the WAL, and the names of its segments."""

import re
from dataclasses import dataclass
from functools import total_ordering

from typing_extensions import override

from drillbook.core.errors import Refused

_WRITTEN = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")
_SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})")
SEGMENT_BYTES = 16 << 20


@total_ordering
@dataclass(frozen=True, slots=True)
class Lsn:
    """One place in the WAL, in bytes from its beginning."""

    at: int

    @classmethod
    def parse(cls, written: str) -> "Lsn":
        """Read `16/B374D848`."""
        found = _WRITTEN.fullmatch(written.strip())
        if found is None:
            raise Refused(f"{written!r} is not a place in the WAL", hint="Write it as 16/B374D848.")
        return cls(int(found.group(1), 16) << 32 | int(found.group(2), 16))

    @override
    def __str__(self) -> str:
        return f"{self.at >> 32:X}/{self.at & 0xFFFFFFFF:X}"

    def __lt__(self, other: "Lsn") -> bool:
        return self.at < other.at


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One file of the WAL: its timeline and its number."""

    timeline: int
    number: int
    size_bytes: int = SEGMENT_BYTES

    @classmethod
    def parse(cls, name: str, size_bytes: int = SEGMENT_BYTES) -> "Segment | None":
        """Read a segment's file name; None for any other name."""
        found = _SEGMENT.fullmatch(name)
        if found is None:
            return None
        timeline, high, low = (int(part, 16) for part in found.groups())
        return cls(timeline, high * ((1 << 32) // size_bytes) + low, size_bytes)

    @classmethod
    def holding(cls, place: Lsn, timeline: int, size_bytes: int = SEGMENT_BYTES) -> "Segment":
        """Return the segment with the byte at this place."""
        return cls(timeline, place.at // size_bytes, size_bytes)

    @property
    def name(self) -> str:
        """The segment's file name."""
        each = (1 << 32) // self.size_bytes
        return f"{self.timeline:08X}{self.number // each:08X}{self.number % each:08X}"

    @property
    def start(self) -> Lsn:
        """The first place in the segment."""
        return Lsn(self.number * self.size_bytes)

    @property
    def end(self) -> Lsn:
        """The first place after the segment."""
        return Lsn((self.number + 1) * self.size_bytes)
