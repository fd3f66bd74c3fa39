"""The ledger in the database itself: written in the very transaction that applies a migration."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from drillbook.core.effect import Effect
from drillbook.ports.migrations import LedgerRow, Status, Story
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Session

_SUPABASE_NAME = re.compile(r"(\d+)_")  # its tool takes any number before the first _


def exists(session: Session) -> bool:
    """Tell whether this database has a ledger."""
    row = session.execute(query("ledger", "exists")).fetchone()
    return bool(row and row[0])


def ensure(session: Session) -> None:
    """Make the ledger where there is none."""
    there = exists(session)
    if there and not _is_old(session):
        return
    with session.transaction():
        # IF NOT EXISTS alone lets two first runs collide.
        session.execute(query("ledger", "create_lock"))
        for name in (
            ("add_story", "add_took_back")
            if there
            else ("create_schema", "create_table", "create_index")
        ):
            session.execute(query("ledger", name))


def _is_old(session: Session) -> bool:
    row = session.execute(query("ledger", "is_old")).fetchone()
    return bool(row and row[0])


def by_key(session: Session, key: str) -> LedgerRow | None:
    """Return the row of an effect."""
    return _row(session, "by_key", {"effect_key": key})


def in_force(session: Session, name: str) -> LedgerRow | None:
    """Return the row of a name that is not taken back, from our ledger or from Supabase's."""
    if exists(session) and (row := _row(session, "in_force", {"name": name})) is not None:
        return row
    return _in_supabase(session, name)


def insert(session: Session, row: LedgerRow) -> None:
    """Write a new row; in the transaction at hand."""
    values = row.model_dump() | {"objects_before": Jsonb(row.objects_before)}
    session.execute(query("ledger", "insert"), values)


def advance(
    session: Session, key: str, *, up: bool, done: int, units: int, under_way: bool = False
) -> None:
    """Write how many units are done in a direction; in the transaction at hand."""
    session.execute(
        query("ledger", "advance_up" if up else "advance_down"),
        {"effect_key": key, "done": done, "units": units, "under_way": under_way},
    )


def cut_off(session: Session, key: str, *, done: int) -> None:
    """Write how many units a way up that was cut off has done."""
    session.execute(query("ledger", "cut_off"), {"effect_key": key, "done": done})


def stamp(session: Session, key: str) -> None:
    """Write when the migration's statements were done; the row itself was written before them."""
    session.execute(query("ledger", "stamp"), {"effect_key": key})


def kept(session: Session, key: str) -> tuple[str, str, str] | None:
    """Return name, SHA-256 and status as the transaction at hand sees them."""
    row = session.execute(query("ledger", "kept"), {"effect_key": key}).fetchone()
    return (str(row[0]), str(row[1]), str(row[2])) if row else None


def complete(
    session: Session, key: str, *, up: bool, fingerprint: str, objects: Mapping[str, str]
) -> None:
    """Add what the schema looked like afterwards, once."""
    session.execute(
        query("ledger", "complete_up" if up else "complete_down"),
        {"effect_key": key, "fingerprint": fingerprint, "objects": Jsonb(dict(objects))},
    )


def tell(session: Session, key: str, story: Story) -> None:
    """Write how a migration was applied so far."""
    values = {"effect_key": key, "story": Jsonb(story.model_dump(mode="json"))}
    session.execute(query("ledger", "tell"), values)


def judge(session: Session, key: str, way_back: str) -> None:
    """Write down what a trial of the way back showed."""
    session.execute(query("ledger", "judge"), {"effect_key": key, "way_back": way_back})


def new_row(effect: Effect, name: str, sha256: str, *, statements: int, units: int) -> LedgerRow:
    """Return the row of a migration about to be applied."""
    return LedgerRow(
        effect_key=effect.key,
        name=name,
        sha256=sha256,
        status=Status.APPLYING,
        run=effect.run,
        applied_by=effect.by,
        statements=statements,
        units=units,
        started_at=datetime.now(UTC),
    )


def _row(session: Session, name: str, values: Mapping[str, object]) -> LedgerRow | None:
    with session.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(query("ledger", name), values).fetchone()
    if found is None:
        return None
    # A ledger of another version may have more columns, or fewer.
    return LedgerRow.model_validate({k: v for k, v in found.items() if k in LedgerRow.model_fields})


def _in_supabase(session: Session, name: str) -> LedgerRow | None:
    version = _SUPABASE_NAME.match(name)
    there = session.execute(query("ledger", "supabase_exists")).fetchone()
    if version is None or not there or not there[0]:
        return None
    found = session.execute(query("ledger", "supabase_has"), {"version": version[1]}).fetchone()
    if not found or not found[0]:
        return None
    now = datetime.now(UTC)  # Supabase does not keep when it was applied
    return LedgerRow(
        effect_key="",
        name=name,
        sha256="",
        status=Status.APPLIED,
        run="supabase_migrations",
        applied_by="Supabase's own ledger",
        statements=0,
        units=0,
        started_at=now,
    )
