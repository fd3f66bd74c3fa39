"""Values for a new row: like an existing one, different where it must be, until it fits."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from psycopg import sql

from drillbook.analysis.sample_values import Kind, made, varied
from drillbook.providers.postgres.behaviour.rows import Row
from drillbook.providers.postgres.behaviour.shapes import Column, Constraint, Shape, Table
from drillbook.providers.postgres.behaviour.trying import Outcome, Trial

TRIES = 12
TARGETS = 20
UNIQUE, FOREIGN, CHECK, EXCLUDED, MISSING = "23505", "23503", "23514", "23P01", "23502"
_EASY_FIRST = {"U": 0, "S": 1, "N": 2, "D": 3, "R": 4, "T": 5, "I": 6}
_RANGES_FIRST = {"R": 0, "D": 1, "N": 2, "S": 3, "U": 4}


def kind_of(table: Table, column: Column) -> Kind:
    """Return what values a column takes, as its type and the table's checks say."""
    own = [c.definition for c in table.of_kind("c") if c.columns == [column.number]]
    shared = [
        c.definition
        for c in table.of_kind("c")
        if column.number in c.columns and len(c.columns) > 1
    ]
    return Kind(
        base=column.base,
        category=column.category,
        longest=column.longest,
        labels=tuple(column.labels),
        bounds=column.bounds,
        checks=(*column.checks, *own, *shared),
    )


@dataclass
class Filling:
    """The values of one new row and what was already changed in them."""

    trial: Trial
    shape: Shape
    table: Table
    pattern: Row
    columns: tuple[Column, ...]
    known: Callable[[str], bool]
    values: dict[int, str | None] = field(default_factory=dict[int, str | None])
    turns: dict[int, int] = field(default_factory=dict[int, int])

    def begin(self) -> None:
        """Take the pattern's values, make those it has none for, and vary what is unique."""
        for column in self.columns:
            value = self.pattern.get(column.number)
            if value is None and column.required:
                value = self._new(column)
            self.values[column.number] = value
        for constraint in self.table.of_kind("pux"):
            if all(self.values.get(number) is not None for number in constraint.columns):
                self._vary(constraint)

    def mend(self, outcome: Outcome) -> bool:
        """Change what a failed try did not accept; False when there is nothing to change."""
        if outcome.sqlstate in {UNIQUE, EXCLUDED}:
            found = self._constraint(outcome.constraint)
            return found is not None and self._vary(found)
        if outcome.sqlstate == FOREIGN and self.known(outcome.constraint):
            found = self._constraint(outcome.constraint)
            return found is not None and self._refer(found)
        if outcome.sqlstate == CHECK:
            return self._satisfy(outcome)
        return False

    def _constraint(self, name: str) -> Constraint | None:
        return next((found for found in self.table.constraints if found.name == name), None)

    def _vary(self, constraint: Constraint) -> bool:
        """Change one column of a unique or excluding set; one that refers elsewhere last."""
        referring = {n for c in self.table.of_kind("f") for n in c.columns}
        order = _RANGES_FIRST if constraint.kind == "x" else _EASY_FIRST
        numbers = [n for n in constraint.columns if n in self.values]
        free = sorted(
            (n for n in numbers if n not in referring),
            key=lambda n: order.get(self.table.by_number[n].category, 9),
        )
        if any(self._turn(number) for number in free):
            return True
        for found in self.table.of_kind("f"):
            if set(found.columns) & set(numbers) and self._refer(found):
                return True
        return False

    def _turn(self, number: int) -> bool:
        column = self.table.by_number[number]
        start = self.pattern.get(number) or self.values.get(number)
        if start is None:
            return False
        turn = self.turns.get(number, 0) + 1
        while turn <= TRIES:
            self.turns[number] = turn
            value = varied(kind_of(self.table, column), start, turn)
            if value is not None:
                self.values[number] = value
                return True
            turn += 1
        return False

    def _refer(self, key: Constraint) -> bool:
        """Point to another existing row, one that nobody points to where there is such."""
        if not all(number in self.values for number in key.columns):
            return False
        turn = self.turns.get(-key.columns[0], 0)
        rows = list(self._targets(key))
        if turn >= len(rows):
            return False
        self.turns[-key.columns[0]] = turn + 1
        for number, value in zip(key.columns, rows[turn], strict=True):
            self.values[number] = value
        return True

    def _targets(self, key: Constraint) -> Iterator[tuple[str | None, ...]]:
        target = self.shape.tables.get(key.target)
        if target is None:
            return
        theirs = [sql.Identifier(target.by_number[n].name) for n in key.target_columns]
        ours = [sql.Identifier(self.table.by_number[n].name) for n in key.columns]
        same = sql.SQL(" AND ").join(
            sql.SQL("c.{} = t.{}").format(our, their)
            for our, their in zip(ours, theirs, strict=True)
        )
        statement = sql.SQL(
            "SELECT {wanted} FROM {target} AS t"
            " ORDER BY EXISTS (SELECT FROM {table} AS c WHERE {same}) LIMIT {most}"
        )
        if target.relation.pages > TARGETS * 100:
            statement = sql.SQL("SELECT {wanted} FROM {target} AS t LIMIT {most}")
        yield from self.trial.read(
            statement.format(
                wanted=sql.SQL(", ").join(sql.SQL("t.{}::text").format(name) for name in theirs),
                target=target.sql,
                table=self.table.sql,
                same=same,
                most=sql.Literal(TARGETS),
            )
        ).found

    def _satisfy(self, outcome: Outcome) -> bool:
        """Give the columns of a check other values, one after the other."""
        found = self._constraint(outcome.constraint)
        numbers = list(found.columns) if found is not None else self._of_domain(outcome)
        # A real value that a new check refuses is a finding; one of our own making is not.
        real = self.pattern and not any(number in self.turns for number in numbers)
        if real and not self.known(outcome.constraint):
            return False
        for number in numbers:
            if number not in self.values:
                continue
            column = self.table.by_number[number]
            candidates = made(kind_of(self.table, column))
            turn = self.turns.get(number, 0)
            # A varied value that a check refuses: another variation, then a made one.
            if self.pattern.get(number) is not None and turn and self._turn(number):
                return True
            if turn < len(candidates):
                self.turns[number] = turn + 1
                self.values[number] = candidates[turn]
                return True
        return False

    def _of_domain(self, outcome: Outcome) -> list[int]:
        return [
            column.number
            for column in self.columns
            if column.type.rpartition(".")[2].strip('"') == outcome.type
        ]

    def _new(self, column: Column) -> str | None:
        """Return a value for a column of which there is none to look at."""
        for key in self.table.of_kind("f"):
            if column.number not in key.columns:
                continue
            at = key.columns.index(column.number)
            for row in self._targets(key):
                return row[at]
            return None
        candidates = made(kind_of(self.table, column))
        return candidates[0] if candidates else None


def insert_statement(table: Table, columns: Sequence[Column]) -> sql.Composed:
    """Return an insert with a place for each column's value."""
    if not columns:
        return sql.SQL("INSERT INTO {} DEFAULT VALUES").format(table.sql)
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        table.sql, names_of(columns), sql.SQL(", ").join([sql.Placeholder()] * len(columns))
    )


def names_of(columns: Sequence[Column]) -> sql.Composed:
    """Return the names of columns as a list for a statement."""
    return sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
