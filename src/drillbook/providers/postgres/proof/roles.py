"""The roles that a dump names, made on a server that is thrown away."""

from psycopg import sql

from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Session


def make_roles(session: Session, names: tuple[str, ...]) -> None:
    """Make those that are not there; nobody can enter as one of them."""
    known = {
        str(row[0])
        for row in session.execute(query("proof", "known_roles"), {"names": list(names)})
    }
    for name in names:
        if name not in known:
            # What only a superuser may own (event triggers, wrappers) must come back as well.
            session.execute(
                sql.SQL("CREATE ROLE {} SUPERUSER NOLOGIN").format(sql.Identifier(name))
            )
