"""Supabase's own ledger: a migration applied here is known there, in the same transaction."""

import re

from drillbook.analysis.statements import read_script
from drillbook.ports.migrations import Change
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Session

_VERSION = re.compile(r"^(\d+)_(.+?)(?:\.sql)?$")


def record(session: Session, change: Change) -> None:
    """Write the row that Supabase's tool would write, where that ledger is kept."""
    named = _VERSION.match(change.name)
    if named is None or not _keeps_statements(session):
        return
    statements = [statement.text for statement in read_script(change.text).statements]
    values = {"version": named[1], "name": named[2], "statements": statements}
    session.execute(query("ledgers", "supabase_record"), values)


def forget(session: Session, change: Change) -> None:
    """Take the row out again, when the migration is taken back."""
    named = _VERSION.match(change.name)
    if named is not None and _keeps_statements(session):
        session.execute(query("ledgers", "supabase_forget"), {"version": named[1]})


def _keeps_statements(session: Session) -> bool:
    columns = {row[0] for row in session.execute(query("ledgers", "supabase_columns"))}
    return {"version", "name", "statements"} <= columns
