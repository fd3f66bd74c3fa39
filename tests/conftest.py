"""Fixtures for everybody: one real Postgres server per worker, a fresh database per test."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from drillbook.core.errors import DrillbookError
from drillbook.core.postgres_tools import find_server
from drillbook.range.server import PostgresServer


def pytest_report_header() -> str:
    try:
        return f"postgres: {find_server().shown()}"
    except DrillbookError as error:
        return f"postgres: none ({error} {error.hint})"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server per xdist worker; it ends with the worker, even when that is killed."""
    folder = Path(tempfile.mkdtemp(prefix="drillbook-test-"))
    server = PostgresServer(folder, durable=False)
    try:
        server.start(tied=True)
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database of the test's own."""
    name = f"test_{uuid4().hex[:12]}"
    _execute(postgres_server, "CREATE DATABASE {}", name)
    yield postgres_server.url(name)
    _execute(postgres_server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _execute(server: PostgresServer, statement: str, *names: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        text = sql.SQL(statement).format(*map(sql.Identifier, names))
        connection.execute(text)
