"""What a database is besides its contents, and how to give another one the same."""

from psycopg import sql
from psycopg.rows import class_row, dict_row

from drillbook.core.errors import NotFound
from drillbook.ports.backups import DatabaseFacts, DatabaseSetting, Grant
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Session, set_locally

_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}


def read_facts(session: Session, name: str) -> DatabaseFacts | None:
    """Return the facts of a database of this server; None when there is no such database."""
    values = {"name": name}
    with session.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(query("backup", "database"), values).fetchone()
    if row is None:
        return None
    with session.cursor(row_factory=class_row(Grant)) as cursor_of_grants:
        grants = cursor_of_grants.execute(query("backup", "grants"), values).fetchall()
    with session.cursor(row_factory=class_row(DatabaseSetting)) as cursor_of_settings:
        settings = cursor_of_settings.execute(query("backup", "settings"), values).fetchall()
    has_grants = row.pop("has_grants")
    return DatabaseFacts(
        **row, grants=tuple(grants) if has_grants else None, settings=tuple(settings)
    )


def own_facts(session: Session) -> DatabaseFacts:
    """Return the facts of the database of this session."""
    found = read_facts(session, session.info.dbname)
    if found is None:
        raise NotFound(f"database {session.info.dbname} is not in pg_database")
    return found


def create_like(session: Session, name: str, facts: DatabaseFacts) -> None:
    """Make an empty database with the encoding, locale, place and owner of another one."""
    provider = _PROVIDERS.get(facts.provider, "libc")
    parts = [
        sql.SQL("CREATE DATABASE {} TEMPLATE template0 OWNER {} ENCODING {}").format(
            sql.Identifier(name), sql.Identifier(facts.owner), sql.Literal(facts.encoding)
        ),
        sql.SQL("LC_COLLATE {} LC_CTYPE {} TABLESPACE {}").format(
            sql.Literal(facts.collate), sql.Literal(facts.ctype), sql.Identifier(facts.tablespace)
        ),
        sql.SQL("LOCALE_PROVIDER {}").format(sql.Identifier(provider)),
    ]
    if provider != "libc":
        kind = sql.SQL("ICU_LOCALE {}") if provider == "icu" else sql.SQL("BUILTIN_LOCALE {}")
        parts.append(kind.format(sql.Literal(facts.locale)))
    session.execute(sql.SQL(" ").join(parts))


def dress_like(session: Session, name: str, facts: DatabaseFacts) -> None:
    """Give a database the settings, grants and connection limit of another one."""
    database = sql.Identifier(name)
    for setting in facts.settings:
        with session.transaction():
            # Through the session the server itself writes it down; lists stay lists.
            set_locally(session, setting.name, setting.value)
            target = (
                sql.SQL("ALTER ROLE {} IN DATABASE {}").format(
                    sql.Identifier(setting.role), database
                )
                if setting.role
                else sql.SQL("ALTER DATABASE {}").format(database)
            )
            session.execute(
                sql.SQL("{} SET {} FROM CURRENT").format(
                    target, sql.Identifier(*setting.name.split("."))
                )
            )
    with session.transaction():
        if facts.grants is not None:
            _grant(session, database, facts)
        session.execute(
            sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}").format(
                database, sql.Literal(facts.connection_limit)
            )
        )


def _grant(session: Session, database: sql.Identifier, facts: DatabaseFacts) -> None:
    for role in (sql.SQL("PUBLIC"), sql.Identifier(facts.owner)):
        session.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM {}").format(database, role))
    for grant in facts.grants or ():
        grantee = sql.Identifier(grant.grantee) if grant.grantee else sql.SQL("PUBLIC")
        option = sql.SQL(" WITH GRANT OPTION") if grant.grantable else sql.SQL("")
        # The privilege is one of the server's own words (CONNECT, CREATE, TEMPORARY).
        words = {"CONNECT": sql.SQL("CONNECT"), "CREATE": sql.SQL("CREATE")}
        privilege = words.get(grant.privilege, sql.SQL("TEMPORARY"))
        session.execute(
            sql.SQL("GRANT {} ON DATABASE {} TO {}").format(privilege, database, grantee) + option
        )
