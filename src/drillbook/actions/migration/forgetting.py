"""What ways back keep in the database, and letting it go."""

from datetime import datetime

from drillbook.actions.migration.subject import domain
from drillbook.core.effect import Effect
from drillbook.core.errors import Refused
from drillbook.core.files import File
from drillbook.core.model import Frozen, Risk
from drillbook.ports.side_tables import BeforeForgotten, KeptBefore, SideTables


class KeptRows(Frozen):
    """The copies that ways back keep; `oldest` is when the first of these migrations came."""

    count: int
    size_bytes: int
    oldest: datetime | None
    migrations: tuple[KeptBefore, ...]


@domain.read
def kept(side_tables: SideTables) -> KeptRows:
    """List the rows that ways back keep in the database, by migration, with their space and age."""
    found = side_tables.all()
    return KeptRows(
        count=len(found),
        size_bytes=sum(one.size_bytes for one in found),
        oldest=min((one.applied_at for one in found if one.applied_at), default=None),
        migrations=found,
    )


@domain.final(
    because="these copies are what the way back needs; after it only a backup leads back",
    risk=Risk.DESTROY,
)
def forget_before(
    side_tables: SideTables, effect: Effect, *, file: File | None = None, migration: str = ""
) -> BeforeForgotten:
    """Confirm a migration: drop the rows its way back kept; `migration` is its name."""
    return side_tables.forget(*_named(file, migration), effect)


@forget_before.looking
def look_forgotten(
    side_tables: SideTables, effect: Effect, *, file: File | None = None, migration: str = ""
) -> BeforeForgotten | None:
    """Look whether nothing is kept any more."""
    return side_tables.gone(*_named(file, migration))


def _named(file: File | None, migration: str) -> tuple[str, str]:
    if (file is None) is not bool(migration):
        raise Refused(
            "exactly one of file and migration says which migration is meant",
            hint="Write file=… or migration=…; migration.kept lists the names.",
            again=False,
        )
    return (file.name, file.sha256) if file is not None else (migration, "")
