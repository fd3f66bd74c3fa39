"""Rows of two databases compared: what a migration changed, and whether all is back."""

# ruff: noqa: S608 - the names in these statements come quoted from the catalog

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from drillbook.analysis.wayback.losses import Difference
from drillbook.analysis.wayback.snapshot import Key, Snapshot, Thing
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Session

LISTED_ROWS = 200_000  # up to here the keys themselves are compared, not only their checksum


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sequence stands."""

    name: str
    last: int
    called: bool
    column: Key | None


def checksums(session: Session, layout: Snapshot) -> dict[str, tuple[int, int]]:
    """Return rows and content of every table, the columns in the order of the layout."""
    found = {}
    for thing in layout.things.values():
        if thing.kind == "table" and thing.ids["relkind"] == "r":
            columns = layout.children(thing.key, "column")
            content = _sum(_row([c.name for c in columns]))
            rows, total = _one(session, f"SELECT count(*), {content} FROM ONLY {thing.name}")
            found[thing.name] = (rows, total)
    large = _sum("ROW(loid, pageno, data)::text")
    rows, total = _one(session, f"SELECT count(*), {large} FROM pg_largeobject")
    return found | {"pg_largeobject": (rows, total)}


def unequal(before: Mapping[str, tuple[int, int]], now: Mapping[str, tuple[int, int]]) -> list[str]:
    """Return a sentence for each table whose rows are not as before."""
    said = []
    for name, (rows, content) in sorted(before.items()):
        found = now.get(name)
        if found is None:
            said.append(f"table {name} is missing")
        elif found[0] != rows:
            said.append(f"table {name} has {found[0]:,} rows and had {rows:,}")
        elif found[1] != content:
            said.append(f"table {name} has {rows:,} rows as before with other contents")
    return said


def changed(
    before: Session,
    after: Session,
    layouts: tuple[Snapshot, Snapshot],
    table: Thing,
    key: Sequence[int] | None,
) -> Difference:
    """Return which columns of a table that stayed differ, row by row of its key."""
    was, now = layouts
    common = [
        (column, now.things[column.key])
        for column in was.children(table.key, "column")
        if column.key in now.things and column.props["generated"] is None
    ]
    if key is None:
        return _without_key(before, after, table, now.things[table.key], common)
    numbers = set(key)
    pair = _Pair(
        (before, after),
        (table, now.things[table.key]),
        [(a.name, b.name) for a, b in common if a.key[2] in numbers],
        [(a, b) for a, b in common if a.key[2] not in numbers],
    )
    first, second = pair.sums(0), pair.sums(1)
    if first[:2] == second[:2]:
        return Difference(pair.differing(first, second))
    if first[0] + second[0] > LISTED_ROWS:
        return Difference(taken=True, added=True)
    was_there, is_there = pair.keys_of(0), pair.keys_of(1)
    added = is_there - was_there
    if was_there - is_there:
        return Difference(taken=True, added=bool(added))
    # Without the rows that came, the others can be compared.
    return Difference(pair.differing(first, pair.sums(1, without=added)), added=True)


@dataclass(frozen=True, slots=True)
class _Pair:
    """One table in both databases, its key and its other columns by their names in each."""

    sessions: tuple[Session, Session]
    tables: tuple[Thing, Thing]
    keys: list[tuple[str, str]]
    others: list[tuple[Thing, Thing]]

    def sums(self, side: int, *, without: Collection[str] = ()) -> tuple[int, ...]:
        """Return rows, the checksum of the keys, and one of each column together with the key."""
        named = [key[side] for key in self.keys]
        parts = [_sum(_row(named))]
        parts += [_sum(_row([*named, f"{pair[side].name}::text"])) for pair in self.others]
        statement = f"SELECT count(*), {', '.join(parts)} FROM ONLY {self.tables[side].name}"
        if not without:
            return _one(self.sessions[side], statement)
        statement += f" WHERE {_row(named)}"
        # A name may hold a percent sign, which stands for a value there.
        text = statement.replace("%", "%%") + " <> ALL (%s)"
        return _one(self.sessions[side], text, list(without))

    def keys_of(self, side: int) -> set[str]:
        """Return all keys as text."""
        row = _row([key[side] for key in self.keys])
        statement = f"SELECT {row} FROM ONLY {self.tables[side].name}"
        found = self.sessions[side].execute(statement.encode()).fetchall()
        return {str(value) for (value,) in found}

    def differing(self, first: tuple[int, ...], second: tuple[int, ...]) -> frozenset[Key]:
        """Return the columns whose checksums differ."""
        return frozenset(
            pair[0].key for n, pair in enumerate(self.others) if first[n + 2] != second[n + 2]
        )


def _without_key(
    before: Session, after: Session, was: Thing, now: Thing, common: list[tuple[Thing, Thing]]
) -> Difference:
    sums = []
    for session, table, side in ((before, was, 0), (after, now, 1)):
        content = _sum(_row([f"{pair[side].name}::text" for pair in common]))
        sums.append(_one(session, f"SELECT count(*), {content} FROM ONLY {table.name}"))
    return Difference() if sums[0] == sums[1] else Difference(taken=True, added=True)


def places(session: Session) -> dict[int, Place]:
    """Return where every sequence stands, by OID."""
    found = {}
    for oid, name, table, number in session.execute(query("wayback", "sequences")).fetchall():
        text = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.SQL(name))
        row = session.execute(text).fetchone()
        column = (1259, int(table), int(number)) if table is not None else None
        if row is not None:
            found[int(oid)] = Place(str(name), int(row[0]), bool(row[1]), column)
    return found


def _row(names: Sequence[str]) -> str:
    return f"ROW({', '.join(names)})::text"


def _sum(text: str) -> str:
    # A sum does not depend on the order, and unlike xor sees a row that is there twice.
    return f"coalesce(sum(hashtextextended({text}, 0)::numeric), 0)"


def _one(session: Session, statement: str, *values: object) -> tuple[int, ...]:
    row = session.execute(statement.encode(), values or None).fetchone()
    return tuple(int(value) for value in row) if row else ()
