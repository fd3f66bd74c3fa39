"""The `KeptDatabases` port: what restores left beside the database that serves."""

from dataclasses import dataclass

from drillbook.core.effect import Effect
from drillbook.core.errors import Refused
from drillbook.ports.backups import Forgotten, KeptDatabase
from drillbook.providers.postgres.maintenance import (
    beside,
    database_of,
    drop,
    lock,
    maintenance_of,
    marks_of,
)
from drillbook.providers.postgres.names import Stage, read_mark
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server, Session

KEPT = (Stage.BEFORE, Stage.TAKEN_OUT)


@dataclass(frozen=True, slots=True)
class PostgresKeptDatabases:
    """Finds them by the marks that restores write on their databases."""

    server: Server

    def all(self) -> tuple[KeptDatabase, ...]:
        """Return them, the largest first."""
        with maintenance_of(self.server).session() as session:
            return _kept(session)

    def gone(self, kept: str) -> Forgotten | None:
        """Return that a database is gone, when the server has none of that name."""
        with maintenance_of(self.server).session() as session:
            there = marks_of(session, (kept,))
        return None if there else Forgotten(database=kept, size_bytes=0)

    def forget(self, kept: str, effect: Effect) -> Forgotten:
        """Drop one; Refused when it is none that a restore left."""
        effect.still_mine()
        with beside(self.server, effect) as session:
            lock(session, database_of(self.server))
            found = {one.database: one for one in _kept(session)}
            if kept not in found:
                known = ", ".join(found) or "none"
                raise Refused(
                    f"{kept} is no database that a restore of {self.server.name} left",
                    hint=f"Those are: {known}.",
                )
            effect.still_mine()
            drop(session, kept)
        return Forgotten(database=kept, size_bytes=found[kept].size_bytes)


def _kept(session: Session) -> tuple[KeptDatabase, ...]:
    found: list[KeptDatabase] = []
    for name, comment, size_bytes in session.execute(query("restore", "marked")).fetchall():
        mark = read_mark(comment)
        if mark is not None and mark.stage in KEPT:
            found.append(
                KeptDatabase(
                    database=name, stage=mark.stage, backup=mark.source, size_bytes=size_bytes
                )
            )
    return tuple(sorted(found, key=lambda one: -one.size_bytes))
