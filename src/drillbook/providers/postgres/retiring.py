"""A migration that another change takes back: out of the ledgers with it, and back with it."""

import re

from psycopg.types.json import Jsonb

from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Session

_VERSION = re.compile(r"(\d+)_")


def retire(session: Session, key: str, name: str) -> None:
    """Take a migration out of both ledgers, in the transaction at hand; keep what they had."""
    own = session.execute(query("ledger", "retire"), {"name": name}).fetchall()
    took = {"name": name, "effects": [row[0] for row in own], "supabase": _taken(session, name)}
    values = {"effect_key": key, "took_back": Jsonb(took)}
    session.execute(query("ledger", "took_back"), values)


def reinstate(session: Session, key: str) -> None:
    """Put back into the ledgers what an effect took out of them, in the transaction at hand."""
    found = session.execute(query("ledger", "what_it_took_back"), {"effect_key": key}).fetchone()
    took = found[0] if found else {}
    for effect in took.get("effects", ()):
        session.execute(query("ledger", "reinstate"), {"effect_key": effect})
    for row in took.get("supabase", ()):
        session.execute(query("ledger", "supabase_put"), {"row": Jsonb(row)})


def _taken(session: Session, name: str) -> list[object]:
    version = _VERSION.match(name)
    there = session.execute(query("ledger", "supabase_exists")).fetchone()
    if version is None or not there or not there[0]:
        return []
    rows = session.execute(query("ledger", "supabase_take"), {"version": version[1]}).fetchall()
    return [row[0] for row in rows]
