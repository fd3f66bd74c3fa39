"""The relations of a copy by number: what a lock on one of them means to a table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from psycopg import sql

from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Session

TABLES = frozenset("rpm")


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, view, index or toast table; `table` is the number of what users name."""

    oid: int
    schema: str
    name: str
    kind: str
    table: int
    file: int
    pages: int
    rows: int

    @property
    def shown(self) -> str:
        """The name as people write it."""
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"

    @property
    def quoted(self) -> str:
        """The name for a statement."""
        return sql.Identifier(self.schema, self.name).as_string(None)


@dataclass(frozen=True)
class Relations:
    """All relations as they were before the migration."""

    by_oid: Mapping[int, Relation]
    parents: Mapping[int, tuple[int, ...]]

    def table_of(self, oid: int) -> Relation | None:
        """Return the table or view that a lock on this relation locks; None: it is new."""
        found = self.by_oid.get(oid)
        while found is not None and found.table != found.oid:  # an index of a toast table of it
            found = self.by_oid.get(found.table)
        return found

    def ancestors(self, oid: int) -> tuple[int, ...]:
        """Return the tables this one is a partition or a child of: reading them reads it."""
        found: list[int] = []
        for parent in self.parents.get(oid, ()):
            found += [parent, *self.ancestors(parent)]
        return tuple(found)

    def named(self, names: Iterable[tuple[str, str]]) -> tuple[Relation, ...]:
        """Return those that are named so; without a schema, every one of that name."""
        wanted = set(names)
        return tuple(
            relation
            for relation in self.by_oid.values()
            if (relation.schema, relation.name) in wanted or ("", relation.name) in wanted
        )

    @cached_property
    def rows(self) -> dict[str, int]:
        """The rows of every table as far as the statistics know."""
        tables = (one for one in self.by_oid.values() if one.kind in TABLES)
        return {one.shown: one.rows for one in tables}


def read_relations(session: Session) -> Relations:
    """Read all relations of the database of this session."""
    rows = session.execute(query("rehearsal", "relations")).fetchall()
    parents: dict[int, tuple[int, ...]] = {}
    for child, parent in session.execute(query("rehearsal", "ancestors")).fetchall():
        parents[child] = (*parents.get(child, ()), parent)
    found = {row[0]: Relation(*row) for row in rows}
    return Relations(found | _whole(found, parents), parents)


def _whole(
    found: Mapping[int, Relation], parents: Mapping[int, tuple[int, ...]]
) -> dict[int, Relation]:
    """Return the partitioned tables with the rows and pages of their partitions."""
    whole: dict[int, Relation] = {}
    for table in found.values():
        if table.kind != "p":
            continue
        leaves = [found[oid] for oid in _leaves(table.oid, parents) if oid in found]
        pages = max((leaf.pages for leaf in leaves), default=1)
        whole[table.oid] = replace(table, pages=pages, rows=sum(leaf.rows for leaf in leaves))
    return whole


def _leaves(oid: int, parents: Mapping[int, tuple[int, ...]]) -> tuple[int, ...]:
    children = [child for child, above in parents.items() if oid in above]
    return tuple(leaf for child in children for leaf in (_leaves(child, parents) or (child,)))


def neighbours(session: Session, tables: tuple[int, ...]) -> tuple[int, ...]:
    """Return the tables that hang on these: by foreign key or as partition."""
    rows = session.execute(query("rehearsal", "neighbours"), {"tables": list(tables)}).fetchall()
    return tuple(row[0] for row in rows)
