"""When what was committed, and which points have a name, read once from each archived segment."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from drillbook.core.model import Frozen
from drillbook.core.postgres_tools import PostgresTools
from drillbook.local.private_file import write_private
from drillbook.providers.postgres.physical.archive import Stretch, WalArchive
from drillbook.providers.postgres.physical.lsn import Lsn, Segment
from drillbook.providers.postgres.physical.wal import Commit, Point, WalRange, events


class Named(Frozen):
    """A named restore point; `after` is the last commit before it, as far as one is known."""

    name: str
    lsn: str
    after: datetime | None


class SegmentEvents(Frozen):
    """What one segment holds."""

    size_bytes: int
    changed_ns: int
    first_at: datetime | None = None
    last_at: datetime | None = None
    last_lsn: str = ""
    latest_at: datetime | None = None  # commits' times do not always rise with their places
    points: tuple[Named, ...] = ()


_Stored = TypeAdapter(dict[str, SegmentEvents])


class WalIndex:
    """An archive's segments and what they hold; segments never change, so each is read once."""

    def __init__(self, archive: WalArchive, tools: PostgresTools, cache: Path) -> None:
        self._archive = archive
        self._tools = tools
        digest = hashlib.sha256(str(archive.folder.resolve()).encode()).hexdigest()[:16]
        self._file = cache / f"wal-{digest}.json"
        self._known = self._read()

    def of(self, stretch: Stretch) -> dict[Segment, SegmentEvents]:
        """Return what each segment of a stretch holds."""
        found: dict[Segment, SegmentEvents] = {}
        fresh = 0
        last_at: datetime | None = None
        for segment in stretch.segments:
            known = self._known.get(segment.name)
            if known is None or not self._is_same(segment, known):
                known = self._scan(segment, last_at)
                self._known[segment.name] = known
                fresh += 1
            found[segment] = known
            last_at = known.last_at or last_at
        if fresh:
            self._write()
        return found

    def commits(self, segment: Segment) -> Iterator[Commit]:
        """Return the commits that begin in one segment."""
        return (event for event in self._events(segment) if isinstance(event, Commit))

    def _events(self, segment: Segment) -> Iterator[Commit | Point]:
        follows = Segment(segment.timeline, segment.number + 1, segment.size_bytes)
        wal = WalRange(self._archive.folder, segment.timeline, segment.start, segment.end)
        for event in events(wal, self._tools, next_file=follows.name):
            if segment.start <= event.lsn < segment.end:
                yield event

    def _scan(self, segment: Segment, before: datetime | None) -> SegmentEvents:
        first: Commit | None = None
        last: Commit | None = None
        latest: datetime | None = None
        points: list[Named] = []
        for event in self._events(segment):
            if isinstance(event, Point):
                after = last.at if last else before
                points.append(Named(name=event.name, lsn=str(event.lsn), after=after))
                continue
            first, last = first or event, event
            latest = max(latest, event.at) if latest else event.at
        size, changed = self._mark(segment)
        return SegmentEvents(
            size_bytes=size, changed_ns=changed, points=tuple(points), latest_at=latest,
            first_at=first.at if first else None, last_at=last.at if last else None,
            last_lsn=str(last.lsn) if last else "",
        )  # fmt: skip

    def _mark(self, segment: Segment) -> tuple[int, int]:
        found = self._archive.path(segment).stat()
        return found.st_size, found.st_mtime_ns

    def _is_same(self, segment: Segment, known: SegmentEvents) -> bool:
        return self._mark(segment) == (known.size_bytes, known.changed_ns)

    def _read(self) -> dict[str, SegmentEvents]:
        try:
            return _Stored.validate_json(self._file.read_bytes())
        except (FileNotFoundError, ValidationError):
            return {}  # it only saves time: what is not known is read again

    def _write(self) -> None:
        kept = {
            segment.name: self._known[segment.name]
            for segment in self._archive.segments
            if segment.name in self._known
        }
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(self._file, _Stored.dump_json(kept).decode())


def place_at(
    index: WalIndex, found: dict[Segment, SegmentEvents], wanted: datetime, after: Lsn
) -> Lsn | None:
    """
    Return the last commit before the first one that is later than a time.

    There Postgres's own recovery_target_time stops. None: nothing was committed between `after`
    and the time.
    """
    last: Lsn | None = None
    for segment, held in found.items():
        if held.latest_at is None or not held.last_lsn:
            continue
        if held.latest_at <= wanted:
            last = max(Lsn.parse(held.last_lsn), last or after)
            continue
        for commit in index.commits(segment):
            if commit.lsn <= after:
                continue
            if commit.at > wanted:
                return last
            last = commit.lsn
    return last if last is None or last > after else None


def commit_before(
    index: WalIndex, found: dict[Segment, SegmentEvents], place: Lsn, after: Lsn
) -> Commit | None:
    """Return the last commit that begins at a place or before it, and after another one."""
    last: Commit | None = None
    for segment, held in found.items():
        if held.last_lsn and segment.start <= place:
            for commit in index.commits(segment):
                if after < commit.lsn <= place:
                    last = commit
    return last
