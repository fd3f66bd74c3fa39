"""Findings of a linter and of our own reading, side by side, weighed by the tables they hit."""

from collections.abc import Iterator
from enum import StrEnum

from drillbook.analysis.advice.parts import Facts, Tables
from drillbook.analysis.advice.rewriting import is_tiny
from drillbook.analysis.dangers import dangers_of
from drillbook.analysis.statements import Script, Statement, range_vars
from drillbook.core.model import Frozen
from drillbook.core.quantities import show_size


class Weight(StrEnum):
    """How much a finding weighs here."""

    DANGER = "danger"
    NOTE = "note"


class Finding(Frozen):
    """One thing to know about a statement, and why it weighs what it weighs."""

    line: int
    table: str
    weight: Weight
    source: str
    rule: str
    says: str
    hint: str = ""
    size: str = ""


# What Drillbook itself takes care of is worth a note, whatever a linter thinks of it.
CARED_FOR = {
    "require-lock-timeout": "migration.apply sets a lock_timeout for every try",
    "require-statement-timeout": "the task's timeout is the statement_timeout",
    "prefer-robust-stmts": "the ledger knows what is done: no file is run again from its start",
    "transaction-nesting": "BEGIN and COMMIT of the file are understood",
}
STYLE = {"prefer-bigint-over-int", "prefer-bigint-over-smallint", "prefer-identity",
         "prefer-text-field", "prefer-timestamp-tz", "ban-char-field"}  # fmt: skip


def own_findings(script: Script, tables: Tables) -> Iterator[Finding]:
    """Yield what our own reading finds."""
    for danger in dangers_of(script.statements):
        facts = tables.get(danger.table)
        yield Finding(
            line=danger.line, table=danger.table, weight=_weight(facts), source="drillbook",
            rule="", says=danger.says, size=size_says(facts), hint=_tiny_says(facts),
        )  # fmt: skip


def weighed(
    script: Script, tables: Tables, line: int, column: int, rule: str, says: str, hint: str
) -> Finding:
    """Return a linter's finding with the table it hits and the weight it has here."""
    table = _table_at(script.statements, line, column)
    facts = tables.get(table)
    if rule in CARED_FOR:
        weight, hint = Weight.NOTE, CARED_FOR[rule]
    elif rule in STYLE:
        weight = Weight.NOTE
    else:
        weight = _weight(facts)
        hint = _tiny_says(facts) or hint
    return Finding(
        line=line, table=table, weight=weight, source="squawk", rule=rule, says=says, hint=hint,
        size=size_says(facts),
    )  # fmt: skip


def size_says(facts: Facts | None) -> str:
    """Return a table's size in a phrase; empty when it is not known."""
    return f"{facts.rows:,} rows, {show_size(facts.size_bytes)}" if facts is not None else ""


def _weight(facts: Facts | None) -> Weight:
    return Weight.NOTE if is_tiny(facts) else Weight.DANGER


def _tiny_says(facts: Facts | None) -> str:
    return "the table is tiny: nobody will notice" if is_tiny(facts) else ""


def _table_at(statements: tuple[Statement, ...], line: int, column: int) -> str:
    """Return the first table of the statement at a place, as written."""
    hit: Statement | None = None
    for statement in statements:
        if statement.line < line or (statement.line == line and statement.column <= column):
            hit = statement
    if hit is None:
        return ""
    named = next(iter(range_vars(hit.node)), ("", ""))
    return ".".join(part for part in named if part)
