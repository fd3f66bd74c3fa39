"""The `Database` port on a live server."""

import time
from dataclasses import dataclass

from psycopg.rows import class_row, dict_row

from drillbook.ports.database import Access, Blocker, CatalogState, Connections, TableSize
from drillbook.providers.postgres.catalog import read_state
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.sentences import short
from drillbook.providers.postgres.server import Server, Session


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """Looks at one database, each time in a session of its own."""

    server: Server

    def access(self) -> Access:
        """Enter the database and say what is so there."""
        with self.server.session() as session, session.cursor(row_factory=dict_row) as cursor:
            started = time.perf_counter()
            row = cursor.execute(query("database", "access")).fetchone() or {}
            latency_ms = (time.perf_counter() - started) * 1000
        standby, read_only = row.pop("standby"), row.pop("read_only")
        because = "default_transaction_read_only is on" if read_only else ""
        return Access(
            **row,
            writable=not (standby or read_only),
            read_only_because="the server is a standby" if standby else because,
            latency_ms=round(latency_ms, 2),
        )

    def connections(self) -> Connections:
        """Count the sessions of the server."""
        with (
            self.server.session() as session,
            session.cursor(row_factory=class_row(Connections)) as cursor,
        ):
            found = cursor.execute(query("database", "connections"), {}).fetchone()
        if found is None:
            raise AssertionError("an aggregate without GROUP BY always returns one row")
        return found

    def blockers(self, table: str) -> tuple[Blocker, ...]:
        """Return who blocks others; with a table, who has a transaction open on it."""
        with self.server.session() as session:
            if table:
                rows = session.execute(query("database", "holding"), {"table": table})
            else:
                rows = session.execute(query("database", "blocking_now"))
            return describe(session, dict(rows.fetchall()))

    def catalog(self) -> CatalogState:
        """Read the whole schema."""
        with self.server.session() as session:
            return read_state(session)

    def sizes(self, tables: tuple[str, ...]) -> tuple[TableSize, ...]:
        """Return the sizes of those of the tables that exist."""
        with (
            self.server.session() as session,
            session.cursor(row_factory=class_row(TableSize)) as cursor,
        ):
            found = cursor.execute(query("database", "sizes"), {"tables": list(tables)})
            return tuple(found.fetchall())


def describe(session: Session, waiting: dict[int, int]) -> tuple[Blocker, ...]:
    """Return the sessions of these process numbers; the numbers say how many wait for each."""
    with session.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query("database", "sessions"), {"pids": list(waiting)}).fetchall()
    return tuple(
        Blocker(**(row | {"query": short(row["query"])}), waiting=waiting[row["pid"]])
        for row in rows
    )
