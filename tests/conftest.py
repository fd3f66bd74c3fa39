"""Fixtures for everybody: one real Postgres server per worker, a fresh database per test."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from drillbook.core import secret
from drillbook.core.errors import DrillbookError
from drillbook.core.postgres_tools import find_server
from drillbook.local.server import PostgresServer
from drillbook.range import practice
from drillbook.range.booking.database import BookingData, make_booking_database
from drillbook.range.status import RangeStatus

TEMPLATE = "booking_template"
# A day that never changes, so that every test sees the same rows.
TEMPLATE_DATA = BookingData(today=date(2026, 1, 5))
COMMON = re.compile(r"[a-z]{1,8}|\d{1,5}", re.IGNORECASE)


def pytest_report_header() -> str:
    try:
        return f"postgres: {find_server().shown()}"
    except DrillbookError as error:
        return f"postgres: none ({error} {error.hint})"


@pytest.fixture(autouse=True)
def reveals_no_word() -> Iterator[None]:
    """Fail a test that reveals a common word: it would be scrubbed from later tests' texts."""
    known = len(secret._known)
    yield
    if len(secret._known) > known:
        words = {text for text in list(secret._known)[known:] if COMMON.fullmatch(text)}
        assert not words, f"a secret of a test must be unmistakable, and these are not: {words}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server per xdist worker; it ends with the worker, even when that is killed."""
    folder = Path(tempfile.mkdtemp(prefix="drillbook-test-"))
    server = PostgresServer(folder, durable=False, settings={"wal_level": "logical"})
    try:
        server.start(tied=True)
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database of the test's own."""
    yield from _fresh_database(postgres_server, "template1")


@pytest.fixture(scope="session")
def booking_template(postgres_server: PostgresServer) -> str:
    """The name of a database with the booking schema and data, to copy from."""
    make_booking_database(postgres_server, TEMPLATE, TEMPLATE_DATA)
    return TEMPLATE


@pytest.fixture
def booking_url(postgres_server: PostgresServer, booking_template: str) -> Iterator[str]:
    """The URL of a database of the test's own with the booking schema and 2,000 bookings."""
    yield from _fresh_database(postgres_server, booking_template)


@pytest.fixture(scope="session")
def practice_range() -> Iterator[RangeStatus]:
    """The whole range, running, with a tenth of the data; leave it as you found it."""
    above = Path(tempfile.mkdtemp(prefix="drillbook-range-"))
    folder = above / "range"
    try:
        yield practice.up(folder, scale=0.1, tied=True)
    finally:
        if folder.exists():
            practice.down(folder, remove=True)
        shutil.rmtree(above, ignore_errors=True)


def _fresh_database(server: PostgresServer, template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex[:12]}"
    _execute(server, "CREATE DATABASE {} TEMPLATE {}", name, template)
    try:
        yield server.url(name)
    finally:
        _execute(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _execute(server: PostgresServer, statement: str, *names: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
