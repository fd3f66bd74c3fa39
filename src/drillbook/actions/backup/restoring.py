"""Go back to a backup, and take that back."""

from collections.abc import Mapping

from drillbook.actions.backup.subject import domain
from drillbook.core.effect import Effect, WayBack
from drillbook.core.model import Frozen
from drillbook.ports.backups import Restored, Restores, SwappedBack
from drillbook.ports.database import Database


class BeforeRestore(Frozen):
    """The schema of a database before a restore."""

    fingerprint: str


def _remember(
    restores: Restores, database: Database, effect: Effect, *, backup: str
) -> BeforeRestore:
    return BeforeRestore(fingerprint=database.catalog().fingerprint)


@domain.destroy
def restore(restores: Restores, database: Database, effect: Effect, *, backup: str) -> Restored:
    """Build a backup beside the database, prove it equal, swap the names, and keep the old one."""
    return restores.restore(backup, effect)


@restore.looking
def look_restored(
    restores: Restores, database: Database, effect: Effect, *, backup: str
) -> Restored | None:
    """End what a dead attempt left running, then look which databases there are."""
    return restores.settle(effect)


@restore.undone_by(remembering=_remember)
def swap_back(
    before: BeforeRestore, restores: Restores, database: Database, effect: Effect, *, backup: str
) -> SwappedBack:
    """Swap the names back: the database before the restore serves again."""
    return restores.swap_back(effect)


@restore.telling_way_back
def way_back(values: Mapping[str, object]) -> WayBack:
    """Say that the database before is kept, and what swapping back costs."""
    return WayBack(
        possible=True,
        says="the database before is kept beside and gets its name again",
        price="what was written after the restore stays in the database that is taken out",
    )
