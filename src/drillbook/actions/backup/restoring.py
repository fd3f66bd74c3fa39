"""Go back to a backup or a point, and take that back."""

from collections.abc import Mapping

from drillbook.actions.backup.subject import domain
from drillbook.core.effect import Effect, WayBack
from drillbook.core.errors import Refused
from drillbook.core.model import Frozen, Risk
from drillbook.ports.backups import (
    Forgotten,
    KeptDatabase,
    KeptDatabases,
    Restored,
    Restores,
    SwappedBack,
    Wanted,
)
from drillbook.ports.database import Database


class BeforeRestore(Frozen):
    """The schema of a database before a restore, and which one it is."""

    fingerprint: str
    serving: str = ""


class KeptList(Frozen):
    """The databases that restores have left beside the one that serves."""

    count: int
    size_bytes: int
    databases: tuple[KeptDatabase, ...]


def _remember(
    restores: Restores,
    database: Database,
    effect: Effect,
    *,
    backup: str = "",
    point: str = "",
    into: str = "",
    of_another_system: bool = False,
) -> BeforeRestore:
    return BeforeRestore(fingerprint=database.catalog().fingerprint, serving=restores.serving())


@domain.destroy
def restore(
    restores: Restores,
    database: Database,
    effect: Effect,
    *,
    backup: str = "",
    point: str = "",
    into: str = "",
    of_another_system: bool = False,
) -> Restored:
    """
    Build a backup or a point beside the database, prove it equal, swap the names, keep the old one.

    `point` is a time (UTC), a named restore point or a WAL place, where WAL is archived; with
    `into` a new database of that name is made, and the one that serves is left alone.
    """
    return restores.restore(_wanted(backup, point, into, of_another_system), effect)


@restore.looking
def look_restored(
    restores: Restores,
    database: Database,
    effect: Effect,
    *,
    backup: str = "",
    point: str = "",
    into: str = "",
    of_another_system: bool = False,
) -> Restored | None:
    """End what a dead attempt left running, then look which databases there are."""
    return restores.settle(_wanted(backup, point, into, of_another_system), effect)


@restore.undone_by(remembering=_remember)
def swap_back(
    before: BeforeRestore,
    restores: Restores,
    database: Database,
    effect: Effect,
    *,
    backup: str = "",
    point: str = "",
    into: str = "",
    of_another_system: bool = False,
) -> SwappedBack:
    """Swap the names back: the database before the restore serves again."""
    wanted = _wanted(backup, point, into, of_another_system)
    return restores.take_back(wanted, before.serving, effect)


@restore.telling_way_back
def way_back(values: Mapping[str, object]) -> WayBack:
    """Say that the database before is kept, and what swapping back costs."""
    if values.get("into"):
        return WayBack(
            possible=True,
            says="the new database is dropped; the one that serves was never touched",
            price="what was written to the new database is gone",
        )
    return WayBack(
        possible=True,
        says="the database before is kept beside and gets its name again",
        price="what was written after the restore stays in the database that is taken out",
    )


@domain.read
def kept(databases: KeptDatabases) -> KeptList:
    """List the databases that restores have left, with the space they take."""
    found = databases.all()
    return KeptList(
        count=len(found), size_bytes=sum(one.size_bytes for one in found), databases=found
    )


@domain.final(
    because="what was written after the point exists nowhere else; only a backup leads back to it",
    risk=Risk.DESTROY,
)
def forget_before(databases: KeptDatabases, effect: Effect, *, database: str) -> Forgotten:
    """Confirm a restore: drop the database that was kept from before it."""
    return databases.forget(database, effect)


@forget_before.looking
def look_forgotten(databases: KeptDatabases, effect: Effect, *, database: str) -> Forgotten | None:
    """Look whether the database is gone already."""
    return databases.gone(database)


def _wanted(backup: str, point: str, into: str, of_another_system: bool) -> Wanted:
    if bool(backup) is bool(point):
        raise Refused(
            "a restore goes back to a backup or to a point: exactly one of them",
            hint="Write backup=… or point=…",
            again=False,
        )
    return Wanted(backup=backup, point=point, into=into, of_another_system=of_another_system)
