"""The folder a server archives its WAL to: which segments are there, and which are missing."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from drillbook.core.errors import Damaged, Refused, SettingsInvalid
from drillbook.providers.postgres.physical.lsn import SEGMENT_BYTES, Lsn, Segment

# The first page of a segment: magic, flags, timeline, place, length left over, system, sizes.
_HEAD = struct.Struct("<HHIQI4xQII")
LONG_HEAD = 0x0002
HISTORY = ".history"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Segments without a gap, from one place of the WAL on."""

    start: Lsn
    end: Lsn  # the first place after it
    segments: tuple[Segment, ...]


class WalArchive:
    """One reading of an archive folder; a new object reads it anew."""

    def __init__(self, folder: Path, system_identifier: str) -> None:
        self.folder = folder
        self._system = system_identifier
        if not folder.is_dir():
            raise SettingsInvalid(
                f"the WAL archive {folder} is not there",
                hint="Name the folder the server archives to: wal_archive = … in the stack file.",
            )

    @cached_property
    def segment_bytes(self) -> int:
        """The size of each segment, as the first of them says."""
        for path in sorted(self.folder.iterdir()):
            if Segment.parse(path.name) is not None:
                head = _read_head(path)
                if head is not None:
                    return head.segment_bytes
        return SEGMENT_BYTES

    @cached_property
    def segments(self) -> frozenset[Segment]:
        """All segments that are there under a whole one's name."""
        parsed = (Segment.parse(path.name, self.segment_bytes) for path in self.folder.iterdir())
        return frozenset(segment for segment in parsed if segment is not None)

    def path(self, segment: Segment) -> Path:
        """Return where a segment lies."""
        return self.folder / segment.name

    def newest_timeline(self, timeline: int) -> int:
        """Return the newest timeline that goes on from this one."""
        known = {segment.timeline for segment in self.segments if segment.timeline > timeline}
        later = [one for one in known if timeline in dict(self._lineage(one))]
        return max(later, default=timeline)

    def after(self, place: Lsn, timeline: int) -> Stretch:
        """
        Return what follows a place without a gap, on the newest timeline that goes on from it.

        The segment that holds the place itself need not be there: a backup brings it along.
        """
        newest = self.newest_timeline(timeline)
        number = place.at // self.segment_bytes
        found: list[Segment] = []
        if (first := self._at(number, newest)) in self.segments:
            if self.problem(first):  # recovery would take it from here, not from the backup
                return Stretch(place, place, ())
            found.append(first)
        while (following := self._at(number + 1, newest)) in self.segments:
            if self.problem(following):
                break
            found.append(following)
            number += 1
        start = found[0].start if found else place
        end = found[-1].end if found else place
        return Stretch(start=max(start, place), end=max(end, place), segments=tuple(found))

    def missing(self, place: Lsn, timeline: int) -> tuple[str, ...]:
        """Return a sentence for each gap after a place, and for what cannot be used."""
        newest = self.newest_timeline(timeline)
        first = place.at // self.segment_bytes
        ours = {one for one in self.segments if one == self._at(one.number, newest)}
        last = max((one.number for one in ours), default=first)
        said: list[str] = []
        gap: list[Segment] = []
        for number in range(first, last + 1):
            segment = self._at(number, newest)
            if segment not in self.segments:
                gap += [segment] if number > first else []
                continue
            said += [_gap(gap)] if gap else []
            gap = []
            said += [problem] if (problem := self.problem(segment)) else []
        return tuple(said)

    def problem(self, segment: Segment) -> str:
        """Return why a segment cannot be replayed, or nothing."""
        path = self.path(segment)
        size = path.stat().st_size
        if size != self.segment_bytes:
            return f"WAL segment {segment.name} has {size} bytes, not {self.segment_bytes}"
        head = _read_head(path)
        if head is None or head.place != segment.start:
            return f"WAL segment {segment.name} does not begin as a segment does"
        if head.system_identifier != self._system:
            return f"WAL segment {segment.name} is of another cluster ({head.system_identifier})"
        return ""

    def _at(self, number: int, newest: int) -> Segment:
        """Return the segment of this number on the way to a timeline."""
        began = [
            timeline
            for timeline, place in self._lineage(newest)
            if place.at // self.segment_bytes <= number
        ]
        return Segment(max(began, default=newest), number, self.segment_bytes)

    def _lineage(self, timeline: int) -> tuple[tuple[int, Lsn], ...]:
        """Return the timelines that lead to one, each with the place where it begins."""
        if timeline not in self._lineages:
            self._lineages[timeline] = tuple(_lineage(self.folder, timeline))
        return self._lineages[timeline]

    @cached_property
    def _lineages(self) -> dict[int, tuple[tuple[int, Lsn], ...]]:
        return {}


@dataclass(frozen=True, slots=True)
class _Head:
    place: Lsn
    system_identifier: str
    segment_bytes: int


def _read_head(path: Path) -> _Head | None:
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    _, flags, _, place, _, system, segment_bytes, _ = _HEAD.unpack(head)
    if not flags & LONG_HEAD or segment_bytes < 1 << 20 or segment_bytes & (segment_bytes - 1):
        return None
    return _Head(Lsn(place), str(system), segment_bytes)


def _lineage(folder: Path, timeline: int) -> Iterator[tuple[int, Lsn]]:
    path = folder / f"{timeline:08X}{HISTORY}"
    began = Lsn(0)
    if timeline > 1:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            lines = []
        for line in lines:
            parent, place, *_ = [*line.split("\t"), "", ""]
            if not parent.strip().isdecimal():
                continue
            try:
                ends = Lsn.parse(place)
            except Refused as error:
                raise Damaged(
                    f"{path.name} in the WAL archive cannot be read: {line!r}",
                    hint="Archive it again from the server's pg_wal.",
                ) from error
            yield int(parent), began
            began = ends
    yield timeline, began


def _gap(gap: list[Segment]) -> str:
    if len(gap) == 1:
        return f"WAL segment {gap[0].name} is missing"
    return f"WAL segments {gap[0].name} to {gap[-1].name} ({len(gap)}) are missing"
