"""What the migrations read so far have made: what old code never knew cannot be missed by it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from postgast.pg_query_pb2 import Node, RangeVar


@dataclass(frozen=True, slots=True)
class Harm:
    """What a statement does to old code; `sure` is False where its text alone cannot tell."""

    says: str
    sure: bool = True


@dataclass(slots=True)
class Column:
    """A column made meanwhile: old code leaves it out, which is fine unless it must be given."""

    required: bool
    filled: bool
    where: tuple[str, int]


@dataclass
class Made:
    """Relations, functions and types by name, and columns of older tables."""

    names: set[str] = field(default_factory=set[str])
    columns: dict[tuple[str, str], Column] = field(default_factory=dict[tuple[str, str], Column])
    undefaulted: dict[tuple[str, str], tuple[str, int]] = field(
        default_factory=dict[tuple[str, str], tuple[str, int]]
    )
    where: tuple[str, int] = ("", 0)

    def has(self, name: str) -> bool:
        """Whether a relation, function or type was made meanwhile."""
        return name in self.names

    def all_new(self, table: str, columns: Iterable[str]) -> bool:
        """Whether all these columns, at least one, were made meanwhile."""
        named = list(columns)
        return bool(named) and all((table, column) in self.columns for column in named)

    def demanding(self) -> Iterator[tuple[tuple[str, int], Harm]]:
        """Yield the columns that must be given in the end, and that old code does not give."""
        for (table, name), where in self.undefaulted.items():
            yield where, Harm(f"the default of {name} of {table} is taken away")
        for (table, name), column in self.columns.items():
            if table not in self.names and column.required and not column.filled:
                yield (
                    column.where,
                    Harm(f"the new column {name} of {table} must be given, and old code does not"),
                )


Rule = Callable[[Made, Node], Iterator[Harm]]


def relation_name(relation: RangeVar) -> str:
    """Return a relation's name; the schema public is left out, as most programs do."""
    return joined([relation.schemaname, relation.relname])


def joined(parts: Sequence[str]) -> str:
    """Return the parts of a name with dots; the schema public is left out."""
    known = [part for part in parts if part]
    return ".".join(known[1:] if len(known) > 1 and known[0] == "public" else known)


def words(items: Iterable[Node]) -> list[str]:
    """Return the words of a name as the grammar keeps it."""
    return [item.string.sval for item in items]
