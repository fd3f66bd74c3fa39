"""Whether a database has the migrations that a release brings."""

from drillbook.actions.migration.subject import domain
from drillbook.analysis.order import named
from drillbook.core.migration_files import Direction
from drillbook.core.model import Frozen
from drillbook.ports.migration_files import Ledgers

APPLIED = "applied"
SHOWN = 5


class Held(Frozen):
    """Which of the migrations the database has, and which it lacks, in their order."""

    has: tuple[str, ...]
    lacks: tuple[str, ...]
    says: str


@domain.read
def has(ledgers: Ledgers, *, files: tuple[str, ...] = ()) -> Held:
    """Say which of the migrations that are named by their paths a database has, and which not."""
    wanted = [one for one in map(named, files) if one.direction is Direction.UP]
    wanted.sort(key=lambda one: (one.version, one.name))
    names = tuple(dict.fromkeys(_own(one.name) for one in wanted))
    there = {_own(one.name) for one in ledgers.entries() if one.status == APPLIED} if names else ()
    lacks = tuple(name for name in names if name not in there)
    return Held(has=tuple(n for n in names if n in there), lacks=lacks, says=_says(names, lacks))


def _own(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(".sql")


def _says(names: tuple[str, ...], lacks: tuple[str, ...]) -> str:
    if not names:
        return "no migration is brought"
    if not lacks:
        return f"all {len(names)} are applied: {', '.join(names[:SHOWN])}"
    return (
        f"{len(lacks)} of {len(names)} are not applied: {', '.join(lacks[:SHOWN])}; "
        f"first comes {lacks[0]}, by the runbook Database Migration"
    )
