"""End the sessions that are named, together, and no others."""

from collections import Counter

from drillbook.actions.database.ending import GRACE, grace_seconds
from drillbook.actions.database.subject import domain
from drillbook.core.effect import Effect
from drillbook.core.errors import Refused
from drillbook.core.incident import SessionToEnd
from drillbook.core.model import Frozen, Risk
from drillbook.core.quantities import Duration
from drillbook.ports.sessions import HowEnded, SessionName, Sessions

MOST = 200


class SessionsEnded(Frozen):
    """Sessions that are no longer in the way: `gone` had ended before, `spared` go on."""

    named: int
    ended: int
    gone: int
    spared: int = 0
    pids: tuple[int, ...]
    says: str


@domain.final(
    because="what the sessions had not committed is lost to their clients", risk=Risk.DESTROY
)
def end_sessions(
    server: Sessions,
    effect: Effect,
    *,
    sessions: tuple[SessionToEnd, ...],
    grace: Duration = GRACE,
    at_most: int = MOST,
) -> SessionsEnded:
    """
    End exactly the sessions that are named: cancel what they do first, terminate them then.

    Each is looked at once more right before: one whose state has changed since it was named, and
    that nobody waits for, is spared.
    """
    names = _named(sessions, at_most)
    return _ended(names, server.end_all(names, effect, grace_seconds=grace_seconds(grace)))


@end_sessions.looking
def look_all_ended(
    server: Sessions,
    effect: Effect,
    *,
    sessions: tuple[SessionToEnd, ...],
    grace: Duration = GRACE,
    at_most: int = MOST,
) -> SessionsEnded | None:
    """Look whether all of them, or the transactions that were meant, are gone."""
    names = _named(sessions, at_most)
    if any(server.find(name) is not None for name in names):
        return None
    return _ended(names, (HowEnded.GONE,) * len(names))


def _named(sessions: tuple[SessionToEnd, ...], at_most: int) -> tuple[SessionName, ...]:
    if not sessions:
        raise Refused(
            "no session is named, so none was ended",
            hint="Take them from the diagnosis or from database.blockers.",
            again=False,
        )
    if len(sessions) > at_most:
        raise Refused(
            f"{len(sessions)} sessions are named, more than {at_most}; none was ended",
            hint="Raise at_most if ending so many is intended.",
            again=False,
        )
    for one in sessions:
        times = (one.session_started, one.transaction_started, one.unchanged_since)
        if one.pid <= 0 or any(at is not None and at.tzinfo is None for at in times):
            raise Refused(
                f"pid {one.pid} with a time without its zone, or no pid at all, names no session",
                hint="Take it from the diagnosis or from database.blockers.",
                again=False,
            )
    names = (
        SessionName(
            pid=one.pid,
            session_started=one.session_started,
            transaction_started=one.transaction_started,
            unchanged_since=one.unchanged_since,
            waited_for=one.waited_for,
        )
        for one in sessions
    )
    return tuple(dict.fromkeys(names))


def _ended(names: tuple[SessionName, ...], how: tuple[HowEnded, ...]) -> SessionsEnded:
    counts = Counter(how)
    gone, spared = counts[HowEnded.GONE], counts[HowEnded.SPARED]
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    return SessionsEnded(
        named=len(names),
        ended=len(names) - gone - spared,
        gone=gone,
        spared=spared,
        pids=tuple(name.pid for name in names),
        says=f"{len(names)} sessions were named: {told}",
    )
