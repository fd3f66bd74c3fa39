"""Look at a database: may we enter, is there room, who is in the way."""

from drillbook.core.catalog import Domain
from drillbook.core.errors import Refused
from drillbook.ports.database import Access, Blockers, Connections, Database

domain = Domain("database")


@domain.read
def access(database: Database) -> Access:
    """Enter the database and say which server it is and whether it can be written to."""
    return database.access()


@domain.read
def connections(database: Database) -> Connections:
    """Count the sessions of the server and the transactions left open."""
    return database.connections()


@domain.read
def blockers(database: Database, *, table: str = "") -> Blockers:
    """Name the sessions that block others or have a transaction open on a table."""
    if table.strip() != table:
        raise Refused(f"{table!r} is not a table's name", hint="Write it as schema.table.")
    found = database.blockers(table)
    longest = max((session.transaction_seconds for session in found), default=0.0)
    return Blockers(count=len(found), longest_seconds=longest, sessions=found)
