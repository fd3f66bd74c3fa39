"""End the one session that is named, and no other."""

from datetime import datetime, timedelta

from drillbook.actions.database.subject import domain
from drillbook.core.effect import Effect
from drillbook.core.errors import Refused
from drillbook.core.model import Frozen, Risk
from drillbook.core.quantities import Duration
from drillbook.ports.sessions import HowEnded, SessionName, Sessions

GRACE = timedelta(seconds=2)
MOST_GRACE_SECONDS = 60.0


class SessionEnded(Frozen):
    """A session, or the transaction that was meant, that is no longer there."""

    pid: int
    how: HowEnded
    says: str


@domain.final(because="what the session had not committed is lost to its client", risk=Risk.DESTROY)
def end_session(
    sessions: Sessions,
    effect: Effect,
    *,
    pid: int,
    session_started: datetime,
    transaction_started: datetime | None = None,
    grace: Duration = GRACE,
) -> SessionEnded:
    """End the one session that is named: cancel what it does first, terminate it then."""
    name = _named(pid, session_started, transaction_started)
    return _ended(pid, sessions.end(name, effect, grace_seconds=grace_seconds(grace)))


@end_session.looking
def look_ended(
    sessions: Sessions,
    effect: Effect,
    *,
    pid: int,
    session_started: datetime,
    transaction_started: datetime | None = None,
    grace: Duration = GRACE,
) -> SessionEnded | None:
    """Look whether the session, or the transaction that was meant, is gone."""
    found = sessions.find(_named(pid, session_started, transaction_started))
    return _ended(pid, HowEnded.GONE) if found is None else None


def grace_seconds(grace: timedelta) -> float:
    """Return how long a session may go on by itself; Refused says what is allowed."""
    seconds = grace.total_seconds()
    if not 0 <= seconds <= MOST_GRACE_SECONDS:
        raise Refused(f"a grace of {seconds:g} s is not between 0 and {MOST_GRACE_SECONDS:g} s")
    return seconds


def _named(pid: int, session_started: datetime, transaction: datetime | None) -> SessionName:
    if pid <= 0:
        raise Refused(
            f"{pid} is no session's process number",
            hint="A prepared transaction has none: it is ended by ROLLBACK PREPARED."
            if pid == 0
            else "Take it from database.blockers.",
        )
    started = [at for at in (session_started, transaction) if at is not None]
    if any(at.tzinfo is None for at in started):
        raise Refused(
            "a time without its zone names no session", hint="Take it from database.blockers."
        )
    return SessionName(pid=pid, session_started=session_started, transaction_started=transaction)


def _ended(pid: int, how: HowEnded) -> SessionEnded:
    return SessionEnded(pid=pid, how=how, says=f"pid {pid}: {how}")
