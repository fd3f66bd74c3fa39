"""The whole schema of a database, read in one transaction."""

from psycopg.rows import tuple_row

from drillbook.analysis.fingerprint import digests, fingerprint
from drillbook.core.errors import Refused
from drillbook.ports.database import CatalogState
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Session

OLDEST_SERVER = 150000


def read_objects(session: Session) -> dict[str, str]:
    """Return a digest by object; call it inside a transaction, whose settings it changes."""
    if session.info.server_version < OLDEST_SERVER:
        raise Refused(
            f"Postgres {session.info.server_version // 10000} is too old: 15 or newer is needed",
            hint="Upgrade the server; what its catalog looks like is not known here.",
        )
    session.execute(query("catalog", "settle"))
    with session.cursor(row_factory=tuple_row) as cursor:
        return digests(cursor.execute(query("catalog", "objects")).fetchall())


def read_state(session: Session) -> CatalogState:
    """Return the schema's state, read in a transaction of its own."""
    with session.transaction():
        session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        objects = read_objects(session)
        unfinished = session.execute(query("catalog", "unfinished")).fetchall()
    return CatalogState(
        fingerprint=fingerprint(objects),
        objects=objects,
        invalid_indexes=tuple(name for kind, name in unfinished if kind == "index"),
        unvalidated=tuple(name for kind, name in unfinished if kind == "constraint"),
    )
