"""The rows of a database, counted in one snapshot."""

from dataclasses import dataclass

from psycopg import sql

from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server, Session

LONGEST_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class PostgresContents:
    """The `Contents` port on a live server."""

    server: Server

    def rows(self) -> dict[str, int]:
        """Count the rows of every table, in one snapshot."""
        with self.server.session(at_most=LONGEST_SECONDS) as session, session.transaction():
            session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            return count_rows(session)


def count_rows(session: Session) -> dict[str, int]:
    """Count the rows of every table in the transaction at hand; its locks hold schemas still."""
    # A role that does not see all rows gets an error, not a smaller number.
    session.execute("SET LOCAL row_security = off")
    names = [str(row[0]) for row in session.execute(query("catalog", "tables")).fetchall()]
    counted: dict[str, int] = {}
    for name in names:
        # The name comes quoted from the catalog itself.
        statement = sql.SQL("SELECT count(*) FROM ONLY {}").format(sql.SQL(name))
        row = session.execute(statement).fetchone()
        counted[name] = int(row[0]) if row else 0
    return counted
