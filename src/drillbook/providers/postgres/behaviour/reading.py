"""What a role sees of a table or view."""

from psycopg import sql

from drillbook.core.behaviour import Behaviour, Subject
from drillbook.providers.postgres.behaviour.rows import May
from drillbook.providers.postgres.behaviour.shapes import Table
from drillbook.providers.postgres.behaviour.trying import Outcome, Trial
from drillbook.providers.postgres.behaviour.writing import judged

COUNTED_AT_MOST = 10_000
READ_AT_MOST = 5


def count(trial: Trial, table: Table) -> Outcome:
    """Count the rows that whoever asks can see, up to a limit."""
    statement = sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT {}) AS t")
    return trial.read(statement.format(table.sql, sql.Literal(COUNTED_AT_MOST)))


def read_as(trial: Trial, table: Table, role: str, allowed: May, total: Outcome) -> Behaviour:
    """Read some rows with all columns a role may see, and count what it sees."""
    columns = [c for c in table.columns if c.number in allowed.seen] or list(table.columns)
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    outcome = trial.read(
        sql.SQL("SELECT {} FROM {} LIMIT {}").format(names, table.sql, sql.Literal(READ_AT_MOST))
    )
    counted = count(trial, table) if outcome.ok else outcome
    found = judged(
        Behaviour(
            subject=table.name,
            kind=Subject.TABLE if table.relation.is_table else Subject.VIEW,
            operation="read",
            role=role,
            ok=False,
            identity=table.identity,
        ),
        [counted],
    )
    return found.model_copy(update={"rows": number(counted), "of": number(total)})


def number(outcome: Outcome) -> int:
    """Return the one number a query answered; 0 when it failed."""
    return int(outcome.found[0][0] or 0) if outcome.found else 0
