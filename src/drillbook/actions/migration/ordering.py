"""Which migrations a database lacks, in which order, and whether it is what it should be."""

from drillbook.actions.migration.subject import domain
from drillbook.analysis.fingerprint import differences
from drillbook.analysis.order import ordered
from drillbook.analysis.standing import standing
from drillbook.core.errors import Failed, Refused
from drillbook.core.files import File
from drillbook.core.model import Frozen
from drillbook.ports.database import Database
from drillbook.ports.migration_files import (
    Expectation,
    Ledgers,
    MigrationFile,
    MigrationFolders,
    OrderedBy,
    Refusal,
)

SHOWN = 3


class Pending(Frozen):
    """
    How a folder of migrations stands to a database.

    `next` is the first file that is not applied, `down` what takes it back; both can be given to
    `migration.apply`. `refusals` say what forbids going on; `left_out` are files that are neither.
    """

    says: str
    ordered_by: OrderedBy
    applied: tuple[str, ...]
    pending: tuple[str, ...]
    count: int
    next: File | None
    down: File | None
    refusals: tuple[Refusal, ...]
    left_out: tuple[str, ...]


class Drift(Frozen):
    """
    Whether a schema is what its ledger and another database say.

    `objects` is what to hand over as `against` when the other database is looked at.
    """

    says: str
    fingerprint: str
    objects: dict[str, str]
    from_ledger: tuple[str, ...]
    from_other: tuple[str, ...]
    ledger_knows: str


@domain.read
def pending(
    folders: MigrationFolders,
    ledgers: Ledgers,
    *,
    folder: str,
    accepted: tuple[str, ...] = (),
    refuse: bool = True,
) -> Pending:
    """
    Say which migrations of a folder a database lacks, and which comes next.

    A file that was changed or renamed after it was applied, that is missing, stands before an
    applied one or has no order is refused, unless `accepted` names it.
    """
    order = ordered(folders.read(folder))
    found = standing(order, ledgers.entries(), accepted=accepted)
    if refuse and found.refusals:
        raise _refused(folder, found.refusals)
    first = found.pending[0] if found.pending else None
    return Pending(
        says=_says(len(found.applied), found.pending, order.says),
        ordered_by=order.by,
        applied=found.applied,
        pending=tuple(one.name for one in found.pending),
        count=len(found.pending),
        next=File(name=first.name, sha256=first.sha256, text=first.text) if first else None,
        down=_down(first),
        refusals=found.refusals,
        left_out=order.left_out,
    )


@domain.read
def drift(
    database: Database,
    ledgers: Ledgers,
    *,
    against: dict[str, str] | None = None,
    other: str = "the other database",
    at_most: int = 0,
) -> Drift:
    """
    Compare a schema with what its ledger says it is, and with another database.

    `against` are the objects of the other one; more differences than allowed fail the task.
    """
    state = database.catalog()
    expected = ledgers.expectation()
    from_ledger: tuple[str, ...] = ()
    if expected is not None and expected.fingerprint != state.fingerprint:
        from_ledger = differences(expected.objects, state.objects) if expected.objects else ()
        from_ledger = from_ledger or (f"the fingerprint after {expected.name} was another one",)
    from_other = differences(against, state.objects) if against is not None else ()
    if len(from_ledger) + len(from_other) > at_most:
        raise _drifted(from_ledger, from_other, expected.name if expected else "", other)
    return Drift(
        says=_drift_says(len(from_ledger) + len(from_other), expected, against, other),
        fingerprint=state.fingerprint,
        objects=state.objects,
        from_ledger=from_ledger,
        from_other=from_other,
        ledger_knows=expected.name if expected is not None else "",
    )


def _says(applied: int, waiting: tuple[MigrationFile, ...], order: str) -> str:
    if not waiting:
        return f"all {applied} migrations are applied, {order}"
    return f"{len(waiting)} pending after {applied} applied, next {waiting[0].name}, {order}"


def _down(first: MigrationFile | None) -> File | None:
    if first is None or first.down is None:
        return None
    name = first.down.path.rpartition("/")[2]
    return File(name=name, sha256=first.down.sha256, text=first.down.text)


def _refused(folder: str, refusals: tuple[Refusal, ...]) -> Refused:
    said = "; ".join(one.says for one in refusals[:SHOWN])
    more = f"; and {len(refusals) - SHOWN} more" if len(refusals) > SHOWN else ""
    return Refused(
        f"{folder} does not go with the ledger: {said}{more}; nothing was changed",
        hint="See everything with refuse=false; accept single files by accepted=…",
        again=False,
    )


def _drift_says(
    count: int, expected: Expectation | None, against: dict[str, str] | None, other: str
) -> str:
    if count:
        return f"the schema drifted: {count} differences"
    sources = [f"the ledger's after {expected.name}"] if expected is not None else []
    sources += [f"that of {other}"] if against is not None else []
    if not sources:
        return "no ledger says what the schema should be, and no other was given"
    return f"the schema equals {' and '.join(sources)}"


def _drifted(
    from_ledger: tuple[str, ...], from_other: tuple[str, ...], name: str, other: str
) -> Failed:
    parts = []
    if from_ledger:
        parts.append(f"since {name} was applied {_first(from_ledger)}")
    if from_other:
        parts.append(f"compared with {other} {_first(from_other)}")
    return Failed(
        f"the schema drifted: {'; '.join(parts)}",
        hint="Find out who changed it; make a migration of it, or take it back by hand.",
        again=False,
    )


def _first(said: tuple[str, ...]) -> str:
    more = f", and {len(said) - SHOWN} more" if len(said) > SHOWN else ""
    return ", ".join(said[:SHOWN]) + more
