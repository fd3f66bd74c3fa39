"""What an earlier observation knew, so that the same is tried again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from drillbook.core.behaviour import Behaviour, Behaviours, Subject
from drillbook.providers.postgres.behaviour.shapes import Column, Shape, Table


@dataclass(frozen=True)
class Known:
    """An earlier observation, or none."""

    earlier: Behaviours | None

    @cached_property
    def _by_identity(self) -> Mapping[tuple[str, str, str], Behaviour]:
        found = self.earlier.behaviours if self.earlier else ()
        by_name = {(one.subject, one.operation, one.role): one for one in found}
        return by_name | {(one.identity, one.operation, one.role): one for one in found}

    @cached_property
    def _constraints(self) -> frozenset[str]:
        return frozenset(self.earlier.constraints) if self.earlier else frozenset()

    @cached_property
    def _roles(self) -> Mapping[str, tuple[str, ...]]:
        roles: dict[str, dict[str, None]] = {}
        for found in self.earlier.behaviours if self.earlier else ():
            for name in (found.subject, found.identity):
                roles.setdefault(name, {})[found.role] = None
        return {name: tuple(found) for name, found in roles.items()}

    def columns(
        self, table: Table, operation: str, role: str, now: Sequence[Column]
    ) -> list[Column]:
        """Return the columns that were filled then and are still there; else those of now."""
        for name in (table.name, table.identity):
            found = self._by_identity.get((name, operation, role))
            if found is not None and (found.columns or found.ok):
                there = _read_again(table, found)
                return [column for column in there if not column.filled_by_server]
        return list(now)

    def tables(self) -> frozenset[str]:
        """Return the tables and views that were tried then, by name and by identity."""
        found = self.earlier.behaviours if self.earlier else ()
        return frozenset(
            name
            for one in found
            if one.kind is not Subject.FUNCTION
            for name in (one.subject, " ".join(one.identity.split(" ")[:2]))
        )

    def tried(self, table: Table, operation: str, role: str) -> bool:
        """Tell whether an operation was tried then."""
        return any(
            (name, operation, role) in self._by_identity for name in (table.name, table.identity)
        )

    def constraint(self, name: str) -> bool:
        """Tell whether a constraint is an old one: only with those may a value make do."""
        return self.earlier is None or name in self._constraints

    def roles(self, name: str, identity: str, now: Sequence[str]) -> tuple[str, ...]:
        """Return the roles of now, and those that were tried then."""
        then = self._roles.get(name, ()) or self._roles.get(identity, ())
        return tuple(dict.fromkeys([*now, *then]))


def written_down(columns: Sequence[Column]) -> tuple[str, ...]:
    """Return columns as a behaviour keeps them."""
    return tuple(f"{column.number} {column.name}" for column in columns)


def _read_again(table: Table, found: Behaviour) -> list[Column]:
    """Find columns by number; in another table of the same name by their names."""
    pairs = [written.partition(" ")[::2] for written in found.columns]
    if " ".join(found.identity.split(" ")[:2]) == table.identity:
        numbers = [int(number) for number, _ in pairs]
        return [table.by_number[number] for number in numbers if number in table.by_number]
    names = {name for _, name in pairs}
    return [column for column in table.columns if column.name in names]


def constraint_names(shape: Shape) -> tuple[str, ...]:
    """Return the names of all constraints, those of domains too."""
    return tuple(
        sorted({found.name for table in shape.tables.values() for found in table.constraints})
    )
