"""The `Rehearsals` port: a copy, its behaviour before and after, and all that was measured."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from drillbook.analysis.behaviour import compared
from drillbook.analysis.dropping import dropped_by
from drillbook.analysis.statements import read_script
from drillbook.analysis.units import units_of
from drillbook.core.behaviour import Compared
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed
from drillbook.core.files import File
from drillbook.core.rehearsal import CopyTaken
from drillbook.ports.database import CatalogState
from drillbook.ports.migrations import Change
from drillbook.ports.rehearsals import How, Rehearsal
from drillbook.ports.ways_back import WayBackRehearsal
from drillbook.providers.postgres.behaviour import behaviours, usage, used_between
from drillbook.providers.postgres.catalog import read_state
from drillbook.providers.postgres.copies import BACKUP, Copy
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.rehearsal.accounting import Ground, Measured
from drillbook.providers.postgres.rehearsal.measuring import measure
from drillbook.providers.postgres.rehearsal.pace import pace_of
from drillbook.providers.postgres.server import Server
from drillbook.providers.postgres.wayback import rehearse_way_back


class MakesCopies(Protocol):
    """Whatever makes a copy of a database for as long as a block lasts."""

    @property
    def server(self) -> Server:
        """The database that is copied."""
        ...

    def taken(
        self, effect: Effect, *, physical: bool | None = None, backup: str = ""
    ) -> AbstractContextManager[Copy]:
        """Make a copy for as long as the block lasts."""
        ...


class TriesWayBack(Protocol):
    """Whatever tries the way back of a migration on clones of a database, as a role."""

    def __call__(
        self, server: Server, change: Change, effect: Effect, *, role: str
    ) -> WayBackRehearsal:
        """Go up and down twice, and compare."""
        ...


@dataclass(frozen=True, slots=True)
class PostgresRehearsals:
    """Rehearses migrations of one database on copies that are thrown away."""

    copies: MakesCopies
    try_way_back: TriesWayBack | None = rehearse_way_back

    def rehearse(self, change: Change, effect: Effect, how: How) -> Rehearsal:
        """Copy production, apply the migration to the copy under load, and say what follows."""
        effect.still_mine()
        with self.copies.taken(effect, physical=how.physical, backup=how.from_backup) as copy:
            before = _state(copy.server)
            rows = _rows(copy.server)
            way_back = self._way_back(copy, change, effect)
            ground = Ground(
                # A copy of this moment has production's rows; one from a backup has those of then.
                rows=copy.rows if copy.kind == BACKUP else rows,
                role=copy.role,
                pace=pace_of(self.copies.server, copy.server),
                threshold_seconds=how.threshold_seconds,
            )
            # Looked at after the copy: a dump reads every table of production.
            used = _UsedNow(self.copies.server)
            behaviour, measured = _under_observation(copy.server, ground, change, effect, used)
            after = _state(copy.server)
            return Rehearsal(
                copied=CopyTaken(
                    kind=copy.kind,
                    source=copy.source,
                    seconds=copy.seconds,
                    size_bytes=copy.size_bytes,
                    rows=sum(rows.values()),
                    production_rows=sum(copy.rows.values()),
                    pace=ground.pace,
                    warnings=copy.warnings,
                ),
                statements=measured.statements,
                failed=measured.failed,
                blocked=measured.blocked,
                forecast=measured.forecast,
                behaviour=behaviour,
                way_back=way_back if measured.failed is None else None,
                fingerprint_before=before.fingerprint,
                fingerprint=after.fingerprint,
                objects=after.objects,
            )

    def _way_back(self, copy: Copy, change: Change, effect: Effect) -> WayBackRehearsal | None:
        """Try the way back on clones, as long as the copy is as production is."""
        if self.try_way_back is None:
            return None
        effect.progress("trying the way back on clones of the copy", None)
        try:
            return self.try_way_back(copy.server, change, effect, role=copy.role)
        except Failed as error:
            # Most likely the migration itself fails; then the measured run names the statement.
            return WayBackRehearsal(says=str(error), why_not=str(error))


class _UsedNow:
    """Which tables of production others use while the rehearsal goes on."""

    def __init__(self, production: Server) -> None:
        self._production = production
        self._earlier = usage(production)

    def tables(self) -> dict[str, str]:
        return used_between(self._earlier, usage(self._production))


def _under_observation(
    server: Server, ground: Ground, change: Change, effect: Effect, used: _UsedNow
) -> tuple[Compared | None, Measured]:
    script = read_script(change.text)
    effect.progress("trying what works before the migration", None)
    before = behaviours(server)
    measured = measure(server, units_of(script.statements), effect, ground)
    if measured.failed is not None:
        return None, measured
    effect.progress("trying what works after the migration", None)
    after = behaviours(server, like=before)
    file = File(name=change.name, sha256=change.sha256, text=change.text)
    return compared(before, after, dropped=dropped_by(file), used=used.tables()), measured


def _state(server: Server) -> CatalogState:
    with server.session() as session:
        return read_state(session)


def _rows(server: Server) -> dict[str, int]:
    with server.session() as session:
        return dict(session.execute(query("copies", "rows")).fetchall())
