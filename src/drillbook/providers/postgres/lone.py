"""Statements that Postgres refuses inside a transaction: found done, repaired or done again."""

from psycopg import sql

from drillbook.analysis.units import Lone, Settling, Unit
from drillbook.core.errors import OutcomeUnknown
from drillbook.providers.postgres.server import Session

_INDEX = """
    SELECT n.nspname, c.relname, i.indisvalid
      FROM pg_index i
      JOIN pg_class c ON c.oid = i.indexrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = %(index)s
       AND (CASE WHEN %(table)s = '' THEN
                 CASE WHEN %(schema)s = '' THEN pg_table_is_visible(c.oid)
                      ELSE n.nspname = %(schema)s END
            ELSE i.indrelid = to_regclass(%(table)s) END)
"""


def is_done(session: Session, unit: Unit, lone: Lone) -> bool:
    """
    Tell whether a statement that was cut off was carried out, and clear away its half state.

    Errors: OutcomeUnknown for statements whose effect nothing shows.
    """
    if lone.settling is Settling.REPEAT:
        return False
    if lone.settling is Settling.INDEX_BUILT:
        return clear_broken_index(session, lone)
    if lone.settling is Settling.INDEX_GONE:
        return all(_find(session, lone, index) is None for index in lone.indexes)
    statement = unit.statements[0]
    raise OutcomeUnknown(
        f"line {statement.line} ({statement.says}) was under way when its attempt died, "
        "and whether it was carried out cannot be seen",
        hint="Look at the database; then finish or take back the migration by hand.",
    )


def clear_broken_index(session: Session, lone: Lone) -> bool:
    """Return whether the index is there and valid; drop it when it is there and broken."""
    found = _find(session, lone, lone.indexes[0])
    if found is None:
        return False
    schema, name, valid = found
    if not valid:
        statement = sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(
            sql.Identifier(schema, name)
        )
        session.execute(statement)
    return valid


def _find(session: Session, lone: Lone, index: tuple[str, str]) -> tuple[str, str, bool] | None:
    schema, name = lone.table
    parts = [part for part in (schema, name) if part]
    table = sql.Identifier(*parts).as_string(session) if parts else ""
    values = {"index": index[1], "schema": index[0], "table": table}
    row = session.execute(sql.SQL(_INDEX), values).fetchone()
    return (str(row[0]), str(row[1]), bool(row[2])) if row else None
