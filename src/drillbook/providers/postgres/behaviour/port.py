"""The `Behaves` port on a Postgres database."""

from dataclasses import dataclass

from drillbook.core.behaviour import Behaviours
from drillbook.core.effect import deadline
from drillbook.providers.postgres.behaviour.observing import AT_MOST_SECONDS, behaviours
from drillbook.providers.postgres.server import Server

# On a database that serves: nobody may wait for a try, and no try may wait for somebody.
STATEMENT_SECONDS = 0.5
LOCK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class PostgresBehaves:
    """Tries what an app does on one database that others use meanwhile."""

    server: Server

    def observe(
        self, tables: tuple[str, ...] = (), *, like: Behaviours | None = None
    ) -> Behaviours:
        """Try reads, writes and calls as every role, each table in one short transaction."""
        return behaviours(
            self.server,
            tables,
            like=like,
            statement_seconds=STATEMENT_SECONDS,
            lock_seconds=LOCK_SECONDS,
            gentle=True,
            at_most_seconds=deadline.get().left(at_most=AT_MOST_SECONDS),
        )
