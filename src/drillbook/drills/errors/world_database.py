"""What is so in one environment's database server, as far as anybody could have written it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg

from drillbook.range.environment import DATABASE, Environment

State = dict[str, str]
Row = tuple[Any, ...]  # Any: whatever a query returns
CONNECT_SECONDS = 3
PATIENCE = "-c lock_timeout=2s -c statement_timeout=10s"
# Users write these themselves, or the app does for them.
LIVING = ["slots", "bookings", "payments", "audit_log", "heartbeats", "requests", "reminders"]
ENDED = re.compile(
    r"^(?P<at>\S+ \S+) UTC \[(?P<pid>\d+)\] FATAL:  terminating connection due to admin",
    re.MULTILINE,
)
_LOOKS: dict[str, LiteralString] = {
    "role": """
SELECT rolname, format('limit %s login %s super %s until %s %s', rolconnlimit, rolcanlogin,
                       rolsuper, rolvaliduntil, md5(coalesce(rolpassword, '')))
  FROM pg_authid WHERE rolname !~ '^pg_'""",
    "role setting": """
SELECT concat_ws(' ', coalesce(r.rolname, '*'), coalesce(d.datname, '*')), s.setconfig::text
  FROM pg_db_role_setting AS s LEFT JOIN pg_roles AS r ON r.oid = s.setrole
  LEFT JOIN pg_database AS d ON d.oid = s.setdatabase""",
    "setting": """
SELECT name, setting FROM pg_settings
 WHERE source IN ('configuration file', 'command line', 'global')
   AND name NOT IN ('transaction_read_only')""",
    "database": "SELECT datname, datconnlimit::text FROM pg_database",
    "server": "SELECT 'started', pg_postmaster_start_time()::text",
    "table": """
SELECT c.oid::regclass::text, md5(concat(c.relkind, c.relacl, c.reloptions, c.relrowsecurity,
       (SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
                                    a.attnotnull, pg_get_expr(d.adbin, d.adrelid)), ','
                          ORDER BY a.attname)
          FROM pg_attribute AS a
          LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)))
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'v', 'm', 'p', 'S') AND n.nspname !~ '^pg_|^information_schema'""",
    "index": """
SELECT indexrelid::regclass::text, concat(pg_get_indexdef(indexrelid), indisvalid)
  FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname !~ '^pg_|^information_schema'""",
    "constraint": """
SELECT concat(conrelid::regclass, ' ', conname), pg_get_constraintdef(oid)
  FROM pg_constraint WHERE conrelid <> 0""",
    "function": """
SELECT p.oid::regprocedure::text, md5(concat(pg_get_functiondef(p.oid), p.proacl))
  FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
 WHERE n.nspname !~ '^pg_|^information_schema' AND p.prokind IN ('f', 'p')""",
    "trigger": """
SELECT concat(tgrelid::regclass, ' ', tgname), concat(pg_get_triggerdef(oid), tgenabled)
  FROM pg_trigger WHERE NOT tgisinternal""",
    "policy": """
SELECT concat(schemaname, '.', tablename, ' ', policyname), concat(roles, cmd, qual, with_check)
  FROM pg_policies""",
    "type": """
SELECT t.oid::regtype::text, (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder)
                                FROM pg_enum WHERE enumtypid = t.oid)
  FROM pg_type AS t WHERE t.typtype = 'e'""",
}
_TABLES: LiteralString = """
SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND n.nspname IN ('public', 'internal') AND c.relname <> ALL (%s)
"""
_LOGINS: LiteralString = """
SELECT id::text, md5(concat(encrypted_password, banned_until, email)) FROM auth.users
"""


@dataclass(frozen=True, slots=True)
class Session:
    """A session as the server has it: its number is given out again, its beginning is not."""

    pid: int
    began: datetime
    name: str
    login: str


def seen_in(environment: Environment) -> State | None:
    """Return what is so in an environment's server by part and name; None: it lets nobody in."""
    try:
        with _entered(environment) as connection:
            return _all_of(connection)
    except psycopg.OperationalError:
        return None


def sessions_of(environment: Environment) -> tuple[Session, ...]:
    """Return the clients' sessions, without our own; none where nobody gets in."""
    query = """
        SELECT pid, backend_start, coalesce(application_name, ''), coalesce(usename, '')
          FROM pg_stat_activity
         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""
    try:
        with _entered(environment) as connection:
            return tuple(Session(*row) for row in connection.execute(query))
    except psycopg.OperationalError:
        return ()


def ended_since(environment: Environment, since: datetime) -> tuple[int, ...]:
    """Return the sessions that somebody ended, by the server's own log."""
    log = environment.server.log
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    found = ((_moment(each["at"]), int(each["pid"])) for each in ENDED.finditer(text))
    return tuple(pid for at, pid in found if at >= since)


def _moment(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=UTC)


def _entered(environment: Environment) -> psycopg.Connection[Row]:
    url = environment.server.url(DATABASE)
    return psycopg.connect(
        url,
        autocommit=True,
        options=PATIENCE,
        connect_timeout=CONNECT_SECONDS,
        application_name="judge",
    )


def _all_of(connection: psycopg.Connection[Row]) -> State:
    found: State = {}
    for part, query in _LOOKS.items():
        found |= {f"{part} {name}": said or "" for name, said in connection.execute(query)}
    found |= {f"login {name}": said for name, said in connection.execute(_LOGINS)}
    for schema, table in connection.execute(_TABLES, (LIVING,)).fetchall():
        where = psycopg.sql.Identifier(schema, table)
        rows = psycopg.sql.SQL(
            "SELECT md5(coalesce(string_agg(md5(t::text), '' ORDER BY md5(t::text)), '')) FROM {} t"
        ).format(where)
        row = connection.execute(rows).fetchone()
        found[f"rows {schema}.{table}"] = row[0] if row else ""
    return found
