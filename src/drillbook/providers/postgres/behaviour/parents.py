"""Rows that an empty table's rows must point to: made for the tries, gone with them."""

from collections.abc import Container

from psycopg import sql

from drillbook.providers.postgres.behaviour.filling import TRIES, Filling, insert_statement
from drillbook.providers.postgres.behaviour.shapes import Shape, Table
from drillbook.providers.postgres.behaviour.trying import Outcome, Trial

DEEPEST = 6


def fill_parents(
    trial: Trial, shape: Shape, table: Table, untouchable: Container[int], *, depth: int = 0
) -> None:
    """
    Insert a row into each empty table that a required key points to, the farthest first.

    Nothing is written to untouchable tables.
    """
    if depth >= DEEPEST:
        return
    for key in table.of_kind("f"):
        parent = shape.tables.get(key.target)
        if parent is None or parent is table or key.target in untouchable:
            continue
        if not all(table.by_number[number].required for number in key.columns):
            continue
        if _is_empty(trial, parent):
            fill_parents(trial, shape, parent, untouchable, depth=depth + 1)
            _insert(trial, shape, parent)


def _is_empty(trial: Trial, table: Table) -> bool:
    found = trial.read(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(table.sql))
    return found.ok and not found.found


def _insert(trial: Trial, shape: Shape, table: Table) -> Outcome:
    columns = tuple(
        c for c in table.columns if c.required and not c.has_default and not c.filled_by_server
    )
    filling = Filling(trial, shape, table, {}, columns, lambda _name: True)
    filling.begin()
    outcome = Outcome(ok=False)
    for _ in range(TRIES):
        values = [filling.values.get(column.number) for column in columns]
        outcome = trial.attempt(insert_statement(table, columns), values, kept=True)
        if outcome.ok or not filling.mend(outcome):
            break
    return outcome
