"""What there is to try: tables, columns, constraints, functions, and who may use them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from psycopg import sql
from psycopg.rows import class_row, tuple_row

from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Session


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `base` is the type below its domains, `longest` its length limit or 0."""

    relation: int
    number: int
    name: str
    type: str
    base: str
    category: str
    required: bool
    has_default: bool
    identity: str
    generated: bool
    longest: int
    labels: list[str]
    bounds: str
    checks: list[str]

    @property
    def filled_by_server(self) -> bool:
        """Whether no statement may give it a value."""
        return self.generated or self.identity == "a"


@dataclass(frozen=True, slots=True)
class Constraint:
    """A check (c), foreign key (f), exclusion (x), primary key (p) or unique index (u)."""

    relation: int
    name: str
    kind: str
    columns: list[int]
    definition: str
    target: int
    target_columns: list[int]
    partial: bool
    computed: bool
    valid: bool
    takes_along: bool


Of = TypeVar("Of", Column, Constraint)


@dataclass(frozen=True, slots=True)
class Relation:
    """A table (r, p) or a view (v, m)."""

    oid: int
    schema: str
    short: str
    name: str
    kind: str
    secured: bool
    pages: int
    parent: int

    @property
    def is_table(self) -> bool:
        """Whether it has rows of its own."""
        return self.kind in {"r", "p"}


@dataclass(frozen=True, slots=True)
class Function:
    """A function or procedure; `names` and `types` are of its arguments that are given."""

    oid: int
    schema: str
    short: str
    name: str
    kind: str
    language: str
    trusted: bool
    defaults: int
    variadic: bool
    names: list[str]
    types: list[str]
    type_oids: list[int]
    body: str

    @property
    def identity(self) -> str:
        """What outlives a rename."""
        return f"function {self.oid}"


@dataclass(frozen=True)
class Table:
    """A relation with everything that decides what can be written into it."""

    relation: Relation
    columns: tuple[Column, ...]
    constraints: tuple[Constraint, ...]
    roles: tuple[str, ...] = ()
    unreachable: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The full name, quoted where needed."""
        return self.relation.name

    @property
    def sql(self) -> sql.Identifier:
        """The name inside a statement."""
        return sql.Identifier(self.relation.schema, self.relation.short)

    @property
    def identity(self) -> str:
        """What outlives a rename."""
        return f"relation {self.relation.oid}"

    @cached_property
    def by_number(self) -> Mapping[int, Column]:
        """The columns by their number."""
        return {column.number: column for column in self.columns}

    @cached_property
    def key(self) -> tuple[Column, ...]:
        """The columns of the primary key, or of a unique index over columns that are never null."""
        wholes = [c for c in self.constraints if c.kind in "pu" and c.valid]
        for found in sorted(wholes, key=lambda c: c.kind):
            columns = [self.by_number[n] for n in found.columns if n in self.by_number]
            plain = not found.partial and not found.computed
            if plain and columns and all(column.required for column in columns):
                return tuple(columns)
        return ()

    def of_kind(self, kinds: str) -> tuple[Constraint, ...]:
        """Return the constraints of some kinds."""
        return tuple(found for found in self.constraints if found.kind in kinds)


@dataclass(frozen=True)
class Shape:
    """Everything of a database that can be tried."""

    tables: Mapping[int, Table]
    functions: tuple[Function, ...]
    links: tuple[tuple[int, int, str], ...] = field(default_factory=tuple)

    @cached_property
    def by_name(self) -> Mapping[str, Table]:
        """The tables and views by full name."""
        return {table.name: table for table in self.tables.values()}

    def named(self, name: str) -> Table | None:
        """Return the relation of a name as people write it, with or without schema."""
        plain = name.replace('"', "")
        for full, table in self.by_name.items():
            bare = full.replace('"', "")
            if bare == plain or ("." not in plain and bare.partition(".")[2] == plain):
                return table
        return None

    def there(self) -> tuple[str, ...]:
        """Return the names and identities of all objects."""
        objects: list[Table | Function] = [*self.tables.values(), *self.functions]
        return tuple(sorted(name for one in objects for name in (one.name, one.identity)))

    def around(self, names: Sequence[str], known: Collection[str] = ()) -> tuple[Table, ...]:
        """Return the named relations, what hangs on them and known ones; without names all."""
        wanted = {table.relation.oid for name in names if (table := self.named(name))}
        if not names:
            return tuple(sorted(self.tables.values(), key=lambda table: table.name))
        reached = wanted | self._linked(wanted, {"key", "partition"})
        views = reached
        # A view over a view hangs on the table as well.
        while more := self._views_over(views) - reached:
            reached, views = reached | more, more
        reached |= {
            oid for oid, table in self.tables.items() if {table.name, table.identity} & set(known)
        }
        found = (self.tables[oid] for oid in reached if oid in self.tables)
        return tuple(sorted(found, key=lambda table: table.name))

    def children(self, oid: int) -> tuple[Constraint, ...]:
        """Return the foreign keys that point to a table."""
        return tuple(
            found
            for table in self.tables.values()
            for found in table.constraints
            if found.kind == "f" and found.target == oid
        )

    def _linked(self, oids: set[int], kinds: set[str]) -> set[int]:
        there = {other for one, other, kind in self.links if one in oids and kind in kinds}
        back = {one for one, other, kind in self.links if other in oids and kind in kinds}
        return there | back

    def _views_over(self, oids: set[int]) -> set[int]:
        return {other for one, other, kind in self.links if one in oids and kind == "view"}


def read_shape(session: Session) -> Shape:
    """Read the catalog."""
    with session.cursor(row_factory=class_row(Relation)) as cursor:
        relations = cursor.execute(query("behaviour", "relations")).fetchall()
    values = {"relations": [relation.oid for relation in relations]}
    with session.cursor(row_factory=class_row(Column)) as of_columns:
        columns = _grouped(of_columns.execute(query("behaviour", "columns"), values).fetchall())
    with session.cursor(row_factory=class_row(Constraint)) as of_constraints:
        found = of_constraints.execute(query("behaviour", "constraints"), values).fetchall()
        constraints = _grouped(found)
    with session.cursor(row_factory=class_row(Function)) as of_functions:
        functions = of_functions.execute(query("behaviour", "functions")).fetchall()
    roles = _roles(session, values)
    with session.cursor(row_factory=tuple_row) as of_links:
        links = of_links.execute(query("behaviour", "links")).fetchall()
    return Shape(
        tables={
            relation.oid: Table(
                relation,
                tuple(columns.get(relation.oid, ())),
                tuple(constraints.get(relation.oid, ())),
                tuple(role for role, reachable in roles.get(relation.oid, ()) if reachable),
                tuple(role for role, reachable in roles.get(relation.oid, ()) if not reachable),
            )
            for relation in relations
        },
        functions=tuple(functions),
        links=tuple(links),
    )


def _grouped(found: Iterable[Of]) -> dict[int, list[Of]]:
    groups: dict[int, list[Of]] = defaultdict(list)
    for one in found:
        groups[one.relation].append(one)
    return groups


def _roles(session: Session, values: Mapping[str, object]) -> dict[int, list[tuple[str, bool]]]:
    groups: dict[int, list[tuple[str, bool]]] = defaultdict(list)
    for relation, role, reachable in session.execute(query("behaviour", "roles"), values):
        groups[relation].append((role, reachable))
    return groups
