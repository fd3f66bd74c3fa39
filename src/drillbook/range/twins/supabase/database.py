"""SQL by the Management API: run on the real Postgres, and migrations with their history."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from drillbook.range.cloud import Cloud
from drillbook.range.twins.supabase.asking import Answer, ApiError, Asked, Table
from drillbook.range.twins.supabase.project import Project

OWNER = "database.url"
READER = "supabase_read_only_user"
STATEMENT_SECONDS = 58
_ONLY_READS = "-c default_transaction_read_only=on"
_MAKE_READER = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'supabase_read_only_user') THEN
        CREATE ROLE supabase_read_only_user LOGIN BYPASSRLS;
        GRANT pg_read_all_data TO supabase_read_only_user;
    END IF;
END
$$
"""
_MAKE_HISTORY = """
CREATE SCHEMA IF NOT EXISTS supabase_migrations;
CREATE TABLE IF NOT EXISTS supabase_migrations.schema_migrations (
    version text PRIMARY KEY,
    statements text[],
    name text,
    rollback text[],
    idempotency_key text UNIQUE
)
"""
_HAS_HISTORY = "SELECT to_regclass('supabase_migrations.schema_migrations') IS NOT NULL AS there"
_HISTORY = "SELECT version, name FROM supabase_migrations.schema_migrations ORDER BY version"
_ADD = """
INSERT INTO supabase_migrations.schema_migrations
       (version, statements, name, rollback, idempotency_key)
SELECT greatest(to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS')::bigint,
                max(version::bigint) + 1),
       ARRAY[%(query)s], %(name)s, ARRAY[%(rollback)s], %(key)s
  FROM supabase_migrations.schema_migrations
ON CONFLICT (idempotency_key) DO NOTHING
"""
_SINCE = """
SELECT version, rollback FROM supabase_migrations.schema_migrations
 WHERE version >= %s ORDER BY version DESC
"""
_FORGET = "DELETE FROM supabase_migrations.schema_migrations WHERE version = %s"

Connection = psycopg.Connection[DictRow]


@contextmanager
def connected(project: Project, *, url: str = OWNER, options: str = "") -> Iterator[Connection]:
    """Connect to a project's database as its owner, or as another file of it says."""
    with psycopg.connect(
        project.url(url),
        row_factory=dict_row,
        autocommit=True,
        connect_timeout=5,
        application_name="supabase_mgmt",
        options=f"-c statement_timeout={STATEMENT_SECONDS}s {options}",
    ) as connection:
        yield connection


def query(asked: Asked) -> Answer:
    """Run SQL and return the rows of its last statement."""
    if asked.value("read_only", bool, default=False):
        return read_only(asked)
    with sql_errors(), connected(asked.project) as connection:
        return 201, _rows(connection, asked)


def read_only(asked: Asked) -> Answer:
    """Run SQL as a login that can read everything and write nothing."""
    project = asked.project
    password = _reader_password(project.cloud)
    with connected(project) as owner:
        owner.execute("SET log_statement = 'none'")
        owner.execute(_MAKE_READER)
        words = sql.SQL("ALTER ROLE {} PASSWORD {}")
        owner.execute(words.format(sql.Identifier(READER), sql.Literal(password)))
    place = psycopg.conninfo.make_conninfo(project.url(OWNER), user=READER, password=password)
    with (
        sql_errors(),
        psycopg.connect(
            place,
            row_factory=dict_row,
            autocommit=True,
            connect_timeout=5,
            application_name="supabase_mgmt",
            options=f"{_ONLY_READS} -c statement_timeout={STATEMENT_SECONDS}s",
        ) as connection,
    ):
        return 201, _rows(connection, asked)


def migrations(asked: Asked) -> Answer:
    """List the migrations that were applied."""
    with connected(asked.project) as connection:
        there = connection.execute(_HAS_HISTORY).fetchone()
        if not there or not there["there"]:
            return 200, []
        found = connection.execute(_HISTORY).fetchall()
    return 200, [{name: value for name, value in row.items() if value is not None} for row in found]


def apply_migration(asked: Asked) -> Answer:
    """Apply a migration and write it down, both or neither; its key is carried out once."""
    return _migrate(asked, apply=True)


def note_migration(asked: Asked) -> Answer:
    """Write a migration down without applying it."""
    return _migrate(asked, apply=False)


def roll_back_migrations(asked: Asked) -> Answer:
    """Run the rollbacks of all migrations from a version on, the newest first, and forget them."""
    version = asked.query.get("gte", "")
    if not re.fullmatch(r"\d+", version):
        raise ApiError(400, "gte: expected a version")
    with sql_errors(), connected(asked.project) as connection, connection.transaction():
        connection.execute(_MAKE_HISTORY)
        for row in connection.execute(_SINCE, (version,)).fetchall():
            for statement in row["rollback"] or ():
                if statement:
                    connection.execute(statement.encode())
            connection.execute(_FORGET, (row["version"],))
    return 200, None


def _migrate(asked: Asked, *, apply: bool) -> Answer:
    statement = asked.value("query", str)
    values = {
        "query": statement,
        "name": asked.value("name", str, default=""),
        "rollback": asked.value("rollback", str, default=""),
        "key": asked.headers.get("idempotency-key"),
    }
    with sql_errors(), connected(asked.project) as connection, connection.transaction():
        connection.execute(_MAKE_HISTORY)
        made = connection.execute(_ADD.encode(), values).rowcount
        if made and apply:
            connection.execute(statement.encode())
    return 200, None


def _rows(connection: Connection, asked: Asked) -> list[dict[str, Any]]:
    statement, values = asked.value("query", str), asked.value("parameters", list, default=[])
    cursor = psycopg.RawCursor(connection, row_factory=dict_row)
    # Without values several statements may be sent at once, as the API allows.
    cursor.execute(statement.encode(), values or None)
    while cursor.nextset():
        pass
    rows = cursor.fetchall() if cursor.description else []
    return [{name: _json(value) for name, value in row.items()} for row in rows]


def _json(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, bytes | memoryview):
        return f"\\x{bytes(value).hex()}"
    if isinstance(value, list):
        return [_json(item) for item in value]
    return value


def _reader_password(cloud: Cloud) -> str:
    return cloud.token("supabase-reader")


@contextmanager
def sql_errors() -> Iterator[None]:
    """Answer with what Postgres says of a statement it does not take."""
    try:
        yield
    except psycopg.errors.OperationalError as error:
        if error.sqlstate is None:
            raise
        raise _said(error) from error
    except psycopg.Error as error:
        raise _said(error) from error


def _said(error: psycopg.Error) -> ApiError:
    words = f"ERROR:  {error.sqlstate}: {error.diag.message_primary or error}"
    return ApiError(400, f"Failed to run sql query: {words}")


TABLE: Table = (
    ("POST", "/database/query", query),
    ("POST", "/database/query/read-only", read_only),
    ("GET", "/database/migrations", migrations),
    ("POST", "/database/migrations", apply_migration),
    ("PUT", "/database/migrations", note_migration),
    ("DELETE", "/database/migrations", roll_back_migrations),
)
