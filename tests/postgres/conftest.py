"""Parts that all tests of the main job share."""

from collections.abc import Callable

import psycopg
import pytest

from drillbook.providers.postgres.database import PostgresDatabase
from drillbook.providers.postgres.migrations import PostgresMigrations
from drillbook.providers.postgres.server import Server


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
