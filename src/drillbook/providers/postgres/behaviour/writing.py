"""Inserts, updates and deletes on one table as one role."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from drillbook.core.behaviour import Behaviour, Subject
from drillbook.providers.postgres.behaviour.filling import (
    TRIES,
    Filling,
    insert_statement,
    names_of,
)
from drillbook.providers.postgres.behaviour.known import Known, written_down
from drillbook.providers.postgres.behaviour.rows import (
    Found,
    May,
    Row,
    as_found,
    leaf,
    referenced,
)
from drillbook.providers.postgres.behaviour.shapes import Column, Constraint, Shape, Table
from drillbook.providers.postgres.behaviour.trying import Outcome, Trial

LEAST = "insert of the least"
REFERRED = "delete of a row others refer to"
TAKES_ALONG = "it takes rows of other tables along, and others would wait for them"
NOTHING_THERE = "there is no row to try it with"


@dataclass(frozen=True, slots=True)
class Writer:
    """Tries the writes of one table as one role, the same ones as an earlier time."""

    trial: Trial
    shape: Shape
    table: Table
    role: str
    may: May
    rows: Sequence[Found]
    patterns: Sequence[Row]
    known: Known
    untouchable: Mapping[int, str]

    def all(self) -> Iterator[Behaviour]:
        """Try everything that can be written."""
        yield from self._inserts()
        if self.table.relation.is_table:
            yield from self._upserts()
        yield from self._updates()
        yield from self._deletes()

    def _inserts(self) -> Iterator[Behaviour]:
        free = [c for c in self.table.columns if not c.filled_by_server and not c.has_default]
        allowed = [c for c in free if c.required or c.number in self.may.inserted]
        yield self._insert("insert", allowed)
        least = [c for c in free if c.required]
        if least != allowed or self.known.tried(self.table, LEAST, self.role):
            yield self._insert(LEAST, least)

    def _insert(self, operation: str, columns: list[Column]) -> Behaviour:
        # What the app sent before is what it sends after: a new column is not in it.
        columns = self.known.columns(self.table, operation, self.role, columns)
        outcomes = [self._insert_like(pattern, columns) for pattern in (self.patterns or ({},))]
        return self._judged(operation, outcomes, columns=written_down(columns))

    def _insert_like(self, pattern: Row, columns: Sequence[Column]) -> Outcome:
        filling = Filling(
            self.trial, self.shape, self.table, pattern, tuple(columns), self.known.constraint
        )
        filling.begin()
        outcome = self._insert_values(columns, filling.values)
        for _ in range(TRIES):
            if outcome.ok or not filling.mend(outcome):
                break
            outcome = self._insert_values(columns, filling.values)
        return outcome

    def _insert_values(self, columns: Sequence[Column], values: Row) -> Outcome:
        return self.trial.attempt(
            insert_statement(self.table, columns), [values.get(c.number) for c in columns]
        )

    def _upserts(self) -> Iterator[Behaviour]:
        for unique in self.table.of_kind("pu"):
            keys = [self.table.by_number[n] for n in unique.columns if n in self.table.by_number]
            if unique.partial or unique.computed or not unique.valid or not keys:
                continue
            if any(column.filled_by_server for column in keys) or not self.patterns:
                continue
            yield self._upsert(unique, keys)

    def _upsert(self, unique: Constraint, keys: Sequence[Column]) -> Behaviour:
        names = ", ".join(column.name for column in keys)
        operation = f"insert on conflict ({names})"
        columns = [c for c in self.table.columns if not c.filled_by_server]
        columns = self.known.columns(self.table, operation, self.role, columns)
        first = keys[0]
        tail = sql.SQL(" ON CONFLICT ({}) DO UPDATE SET {} = EXCLUDED.{}").format(
            names_of(keys), sql.Identifier(first.name), sql.Identifier(first.name)
        )
        statement = insert_statement(self.table, columns) + tail
        outcomes = [
            self.trial.attempt(statement, [row.get(c.number) for c in columns])
            for row in self.patterns[:1]
        ]
        return self._judged(
            operation,
            outcomes,
            columns=written_down(columns),
            identity=f"{self.table.identity} on {unique.columns}",
        )

    def _updates(self) -> Iterator[Behaviour]:
        columns = [c for c in self.table.columns if not c.filled_by_server]
        if not self._can_place():
            return
        whole = [c for c in columns if c.number in self.may.updated] or columns
        yield self._judged("update", [self._update(row, whole) for row in self.rows])
        # A role is asked about the columns it may update; one that may none was asked above.
        for column in (c for c in columns if c.number in self.may.updated):
            yield self._judged(
                f"update of {column.name}",
                [self._update(row, [column]) for row in self.rows[:1]],
                identity=f"{self.table.identity} {column.number}",
            )

    def _update(self, row: Found, columns: Sequence[Column]) -> Outcome:
        where, values = row.where(self.table)
        sets = sql.SQL(", ").join(
            sql.SQL("{0} = {0}").format(sql.Identifier(column.name)) for column in columns
        )
        return self.trial.attempt(
            sql.SQL("UPDATE {} SET {} WHERE {}").format(self.table.sql, sets, where), values
        )

    def _deletes(self) -> Iterator[Behaviour]:
        if not self._can_place():
            return
        keys = self._children()
        if not self.table.relation.is_table or not keys:
            yield self._judged("delete", [self._delete(row) for row in self.rows[:1]])
            return
        for operation, found in (
            ("delete of a row nobody refers to", leaf(self.trial, self.table, keys)),
            (REFERRED, referenced(self.trial, self.table, keys)),
        ):
            row = as_found(self.table, found) if found.ok else None
            unknown = "" if found.ok else found.error
            if operation == REFERRED and (why := self._takes_along()):
                row, unknown = None, why
            outcomes = [self._delete(row)] if row is not None else []
            yield self._judged(operation, outcomes, unknown=unknown)

    def _delete(self, row: Found) -> Outcome:
        where, values = row.where(self.table)
        return self.trial.attempt(
            sql.SQL("DELETE FROM {} WHERE {}").format(self.table.sql, where), values
        )

    def _takes_along(self) -> str:
        """Say why rows of other tables must not be taken along; empty when they may."""
        keys = [k for k in self.shape.children(self.table.relation.oid) if k.takes_along]
        if keys and self.trial.gentle:
            return TAKES_ALONG
        return next((why for k in keys if (why := self.untouchable.get(k.relation))), "")

    def _children(self) -> list[tuple[sql.Composable, str, str]]:
        """Return child table, its column and ours, of each key of one column that points here."""
        found: list[tuple[sql.Composable, str, str]] = []
        for key in self.shape.children(self.table.relation.oid):
            child = self.shape.tables.get(key.relation)
            if child is None or len(key.columns) != 1:
                continue
            theirs = child.by_number[key.columns[0]].name
            found.append((child.sql, theirs, self.table.by_number[key.target_columns[0]].name))
        return found

    def _can_place(self) -> bool:
        return bool(self.table.key) or self.table.relation.kind == "r"

    def _judged(
        self,
        operation: str,
        outcomes: Sequence[Outcome],
        *,
        identity: str = "",
        columns: tuple[str, ...] = (),
        unknown: str = "",
    ) -> Behaviour:
        return judged(
            Behaviour(
                subject=self.table.name,
                kind=Subject.TABLE if self.table.relation.is_table else Subject.VIEW,
                operation=operation,
                role=self.role,
                ok=False,
                identity=identity or self.table.identity,
                columns=columns,
            ),
            outcomes,
            unknown=unknown,
        )


def judged(empty: Behaviour, outcomes: Sequence[Outcome], *, unknown: str = "") -> Behaviour:
    """Return a behaviour with what several tries of it showed."""
    if not outcomes:
        return empty.model_copy(update={"sure": False, "error": unknown or NOTHING_THERE})
    sure = [outcome for outcome in outcomes if outcome.sure]
    worked = [outcome for outcome in sure if outcome.ok]
    failed = next((outcome for outcome in (sure or outcomes) if not outcome.ok), None)
    return empty.model_copy(
        update={
            "ok": bool(worked),
            "sure": bool(sure),
            "sqlstate": failed.sqlstate if failed else "",
            "error": failed.error if failed else "",
            "refused": bool(failed and failed.raised),
            "rows": max((outcome.rows for outcome in worked), default=0),
            "tries": len(sure),
            "worked": len(worked),
        }
    )
