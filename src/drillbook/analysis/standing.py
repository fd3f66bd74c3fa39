"""How the files of a folder stand to the ledgers of a database."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from drillbook.core.migration_files import (
    LedgerEntry,
    MigrationFile,
    Order,
    Refusal,
    RefusalKind,
    Standing,
)

APPLIED = "applied"
GONE = "taken back"


def standing(
    order: Order, entries: Sequence[LedgerEntry], *, accepted: Collection[str] = ()
) -> Standing:
    """
    Say what is applied, what is pending and what forbids going on.

    `accepted` names files whose refusals somebody has looked at.
    """
    in_force = [entry for entry in entries if entry.status != GONE]
    found = {m.name: [e for e in in_force if is_of(e, m)] for m in order.migrations}
    known = {id(entry) for several in found.values() for entry in several}
    applied = [m for m in order.migrations if any(e.status == APPLIED for e in found[m.name])]
    pending = [m for m in order.migrations if not found[m.name]]
    missing = [entry for entry in in_force if id(entry) not in known]
    refusals = [
        *order.refusals,
        *(r for m in order.migrations for e in found[m.name] for r in _entry_refusals(e, m)),
        *_missing(missing, pending),
        *_late(applied, pending, order.migrations),
        *_reordered(applied, found),
    ]
    renamed = {r.name for r in refusals if r.kind is RefusalKind.RENAMED}
    return Standing(
        applied=tuple(m.name for m in applied),
        pending=tuple(m for m in pending if m.name not in renamed),
        refusals=tuple(r for r in refusals if r.name not in accepted),
    )


def is_of(entry: LedgerEntry, migration: MigrationFile) -> bool:
    """Tell whether a ledger's entry is of this file."""
    if entry.name in {migration.name, migration.path}:
        return True
    if entry.version and migration.version:
        return entry.version == migration.version
    return False


def _entry_refusals(entry: LedgerEntry, migration: MigrationFile) -> Iterator[Refusal]:
    if entry.status != APPLIED:
        yield Refusal(
            kind=RefusalKind.HALF_APPLIED,
            name=migration.name,
            says=f"{migration.name} is half applied ({entry.status}) by {entry.run or 'somebody'}",
        )
    if why := _changed(entry, migration):
        yield Refusal(
            kind=RefusalKind.CHANGED,
            name=migration.name,
            says=f"{migration.name} was changed after it was applied: {why}",
        )


def _changed(entry: LedgerEntry, migration: MigrationFile) -> str:
    if entry.sha256:
        if entry.sha256 == migration.sha256:
            return ""
        return f"its sha256 was {entry.sha256[:12]}, now it is {migration.sha256[:12]}"
    if entry.statements is None:
        return ""
    from drillbook.analysis.same_sql import same_sql  # noqa: PLC0415 - costs 0.25 s, seldom needed

    if same_sql(";\n".join(entry.statements), migration.text):
        return ""
    return f"{entry.ledger} keeps other statements than the file has now"


def _missing(missing: Iterable[LedgerEntry], pending: Iterable[MigrationFile]) -> Iterator[Refusal]:
    waiting = list(pending)
    for entry in missing:
        twin = next((m for m in waiting if entry.sha256 and m.sha256 == entry.sha256), None)
        if twin is not None:
            yield Refusal(
                kind=RefusalKind.RENAMED,
                name=twin.name,
                says=f"{twin.name} is what was applied as {entry.name}: give it that name again",
            )
            continue
        yield Refusal(
            kind=RefusalKind.MISSING,
            name=entry.name,
            says=f"{entry.name} is applied by {entry.ledger}, and there is no such file any more",
        )


def _late(
    applied: Sequence[MigrationFile],
    pending: Iterable[MigrationFile],
    all_: Sequence[MigrationFile],
) -> Iterator[Refusal]:
    places = {m.name: at for at, m in enumerate(all_)}
    newest = max(applied, key=lambda m: places[m.name], default=None)
    if newest is None:
        return
    for migration in pending:
        if places[migration.name] < places[newest.name]:
            yield Refusal(
                kind=RefusalKind.OUT_OF_ORDER,
                name=migration.name,
                says=f"{migration.name} stands before {newest.name}, which is applied already: "
                "give it a later number, or accept it by name",
            )


def _reordered(
    applied: Sequence[MigrationFile], found: dict[str, list[LedgerEntry]]
) -> Iterator[Refusal]:
    """Find files that now stand before others which were applied earlier."""
    latest: tuple[MigrationFile, LedgerEntry] | None = None
    for migration in applied:
        timed = [entry for entry in found[migration.name] if entry.at is not None]
        if not timed:
            continue
        entry = timed[0]
        if latest is not None and (entry.at or 0) < (latest[1].at or 0):  # type: ignore[operator]  # both have a time
            yield Refusal(
                kind=RefusalKind.REORDERED,
                name=latest[0].name,
                says=f"{latest[0].name} stands before {migration.name} and was applied after it",
            )
        if latest is None or (entry.at or 0) > (latest[1].at or 0):  # type: ignore[operator]  # as above
            latest = (migration, entry)
