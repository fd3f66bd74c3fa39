"""The `Sessions` port: a session is asked about and ended in one statement, by all its names."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from drillbook.core.effect import Effect, deadline
from drillbook.core.errors import Failed, Refused
from drillbook.ports.database import Blocker
from drillbook.ports.sessions import HowEnded, SessionName
from drillbook.providers.postgres.database import describe
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server, Session

GOING_SECONDS = 10.0
LOOK_SECONDS = 0.02
SHOWN = 5
ENDABLE = {"client backend", "autovacuum worker", "parallel worker"}


@dataclass(frozen=True, slots=True)
class PostgresSessions:
    """Finds and ends sessions of one server."""

    server: Server

    def find(self, name: SessionName) -> Blocker | None:
        """Return the session when it is still the one that is named."""
        with self.server.session() as session:
            if self._row(session, name) is None:
                return None
            found = describe(session, {name.pid: 0})
            return found[0] if found else None

    def end(self, name: SessionName, effect: Effect, *, grace_seconds: float) -> HowEnded:
        """Cancel what it does; when that does not end it within the grace, terminate it."""
        return self.end_all((name,), effect, grace_seconds=grace_seconds)[0]

    def end_all(
        self, names: Sequence[SessionName], effect: Effect, *, grace_seconds: float
    ) -> tuple[HowEnded, ...]:
        """End several, all within one grace; none when one of them may not be ended."""
        how = dict.fromkeys(names, HowEnded.GONE)
        with self.server.session() as session:
            states, changed = self._states(session, names)
            how |= dict.fromkeys(changed, HowEnded.SPARED)
            left = tuple(states)
            if working := tuple(name for name in left if states[name] == "active"):
                effect.still_mine()
                for name in working:
                    session.execute(query("sessions", "cancel"), name.model_dump())
                effect.progress(f"cancelled what {_pids(working)} does", None)
                here = self._those_here(session, working, grace_seconds)
                how |= {name: HowEnded.CANCELLED for name in working if name not in here}
                left = tuple(name for name in left if name not in working or name in here)
            if left:
                effect.still_mine()
                how |= self._terminated(session, left, working, effect)
        return tuple(how[name] for name in names)

    def _terminated(
        self,
        session: Session,
        left: tuple[SessionName, ...],
        working: tuple[SessionName, ...],
        effect: Effect,
    ) -> dict[SessionName, HowEnded]:
        told, how = [], dict[SessionName, HowEnded]()
        for name in left:
            # A cancelled one is in another state by our own hand.
            strict = {"as_seen": name not in working and not name.waited_for}
            row = session.execute(query("sessions", "terminate"), name.model_dump() | strict)
            if row.fetchone() is not None:
                told.append(name)
            elif self._row(session, name) is not None:
                how[name] = HowEnded.SPARED  # it began to work just now
        effect.progress(f"terminated {_pids(told)}", None)
        if here := self._those_here(session, tuple(told), GOING_SECONDS):
            raise Failed(
                f"{_pids(here)} was told to end and is still there after {GOING_SECONDS:g} s",
                hint="It may be waiting for its disk or its client; look at the server.",
            )
        return how | dict.fromkeys(told, HowEnded.TERMINATED)

    def _states(
        self, session: Session, names: Sequence[SessionName]
    ) -> tuple[dict[SessionName, str], tuple[SessionName, ...]]:
        """Return the states of those still as named, and who is there and is not; or Refused."""
        found, changed = {}, []
        for name in names:
            row = self._row(session, name)
            if row is None:
                continue
            kind, state, application, _, as_seen = row
            _refuse(name, str(kind), str(application))
            if as_seen:
                found[name] = str(state)
            else:
                changed.append(name)
        return found, tuple(changed)

    def _row(self, session: Session, name: SessionName) -> tuple[object, ...] | None:
        row = session.execute(query("sessions", "find"), name.model_dump()).fetchone()
        if row is not None and row[3]:
            raise Refused(
                f"{self.server.where} does not show pid {name.pid} to this role, so whether it is "
                "the one that is meant cannot be told; nothing was ended",
                hint="Grant pg_read_all_stats and pg_signal_backend to the role in url.",
            )
        return row

    def _those_here(
        self, session: Session, names: tuple[SessionName, ...], seconds: float
    ) -> tuple[SessionName, ...]:
        until = time.monotonic() + deadline.get().left(at_most=seconds)
        while names := tuple(one for one in names if self._row(session, one) is not None):
            if time.monotonic() > until:
                return names
            time.sleep(LOOK_SECONDS)  # Postgres tells nobody when a session is gone
        return ()


def _pids(names: Sequence[SessionName]) -> str:
    shown = ", ".join(str(name.pid) for name in names[:SHOWN])
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"pid {shown}{more}"


def _refuse(name: SessionName, kind: str, application: str) -> None:
    if kind not in ENDABLE:
        raise Refused(
            f"pid {name.pid} is no client's session but the server's own {kind}; nothing was ended",
            hint="Look at what it does; ending it is for the server's administrator.",
        )
    if application.startswith("drillbook "):
        raise Refused(
            f"pid {name.pid} is a session of Drillbook itself ({application}); nothing was ended",
            hint="Cancel its run instead: drillbook cancel RUN",
        )
