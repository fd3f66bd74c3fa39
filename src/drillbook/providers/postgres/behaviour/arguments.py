"""Arguments for a call, from rows that are there: by name and type, else by type alone."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from psycopg import sql
from psycopg.rows import class_row

from drillbook.analysis.sample_values import Kind, made
from drillbook.providers.postgres.behaviour.rows import both_ways
from drillbook.providers.postgres.behaviour.shapes import Column, Function, Shape, Table
from drillbook.providers.postgres.behaviour.trying import Trial
from drillbook.providers.postgres.queries import query

CANDIDATES = 6
FEW = 3
_PREFIX = re.compile(
    r"^(?:_+|[pvia]_|in_|arg_|par_|param_|wanted_|new_|the_|my_|target_|given_|for_|input_)+"
)
_SOMEBODY = re.compile(r"user|customer|owner|member|account|author|actor|profile")
_PSEUDO = "p"


@dataclass(frozen=True, slots=True)
class Type:
    """The type of an argument; `relation` is the table whose row it is, or 0."""

    oid: int
    base: str
    category: str
    sort: str
    relation: int
    element: str
    labels: list[str]
    bounds: str
    checks: list[str]

    @property
    def kind(self) -> Kind:
        """What values it takes."""
        return Kind(
            self.base, self.category, labels=self.labels, bounds=self.bounds, checks=self.checks
        )


@dataclass(frozen=True)
class Arguments:
    """Makes arguments from what whoever asks can see."""

    trial: Trial
    shape: Shape
    somebody: Sequence[str]

    @cached_property
    def types(self) -> Mapping[int, Type]:
        """The types of all arguments."""
        wanted = sorted({oid for one in self.shape.functions for oid in one.type_oids})
        with self.trial.session.cursor(row_factory=class_row(Type)) as cursor:
            found = cursor.execute(query("behaviour", "types"), {"types": wanted}).fetchall()
        return {one.oid: one for one in found}

    def impossible(self, function: Function) -> str:
        """Say why no arguments can be made; empty when they can."""
        for name, written, oid in zip(
            function.names, function.types, function.type_oids, strict=True
        ):
            found = self.types.get(oid)
            if found is None or found.sort == _PSEUDO:
                return f"no value can be made for {name or 'an argument'} of type {written}"
        return ""

    def candidates(self, function: Function, count: int) -> Iterator[tuple[str | None, ...]]:
        """Return lists of the first `count` arguments."""
        wanted = list(zip(function.names, function.type_oids, strict=True))[:count]
        columns = [self._values(name, self.types[oid]) for name, oid in wanted]
        most = max((len(values) for values in columns), default=1)
        for turn in range(min(max(most, 1), CANDIDATES)):
            yield tuple(values[turn % len(values)] if values else None for values in columns)

    def _values(self, name: str, type_: Type) -> tuple[str, ...]:
        if type_.relation:
            return self._rows(type_)
        plain = _PREFIX.sub("", name.lower()) or name.lower()
        place = self._column(plain, type_.base)
        if place is not None and (found := self._seen(*place)):
            return found
        if type_.base in {"uuid", "text", "bigint"} and _SOMEBODY.search(plain) and self.somebody:
            return tuple(self.somebody)
        if type_.element and type_.category == "A":
            return self._lists(plain, type_)
        return made(type_.kind)[:CANDIDATES]

    def _lists(self, plain: str, type_: Type) -> tuple[str, ...]:
        inner = Kind(type_.element, "S" if type_.element in {"text", "character varying"} else "")
        column = self._column(plain.removesuffix("s"), type_.element)
        values = self._seen(*column) if column else made(inner)[:FEW]
        quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
        return (*(f'{{"{value}"}}' for value in quoted), "{}")

    def _column(self, plain: str, base: str) -> tuple[Table, Column] | None:
        best: tuple[int, Table, Column] | None = None
        for table in self.shape.tables.values():
            for column in table.columns:
                if column.base != base:
                    continue
                score = _score(plain, table, column)
                if score and (best is None or score > best[0]):
                    best = (score, table, column)
        return (best[1], best[2]) if best else None

    def _seen(self, table: Table, column: Column) -> tuple[str, ...]:
        """Return the first and the last few values."""
        name = sql.Identifier(column.name)
        orders: list[sql.Composable] = [sql.SQL("")]
        if table.key and table.relation.is_table:
            orders = [sql.SQL("ORDER BY {}").format(one) for one in both_ways(table)]
        values: dict[str, None] = {}
        for one in orders:
            statement = sql.SQL(
                "SELECT t.{0}::text FROM {1} AS t WHERE t.{0} IS NOT NULL {2} LIMIT {3}"
            )
            found = self.trial.read(statement.format(name, table.sql, one, sql.Literal(FEW))).found
            values |= {row[0]: None for row in found if row[0] is not None}
        return tuple(values)

    def _rows(self, type_: Type) -> tuple[str, ...]:
        table = self.shape.tables.get(type_.relation)
        if table is None:
            return ()
        statement = sql.SQL("SELECT t::text FROM {} AS t LIMIT {}")
        found = self.trial.read(statement.format(table.sql, sql.Literal(FEW))).found
        return tuple(row[0] for row in found if row[0] is not None)


def _score(plain: str, table: Table, column: Column) -> int:
    """Return how well a column fits an argument's name; 0 when it does not."""
    is_key = [c.number for c in table.key] == [column.number] and table.relation.is_table
    noun = plain.removesuffix("_id").removesuffix("id") if plain.endswith("id") else plain
    short = table.relation.short
    tables = {short, short.removesuffix("s"), short.removesuffix("es")}
    tables |= {
        table.relation.short.removesuffix("es"),
        table.relation.short.removesuffix("ies") + "y",
    }
    if is_key and noun and noun.rstrip("_") in tables:
        return 5
    if column.name == plain and not is_key:
        return 4 if table.relation.is_table else 3
    if column.name in {f"{plain}_id", f"{noun}_id"} and noun:
        return 2
    words = plain.split("_")
    return 1 if len(words) > 1 and column.name == words[-1] and column.name != "id" else 0
