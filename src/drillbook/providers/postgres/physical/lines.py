"""Physical backups with the archived WAL that follows each of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drillbook.core.postgres_tools import tools_with
from drillbook.ports.backups import BackupKind, Manifest
from drillbook.providers.postgres.physical.archive import Stretch, WalArchive
from drillbook.providers.postgres.physical.index import Named, SegmentEvents, WalIndex
from drillbook.providers.postgres.physical.lsn import Lsn, Segment
from drillbook.providers.postgres.storage.store import BackupStore


@dataclass(frozen=True, slots=True)
class Line:
    """A backup and the archived WAL that follows it without a gap."""

    manifest: Manifest
    archive: WalArchive
    index: WalIndex
    stretch: Stretch
    found: dict[Segment, SegmentEvents]

    @property
    def place(self) -> Lsn:
        """The backup's own place."""
        return Lsn.parse(self.manifest.lsn)

    @property
    def timeline(self) -> int:
        """The timeline on which its WAL ends."""
        return self.archive.newest_timeline(self.manifest.timeline)

    @property
    def last_at(self) -> datetime:
        """The time of the last commit that can be reached."""
        times = [held.latest_at for held in self.found.values() if held.latest_at is not None]
        return max([self.manifest.at, *times])

    @property
    def named(self) -> Iterator[Named]:
        """The named points that can be reached."""
        for held in self.found.values():
            yield from (point for point in held.points if Lsn.parse(point.lsn) > self.place)

    @property
    def missing(self) -> tuple[str, ...]:
        """What keeps later moments from being reached."""
        return self.archive.missing(self.place, self.manifest.timeline)

    @property
    def says(self) -> str:
        """How far it reaches, for hints."""
        reach = f"backup {self.manifest.id} reaches {shown(self.manifest.at)} to "
        return reach + shown(self.last_at)


def lines_of(store: BackupStore, archive: Path, cache: Path) -> tuple[Line, ...]:
    """Return every physical backup with the WAL that follows it, the newest first."""
    archives: dict[str, tuple[WalArchive, WalIndex]] = {}
    lines: list[Line] = []
    for manifest in physical_of(store)[0]:
        system = manifest.system_identifier
        if system not in archives:
            found = WalArchive(archive, system)
            tools = tools_with("pg_waldump", int(manifest.server_version.partition(".")[0]))
            archives[system] = (found, WalIndex(found, tools, cache))
        read, index = archives[system]
        stretch = read.after(Lsn.parse(manifest.lsn), manifest.timeline)
        lines.append(Line(manifest, read, index, stretch, index.of(stretch)))
    return tuple(lines)


def physical_of(store: BackupStore) -> tuple[tuple[Manifest, ...], tuple[str, ...]]:
    """Return the physical backups that have all they build on, and a sentence for each other."""
    there = {one.id: one for one in store.all() if one.kind is not BackupKind.LOGICAL}
    lacking: dict[str, str] = {}
    for one in sorted(there.values(), key=lambda manifest: manifest.at):
        if one.parent and (one.parent not in there or one.parent in lacking):
            lacking[one.id] = f"{one.id} builds on {one.parent}, which is not there to be read"
    whole = tuple(one for one in there.values() if one.id not in lacking)
    return whole, tuple(lacking.values())


def shown(at: datetime) -> str:
    """Return a moment for people."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
