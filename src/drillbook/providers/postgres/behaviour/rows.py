"""Rows to try with: a few of a table, as somebody sees them, with values as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from drillbook.providers.postgres.behaviour.shapes import Column, Table
from drillbook.providers.postgres.behaviour.trying import Outcome, Persona, Trial
from drillbook.providers.postgres.queries import query

Row = Mapping[int, str | None]


@dataclass(frozen=True, slots=True)
class May:
    """What a role may do with the columns of a table; the numbers are the columns'."""

    reads: bool
    seen: frozenset[int]
    inserted: frozenset[int]
    updated: frozenset[int]


@dataclass(frozen=True, slots=True)
class Found:
    """A row, and how a statement names it."""

    values: Row
    place: str = ""

    def where(self, table: Table) -> tuple[sql.Composable, list[object]]:
        """Return the condition that is true for this row alone."""
        if not table.key:
            return sql.SQL("ctid = %s::tid"), [self.place]
        parts = [sql.SQL("{} = %s").format(sql.Identifier(c.name)) for c in table.key]
        return sql.SQL(" AND ").join(parts), [self.values.get(c.number) for c in table.key]


def may(trial: Trial, table: Table, persona: Persona) -> May:
    """Ask what a role may do with a table."""
    values = {"role": persona.role or persona.label, "relation": table.relation.oid}
    row = trial.session.execute(query("behaviour", "may"), values).fetchone()
    if row is None:
        return May(False, frozenset(), frozenset(), frozenset())
    return May(bool(row[0]), frozenset(row[1]), frozenset(row[2]), frozenset(row[3]))


def sample(trial: Trial, table: Table, allowed: May, *, count: int = 3) -> tuple[Found, ...]:
    """Return the first, the last and a middle row that whoever asks can see."""
    columns = [column for column in table.columns if column.number in allowed.seen]
    if not columns:
        return ()
    found: dict[str, Found] = {}
    for tail in _tails(table)[:count]:
        outcome = _select(trial, table, columns, tail)
        for row in outcome.found:
            one = _found(table, columns, row)
            found.setdefault(repr(one.where(table)[1]), one)
    return tuple(found.values())


def whole(trial: Trial, table: Table, rows: Sequence[Found]) -> tuple[Row, ...]:
    """Return the rows with all their columns; call it as the login itself."""
    found: list[Row] = []
    for row in rows:
        if table.key and any(column.number not in row.values for column in table.key):
            continue
        where, values = row.where(table)
        columns = list(table.columns)
        tail = sql.SQL("WHERE {}").format(where)
        outcome = _select(trial, table, columns, tail, values)
        found += [_found(table, columns, one).values for one in outcome.found[:1]]
    return tuple(found)


def leaf(trial: Trial, table: Table, keys: Sequence[tuple[sql.Composable, str, str]]) -> Outcome:
    """Return the outcome of looking for a row nobody refers to (see `sample_where`)."""
    parts = [
        sql.SQL("NOT EXISTS (SELECT FROM {} AS c WHERE c.{} = t.{})").format(
            child, sql.Identifier(theirs), sql.Identifier(ours)
        )
        for child, theirs, ours in keys
    ]
    where = sql.SQL(" AND ").join(parts) if parts else sql.SQL("true")
    return _select(trial, table, list(table.columns), sql.SQL("WHERE {} LIMIT 1").format(where))


def referenced(
    trial: Trial, table: Table, keys: Sequence[tuple[sql.Composable, str, str]]
) -> Outcome:
    """Return the outcome of looking for a row that another table refers to."""
    child, theirs, ours = keys[0]
    tail = sql.SQL(
        "WHERE t.{ours} = (SELECT c.{theirs} FROM {child} AS c"
        " WHERE c.{theirs} IS NOT NULL LIMIT 1) LIMIT 1"
    ).format(ours=sql.Identifier(ours), theirs=sql.Identifier(theirs), child=child)
    return _select(trial, table, list(table.columns), tail)


def as_found(table: Table, outcome: Outcome) -> Found | None:
    """Return the row of an outcome of `leaf` or `referenced`."""
    if not outcome.found:
        return None
    return _found(table, list(table.columns), outcome.found[0])


def both_ways(table: Table) -> tuple[sql.Composed, sql.Composed]:
    """Return the key's order and its reverse; the table stands in the query as `t`."""
    # Without the `t` it would be the order of the column as text, which no index has.
    keys = [sql.SQL("t.{}").format(sql.Identifier(column.name)) for column in table.key]
    down = [sql.SQL("{} DESC").format(key) for key in keys]
    return sql.SQL(", ").join(keys), sql.SQL(", ").join(down)


def _tails(table: Table) -> list[sql.Composable]:
    if table.relation.kind == "v":
        return [sql.SQL("LIMIT 2")]
    tails: list[sql.Composable] = [sql.SQL("LIMIT 1")]
    if table.key:
        tails = [sql.SQL("ORDER BY {} LIMIT 1").format(order) for order in both_ways(table)]
    if table.relation.kind == "r" and table.relation.pages > 1:
        middle = sql.Literal(f"({table.relation.pages // 2},0)")
        tails.append(sql.SQL("WHERE ctid >= {}::tid LIMIT 1").format(middle))
    return tails


def _select(
    trial: Trial,
    table: Table,
    columns: list[Column],
    tail: sql.Composable,
    values: Sequence[object] = (),
) -> Outcome:
    wanted: list[sql.Composable] = [
        sql.SQL("t.{}::text").format(sql.Identifier(column.name)) for column in columns
    ]
    if _placed(table):
        wanted.append(sql.SQL("t.ctid::text"))
    return trial.read(
        sql.SQL("SELECT {} FROM {} AS t {}").format(sql.SQL(", ").join(wanted), table.sql, tail),
        values,
    )


def _placed(table: Table) -> bool:
    return table.relation.kind == "r" and not table.key


def _found(table: Table, columns: list[Column], row: tuple[str | None, ...]) -> Found:
    values = {column.number: row[at] for at, column in enumerate(columns)}
    return Found(values, (row[-1] or "") if _placed(table) else "")
