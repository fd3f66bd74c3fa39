"""The `Uptime` port: how long the server has run by its own clock, taken from ours."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from drillbook.core.errors import Failed
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server


@dataclass(frozen=True, slots=True)
class PostgresUptime:
    """Asks one server."""

    server: Server

    def started(self) -> datetime:
        """Return when the server was started, by the clock of this machine."""
        with self.server.session(application="drillbook look", at_most=5.0) as session:
            row = session.execute(query("uptime", "started")).fetchone()
        if row is None:
            raise Failed(f"{self.server.where} does not say when it was started")
        return datetime.now(UTC) - timedelta(seconds=float(row[0]))
