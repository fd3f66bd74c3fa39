"""The `RestorePoints` port, and a database as it was at one of the points."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from drillbook.core.effect import Effect, deadline
from drillbook.core.errors import Failed, NotFound, Refused, Unavailable
from drillbook.ports.backups import Manifest
from drillbook.ports.commands import Commands
from drillbook.ports.restore_points import NamedPoint, Reach, RestorePointsNow
from drillbook.providers.postgres.material import Material
from drillbook.providers.postgres.physical.dumping import Dumping
from drillbook.providers.postgres.physical.index import Named
from drillbook.providers.postgres.physical.lines import Line, lines_of, physical_of
from drillbook.providers.postgres.physical.lsn import Lsn
from drillbook.providers.postgres.physical.opening import PhysicalOpening
from drillbook.providers.postgres.physical.resolving import (
    OWN,
    Covered,
    Resolved,
    plain,
    resolve,
    unreached,
)
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.scratch import ScratchRoom
from drillbook.providers.postgres.server import Server
from drillbook.providers.postgres.storage.files import DATA
from drillbook.providers.postgres.storage.store import BackupStore

ARCHIVED_SECONDS = 60.0
LOOK_SECONDS = 0.02
NAME_BYTES = 63
OWN_DIGITS = 8


@dataclass(frozen=True, slots=True)
class PhysicalPoints:
    """Points in time of one environment: its physical backups and its WAL archive."""

    server: Server
    store: BackupStore
    room: ScratchRoom
    commands: Commands
    archive: Path | None = None

    def reachable(self) -> RestorePointsNow:
        """Look which moments can be reached now."""
        physical, lacking = physical_of(self.store)
        lines = self._lines() if self.archive is not None else ()
        reaches = tuple(map(_reach, lines)) or tuple(map(_own_moment, physical))
        named = {one.lsn: one for line in lines for one in line.named}
        missing = dict.fromkeys(said for line in lines for said in line.missing)
        return RestorePointsNow(
            archive=str(self.archive or ""),
            backups=len(physical),
            first=min((reach.from_at for reach in reaches), default=None),
            last=max((reach.to_at for reach in reaches), default=None),
            reaches=reaches,
            named=tuple(
                NamedPoint(name=plain(one.name), lsn=one.lsn, at=one.after)
                for one in sorted(named.values(), key=lambda one: Lsn.parse(one.lsn))
            ),
            missing=(*missing, *(one.says for one in self.store.unreadable()), *lacking),
        )

    def find(self, name: str, effect: Effect) -> NamedPoint | None:
        """Look for the point that this effect made."""
        own = _own_name(name, effect)
        self._archive_now(effect)
        for one in self._named():
            if one.name == own:
                return NamedPoint(name=name, lsn=one.lsn, at=one.after)
        return None

    def mark(self, name: str, effect: Effect) -> NamedPoint:
        """Give this moment a name in the WAL, and wait until it is archived."""
        effect.still_mine()
        if found := self.find(name, effect):
            return found
        for one in self._named():
            if name in {one.name, plain(one.name)}:
                raise Refused(
                    f"there is a restore point {name} already, at {one.lsn}",
                    hint="Choose another name: two points of one name cannot be told apart.",
                )
        with self.server.session() as session:
            values = {"name": _own_name(name, effect)}
            row = session.execute(query("physical", "mark"), values).fetchone()
        made = self.find(name, effect)
        if row is None or made is None:
            raise Failed(
                f"the restore point {name} was made and is not in the WAL archive {self.archive}",
                hint="See with backup.points what the archive lacks: nothing after that is safe.",
            )
        return made.model_copy(update={"at": row[1]})

    @contextmanager
    def material_at(self, point: str, effect: Effect) -> Iterator[Material]:
        """
        Give a dump of the database as it was at a point, with what it must be equal to.

        A point is a physical backup's id, a time (UTC), a named restore point, or a place in the
        WAL. Refused and NotFound say what can be reached; Damaged names what is wrong on the way.
        """
        found = self.store.find(point)
        resolved = _own(found) if found is not None else self._resolve(point, effect)
        opening = PhysicalOpening(self.store, self.room, self.commands, self.archive)
        with self.room.place(effect) as place:
            with opening.started(
                resolved.manifest, effect, resolved.target, resolved.timeline
            ) as scratch:
                made = Dumping(self.commands, scratch.server).made(resolved, effect, place / DATA)
            yield made

    def clear(self, effect: Effect) -> None:
        """Remove the copies that dead workers left; what cannot be removed is told."""
        try:
            self.room.clear()
        except OSError as error:  # a way back must not wait for space in a scratch folder
            says = f"what dead workers left in {self.room.folder} cannot be cleared"
            effect.progress(f"{says}: {error.strerror}", None)

    def _resolve(self, point: str, effect: Effect) -> Resolved:
        if self.archive is None:
            raise NotFound(
                f"there is no backup {point!r} in {self.store.where}, and no WAL archive is named "
                "that other points could be reached by",
                hint="Set wal_archive = … in the stack file to the folder the server archives to.",
            )
        lines = self._lines()
        if found := resolve(point, lines, None):
            return found
        covered = self._archive_if_there(effect)
        lines = self._lines()
        if found := resolve(point, lines, covered):
            return found
        raise unreached(point, lines)

    def _lines(self) -> tuple[Line, ...]:
        return lines_of(self.store, self._folder(), self.room.folder)

    def _folder(self) -> Path:
        if self.archive is None:
            raise Refused(
                "points in time need the WAL archive, and none is named",
                hint="Set wal_archive = … in the stack file to the folder the server archives to.",
            )
        return self.archive

    def _named(self) -> Iterator[Named]:
        lines = self._lines()
        if not lines:
            raise Refused(
                f"there is no physical backup in {self.store.where} to reach a point from",
                hint="Take one first: backup.create kind=physical.",
            )
        for line in lines:
            yield from line.named

    def _archive_if_there(self, effect: Effect) -> Covered | None:
        # What is archived already may do: this is how a server that is lost is restored.
        with suppress(Unavailable, Refused):
            return self._archive_now(effect)
        return None

    def _archive_now(self, effect: Effect) -> Covered:
        """Have the server archive what it has written so far."""
        with self.server.session(at_most=2 * ARCHIVED_SECONDS) as session:
            row = session.execute(query("physical", "switch")).fetchone()
        if row is None:
            raise AssertionError("a SELECT without FROM always returns one row")
        self._wait_archived(str(row[1]), effect)
        return Covered(at=row[0], end=Lsn.parse(str(row[2])))

    def _wait_archived(self, segment: str, effect: Effect) -> None:
        folder = self._folder()
        until = time.monotonic() + deadline.get().left(at_most=ARCHIVED_SECONDS)
        effect.progress(f"waiting until {segment} is archived", None)
        while not (folder / segment).exists():
            if time.monotonic() > until:
                raise Unavailable(
                    f"{self.server.name} did not archive {segment} within {ARCHIVED_SECONDS:g} s",
                    hint="Look at pg_stat_archiver there, and at wal_archive in the stack file.",
                )
            time.sleep(LOOK_SECONDS)  # the archiver tells nobody


def _own_name(name: str, effect: Effect) -> str:
    digest = hashlib.sha256(effect.key.encode()).hexdigest()[:OWN_DIGITS]
    own = f"{name}{OWN}{digest}"
    if not name or OWN in name or len(own.encode()) > NAME_BYTES or not name.isprintable():
        longest = NAME_BYTES - OWN_DIGITS - 1
        raise Refused(
            f"{name!r} cannot be the name of a restore point",
            hint=f"Use 1 to {longest} printable characters, without {OWN}.",
        )
    return own


def _reach(line: Line) -> Reach:
    manifest = line.manifest
    return Reach(
        backup=manifest.id, kind=manifest.kind, from_lsn=manifest.lsn, from_at=manifest.at,
        to_lsn=str(line.stretch.end), to_at=line.last_at,
    )  # fmt: skip


def _own_moment(manifest: Manifest) -> Reach:
    return Reach(
        backup=manifest.id, kind=manifest.kind, from_lsn=manifest.lsn, from_at=manifest.at,
        to_lsn=manifest.lsn, to_at=manifest.at,
    )  # fmt: skip


def _own(manifest: Manifest) -> Resolved:
    return Resolved(
        manifest=manifest, target=None, timeline=manifest.timeline, at=manifest.at,
        says=f"backup {manifest.id}",
    )  # fmt: skip
