"""The tables of a database and how the rows of each are read into a checksum."""

from dataclasses import dataclass

from psycopg.rows import class_row
from psycopg.sql import SQL, Composed

from drillbook.core.errors import Unavailable
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Session

CHUNK_BLOCKS = 8192  # 64 MB: small enough to keep all workers busy to the end
LOCKED_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Table:
    """
    One table as a snapshot shows it; names come quoted from the catalog itself.

    `plain` columns are hashed as they are, the text of the `odd` ones is hashed.
    """

    name: str
    unlogged: bool
    is_heap: bool
    blocks: int
    rewritten: bool
    plain: list[str]
    odd: list[str]

    @property
    def method(self) -> str:
        """How its checksum is taken, for the manifest: equal methods give comparable checksums."""
        if not self.odd:
            return "sum of hash_record_extended"
        return f"sum of hash_record_extended, as text: {', '.join(self.odd)}"

    @property
    def checksum(self) -> SQL:
        """The expression over the rows of `t`: a sum, so that order plays no part."""
        whole = "t"
        if self.odd:
            text = f"ROW({', '.join(f't.{name}' for name in self.odd)})::text"
            whole = f"ROW({', '.join([*(f't.{name}' for name in self.plain), text])})"
        return _sql(f"coalesce(sum(hash_record_extended({whole}, 0)), 0)")


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
        """The query that returns how many rows there are, and their checksum."""
        parts = [
            SQL("SELECT count(*)::int8,"), self.table.checksum,
            SQL("FROM ONLY"), _sql(self.table.name), SQL("AS t"),
        ]  # fmt: skip
        if self.from_block or self.to_block is not None:
            parts.append(_sql(f"WHERE ctid >= '({self.from_block},0)'"))
        if self.to_block is not None:
            parts.append(_sql(f"AND ctid < '({self.to_block},0)'"))
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
