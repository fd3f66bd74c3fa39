"""A session on another database of the server, from which databases are made and renamed."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from drillbook.core.effect import Effect
from drillbook.core.errors import Refused, Unavailable
from drillbook.providers.postgres.database import describe
from drillbook.providers.postgres.leftovers import end_leftovers, session_name
from drillbook.providers.postgres.names import Mark, read_mark
from drillbook.providers.postgres.programs import LONGEST_SECONDS
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server, Session

OTHER_DATABASES = ("postgres", "template1")


def database_of(server: Server) -> str:
    """Return the name of the database an address leads to."""
    parameters = server.parameters()
    return parameters.get("dbname") or parameters.get("user", "")


def maintenance_of(server: Server) -> Server:
    """Return another database of the same server that can be entered."""
    serving = database_of(server)
    tried: list[str] = []
    for database in OTHER_DATABASES:
        if database == serving:
            continue
        try:
            with server.other(database).session():
                return server.other(database)
        except (Refused, Unavailable) as error:
            tried.append(str(error))
    raise Refused(
        f"to swap {serving} a session on another database is needed: {'; '.join(tried)}",
        hint="Let the role connect to database postgres of that server.",
    )


@contextmanager
def beside(server: Server, effect: Effect) -> Iterator[Session]:
    """Open the effect's session on another database, after earlier attempts are ended."""
    maintenance = maintenance_of(server)
    name = session_name(effect.key)
    with maintenance.session(application=name, at_most=LONGEST_SECONDS) as session:
        end_leftovers(session, effect.key, maintenance.where)
        yield session


def lock(session: Session, database: str) -> None:
    """Let nobody else restore a database until the session ends; Refused names who does."""
    values = {"database": database}
    row = session.execute(query("restore", "try_lock"), values).fetchone()
    if row and row[0]:
        return
    holders = session.execute(query("restore", "lock_holders"), values).fetchall()
    who = " and ".join(holder.says for holder in describe(session, dict(holders)))
    raise Refused(
        f"{database} is being restored by {who or 'a session that ended just now'}; "
        "nothing was changed",
        hint="Wait until that is done, then look whether another restore is needed.",
    )


def marks_of(session: Session, names: tuple[str, ...]) -> dict[str, Mark | None]:
    """Return which of the databases there are, and what their marks say."""
    rows = session.execute(query("restore", "databases"), {"names": list(names)}).fetchall()
    return {str(name): read_mark(comment) for name, comment in rows}


def clock(session: Session) -> float:
    """Return the server's clock."""
    row = session.execute(query("restore", "clock")).fetchone()
    return float(row[0]) if row else 0.0


def comment_on(session: Session, database: str, text: str) -> None:
    """Write a mark on a database."""
    session.execute(
        sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(database), sql.Literal(text))
    )


def drop(session: Session, database: str) -> None:
    """Drop a database, ending whoever is in it."""
    session.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
    )
