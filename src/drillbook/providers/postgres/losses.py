"""What was written after a point: counted in the database that was kept from before a restore."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row
from psycopg.sql import SQL, Composable, Literal

from drillbook.ports.backups import LostRows
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server, Session

LONGEST_SECONDS = 24 * 3600.0
NAMED_AT_MOST = 5


@dataclass(frozen=True, slots=True)
class Dated:
    """A table, and the columns that tell when a row came and was changed; names come quoted."""

    name: str
    created: str
    updated: str


@dataclass(frozen=True, slots=True)
class Counted:
    """One table's rows, and those that came or were changed after the point."""

    table: Dated
    rows: int
    created: int
    updated: int


def count_since(session: Session, point: datetime) -> tuple[Counted, ...]:
    """Count the rows of every table, and those that came or were changed after a point."""
    session.execute("SET row_security = off")
    with session.cursor(row_factory=class_row(Dated)) as cursor:
        tables = cursor.execute(query("restore", "dated_tables")).fetchall()
    found: list[Counted] = []
    for table in tables:
        created, updated = _after(table.created, point), _after(table.updated, point)
        statement = SQL(
            "SELECT count(*), count(*) FILTER (WHERE {c}),"
            " count(*) FILTER (WHERE {u} AND NOT coalesce({c}, false)) FROM ONLY {t}"
        ).format(c=created, u=updated, t=SQL(table.name))
        row = session.execute(statement).fetchone()
        if row is not None:
            found.append(Counted(table, int(row[0]), int(row[1]), int(row[2])))
    return tuple(found)


def lost_since(
    kept: Server, then: Mapping[str, int], ahead: Mapping[str, int], point: datetime
) -> tuple[LostRows, ...]:
    """
    Return what a database has that it had not at the point, the most first.

    `then` are its rows at the point; `ahead` those dated after the point that it had already.
    """
    with kept.session(at_most=LONGEST_SECONDS) as session:
        counted = count_since(session, point)
    lost: list[LostRows] = []
    for one in counted:
        more = max(0, one.rows - then.get(one.table.name, 0))
        came = max(0, one.created - ahead.get(one.table.name, 0))
        by = one.table.created if came >= more and came else ""
        if came or more or one.updated:
            lost.append(
                LostRows(
                    table=one.table.name, rows=max(more, came), changed=one.updated,
                    by=by or (one.table.updated if not more else ""),
                )
            )  # fmt: skip
    return tuple(sorted(lost, key=lambda found: (-found.rows, -found.changed, found.table)))


def says_lost(lost: tuple[LostRows, ...], point: datetime) -> str:
    """Return the loss in words: `1,284 bookings after 14:02`."""
    when = f"after {point:%Y-%m-%d %H:%M:%S} UTC"
    rows = [f"{one.rows:,} {_short(one.table)}" for one in lost if one.rows]
    changed = [f"{one.changed:,} {_short(one.table)}" for one in lost if one.changed]
    if not rows and not changed:
        return f"no row was added {when}; changes that no column dates are not counted"
    parts = [_list(rows)] if rows else []
    if changed:
        parts.append(f"changes to {_list(changed)}")
    return f"{' and '.join(parts)} {when}"


def _list(parts: list[str]) -> str:
    more = len(parts) - NAMED_AT_MOST
    return ", ".join(parts[:NAMED_AT_MOST]) + (
        f" and rows of {more} more tables" if more > 0 else ""
    )


def _short(table: str) -> str:
    return table.removeprefix("public.")


def _after(column: str, point: datetime) -> Composable:
    if not column:
        return SQL("false")
    # A timestamp without zone means the database's own: the session left that as it is.
    return SQL("{}::timestamptz > {}").format(SQL(column), Literal(point))
