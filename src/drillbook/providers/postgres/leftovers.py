"""Sessions that a dead or frozen attempt left in the database: found by their name, ended."""

import hashlib
import time

from drillbook.core.effect import deadline
from drillbook.core.errors import OutcomeUnknown
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import NAME_BYTES, Session

GONE_SECONDS = 20.0


def session_name(effect_key: str) -> str:
    """Return the application name of all sessions of an effect."""
    name = f"drillbook {effect_key}"
    if len(name.encode()) <= NAME_BYTES:
        return name
    return f"drillbook {hashlib.sha256(effect_key.encode()).hexdigest()[:40]}"


def end_leftovers(session: Session, effect_key: str, where: str) -> int:
    """
    End the effect's other sessions and wait until they are gone; return how many there were.

    Only then does what the database says about the effect stay so.
    """
    values = {"application": session_name(effect_key)}
    until = time.monotonic() + deadline.get().left(at_most=GONE_SECONDS)
    ended: set[int] = set()
    while True:
        left = [row[0] for row in session.execute(query("database", "named_sessions"), values)]
        if not left:
            return len(ended)
        if time.monotonic() > until:
            raise OutcomeUnknown(
                f"an earlier attempt still works on {where} (pid {left[0]}) and does not end",
                hint="Look at that session; end it, or wait until it is done, and look again.",
            )
        session.execute(query("database", "terminate"), {"pids": left})
        ended.update(left)
        time.sleep(0.02)  # Postgres tells nobody when a session is gone
