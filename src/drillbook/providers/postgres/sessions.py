"""The `Sessions` port: a session is asked about and ended in one statement, by all its names."""

import time
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
        with self.server.session() as session:
            row = self._row(session, name)
            if row is None:
                return HowEnded.GONE
            kind, state, application, _ = row
            _refuse(name, str(kind), str(application))
            effect.still_mine()
            if state == "active":
                session.execute(query("sessions", "cancel"), name.model_dump())
                effect.progress(f"cancelled what pid {name.pid} does", None)
                if self._is_gone(session, name, grace_seconds):
                    return HowEnded.CANCELLED
            effect.still_mine()
            session.execute(query("sessions", "terminate"), name.model_dump())
            effect.progress(f"terminated pid {name.pid}", None)
            if self._is_gone(session, name, GOING_SECONDS):
                return HowEnded.TERMINATED
        raise Failed(
            f"pid {name.pid} was told to end and is still there after {GOING_SECONDS:g} s",
            hint="It may be waiting for its disk or its client; look at the server itself.",
        )

    def _row(self, session: Session, name: SessionName) -> tuple[object, ...] | None:
        row = session.execute(query("sessions", "find"), name.model_dump()).fetchone()
        if row is not None and row[3]:
            raise Refused(
                f"{self.server.where} does not show pid {name.pid} to this role, so whether it is "
                "the one that is meant cannot be told; nothing was ended",
                hint="Grant pg_read_all_stats and pg_signal_backend to the role in url.",
            )
        return row

    def _is_gone(self, session: Session, name: SessionName, seconds: float) -> bool:
        until = time.monotonic() + deadline.get().left(at_most=seconds)
        while self._row(session, name) is not None:
            if time.monotonic() > until:
                return False
            time.sleep(LOOK_SECONDS)  # Postgres tells nobody when a session is gone
        return True


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
