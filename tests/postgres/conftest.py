"""Parts that all tests of the main job share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from drillbook.local.server import PostgresServer
from drillbook.providers.postgres.database import PostgresDatabase
from drillbook.providers.postgres.migrations import PostgresMigrations
from drillbook.providers.postgres.server import Server
from postgres.parts import Parts


@pytest.fixture
def server(database_url: str) -> Server:
    return Server(lambda: database_url, "production")


@pytest.fixture
def database(server: Server) -> PostgresDatabase:
    return PostgresDatabase(server)


@pytest.fixture
def migrations(server: Server) -> PostgresMigrations:
    return PostgresMigrations(server)


Run = Callable[..., list[tuple[object, ...]]]


@pytest.fixture
def run(database_url: str) -> Run:
    """Run one statement and return its rows."""

    def execute(statement: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(database_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    return execute


@pytest.fixture
def booking(booking_url: str) -> Server:
    return Server(lambda: booking_url, "production")


@pytest.fixture
def parts(booking: Server, tmp_path: Path, postgres_server: PostgresServer) -> Iterator[Parts]:
    name = booking.parameters()["dbname"]
    yield Parts(booking, tmp_path)
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        for (other,) in connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [f"{name}_"]
        ).fetchall():
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(other))
            )
