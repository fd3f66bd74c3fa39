"""The tables of a database and how the rows of each are read into a checksum."""

from dataclasses import dataclass

from psycopg.rows import class_row
from psycopg.sql import SQL, Composed

from drillbook.core.errors import Unavailable
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Session

CHUNK_BLOCKS = 8192  # 64 MB: small enough to keep all workers busy to the end
LOCKED_AT_ONCE = 200
METHOD = "two sums of hash_record_extended"
# The hash of a row is a weighted sum of those of its columns: its sum over all rows alone would not
# see two rows that exchange the values of a column. The sum of products of its halves does.
SUMS = SQL(
    "SELECT count(*)::int8, coalesce(sum(h), 0), coalesce(sum((h >> 33) * (h & 2147483647)), 0)"
)


@dataclass(frozen=True, slots=True)
class Table:
    """
    One table as a snapshot shows it; names come quoted from the catalog itself.

    `plain` columns are hashed as they are, the text of the `odd` ones is hashed. `by_name`: the
    columns are taken in the order of their names, for `pg_dump` does not keep their own.
    """

    name: str
    unlogged: bool
    is_heap: bool
    blocks: int
    rewritten: bool
    by_name: bool
    plain: list[str]
    odd: list[str]

    @property
    def method(self) -> str:
        """How its checksum is taken, for the manifest: equal methods give comparable checksums."""
        order = ", columns by name" if self.by_name else ""
        return METHOD + order + (f", as text: {', '.join(self.odd)}" if self.odd else "")

    @property
    def row_hash(self) -> SQL:
        """The hash of one row of `t`."""
        text = f"ROW({', '.join(f't.{name}' for name in self.odd)})::text"
        row = [*(f"t.{name}" for name in self.plain), *([text] if self.odd else [])]
        return _sql(f"hash_record_extended(ROW({', '.join(row)}), 0)")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A table, or a range of its blocks; `to_block` is None where it ends with the table."""

    table: Table
    from_block: int = 0
    to_block: int | None = None

    @property
    def blocks(self) -> int:
        """How many blocks there are to read."""
        return (self.table.blocks if self.to_block is None else self.to_block) - self.from_block

    @property
    def statement(self) -> Composed:
        """The query that returns how many rows there are, and the two sums of their hashes."""
        parts = [
            SUMS, SQL("FROM (SELECT"), self.table.row_hash, SQL("AS h FROM ONLY"),
            _sql(self.table.name), SQL("AS t"),
        ]  # fmt: skip
        if self.from_block or self.to_block is not None:
            parts.append(_sql(f"WHERE ctid >= '({self.from_block},0)'"))
        if self.to_block is not None:
            parts.append(_sql(f"AND ctid < '({self.to_block},0)'"))
        parts.append(SQL("OFFSET 0) AS rows"))  # so that each hash is taken once
        return SQL(" ").join(parts)


def chunks_of(tables: tuple[Table, ...]) -> list[Chunk]:
    """Cut big tables into ranges of blocks; the longest come first."""
    found: list[Chunk] = []
    for table in tables:
        starts = range(0, table.blocks, CHUNK_BLOCKS) if table.is_heap else ()
        ends = [*list(starts)[1:], None]
        found += [Chunk(table, *pair) for pair in zip(starts or (0,), ends, strict=True)]
    return sorted(found, key=lambda chunk: chunk.blocks, reverse=True)


def read_tables(session: Session) -> tuple[Table, ...]:
    """Return all tables of the snapshot at hand; call it inside a transaction."""
    session.execute(query("proof", "settle"))
    with session.cursor(row_factory=class_row(Table)) as cursor:
        return tuple(cursor.execute(query("proof", "tables")).fetchall())


def hold(session: Session, tables: tuple[Table, ...], milliseconds: int) -> None:
    """Keep the tables as they are until the transaction ends; nobody who reads or writes waits."""
    session.execute(_sql(f"SET LOCAL lock_timeout = {milliseconds:d}"))
    for start in range(0, len(tables), LOCKED_AT_ONCE):
        names = ", ".join(f"ONLY {table.name}" for table in tables[start : start + LOCKED_AT_ONCE])
        session.execute(_sql(f"LOCK TABLE {names} IN ACCESS SHARE MODE"))


def refuse_rewritten(tables: tuple[Table, ...], where: str) -> None:
    """Stop where a table was emptied or rewritten after the snapshot: its rows are not there."""
    names = [table.name for table in tables if table.rewritten]
    if names:
        raise Unavailable(
            f"{', '.join(names[:5])} of {where} was emptied or rewritten in this moment, "
            "so that its rows before cannot be read",
            hint="Try again: the next attempt starts after it.",
        )


def _sql(text: str) -> SQL:
    # Made of numbers and of names that the catalog itself has quoted, never of what people type.
    return SQL(text)
