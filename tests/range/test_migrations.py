"""The sample migrations: those that work, one that fails midway, one that breaks the app."""

import subprocess
from datetime import date
from pathlib import Path

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from drillbook.core.postgres_tools import tool_for_server
from drillbook.local.server import PostgresServer
from drillbook.range.booking.database import MIGRATIONS, BookingData, load_booking

UP = sorted(path for path in MIGRATIONS.glob("*.sql") if not path.name.endswith(".down.sql"))
WITH_DOWN = [path for path in UP if path.with_suffix(".down.sql").exists()]
FLAWED = BookingData(scale=0.5, today=date(2026, 1, 5), flawed=True)


def connection_variables(url: str) -> dict[str, str]:
    """The URL as libpq's variables: the password is in no argument list."""
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
    parts = conninfo_to_dict(url)
    return {variable: str(parts[name]) for name, variable in names.items()} | {
        "PGDATABASE": str(parts["dbname"])
    }


def applied(path: Path, url: str, major: int) -> subprocess.CompletedProcess[str]:
    """Each statement by itself, up to the first that fails, as CONCURRENTLY needs it."""
    return subprocess.run(
        [tool_for_server("psql", major), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", path],
        env=connection_variables(url),
        capture_output=True,
        text=True,
        check=False,
    )


def dumped(url: str, major: int) -> list[str]:
    """The whole database as SQL, without the tokens that newer versions make up."""
    dump = subprocess.run(
        [tool_for_server("pg_dump", major), "--no-sync"],
        env=connection_variables(url),
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in dump.stdout.splitlines() if "restrict" not in line]


def book(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("SELECT set_config('request.user', md5('user 5')::uuid::text, true)")
        connection.execute("SET LOCAL ROLE authenticated")
        connection.execute("SELECT book_slot(id) FROM open_slots ORDER BY starts_at DESC LIMIT 1")
        connection.rollback()


@pytest.fixture
def flawed_url(database_url: str) -> str:
    """A database as production's: it works, and holds what some migrations do not expect."""
    load_booking(database_url, FLAWED)
    return database_url


@pytest.mark.parametrize("path", UP, ids=lambda path: path.stem)
def test_migration_applies_to_sound_data_and_booking_still_works(
    path: Path, booking_url: str, postgres_server: PostgresServer
) -> None:
    done = applied(path, booking_url, postgres_server.tools.major)

    assert done.returncode == 0, done.stderr
    book(booking_url)


@pytest.mark.parametrize("path", WITH_DOWN, ids=lambda path: path.stem)
def test_down_leads_back_to_the_same_schema_and_rows(
    path: Path, booking_url: str, postgres_server: PostgresServer
) -> None:
    major = postgres_server.tools.major
    before = dumped(booking_url, major)

    assert applied(path, booking_url, major).returncode == 0
    during = dumped(booking_url, major)
    down = applied(path.with_suffix(".down.sql"), booking_url, major)

    assert down.returncode == 0, down.stderr
    assert during != before
    assert dumped(booking_url, major) == before


def test_phone_migration_fails_midway_on_flawed_data_and_its_down_cleans_up(
    flawed_url: str, postgres_server: PostgresServer
) -> None:
    major = postgres_server.tools.major
    path = MIGRATIONS / "0004_one_phone_one_user.sql"
    before = dumped(flawed_url, major)

    done = applied(path, flawed_url, major)

    assert done.returncode != 0
    assert "is duplicated" in done.stderr
    with psycopg.connect(flawed_url) as connection:
        connection.execute("SELECT phone_verified_at FROM users")
        invalid = connection.execute(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
        ).fetchall()
        assert invalid == [("users_one_phone",)]
    assert applied(path.with_suffix(".down.sql"), flawed_url, major).returncode == 0
    assert dumped(flawed_url, major) == before


def test_deposit_migration_applies_to_flawed_data_and_then_nobody_can_book(
    flawed_url: str, postgres_server: PostgresServer
) -> None:
    major = postgres_server.tools.major
    path = MIGRATIONS / "0005_deposits.sql"
    book(flawed_url)

    assert applied(path, flawed_url, major).returncode == 0
    with pytest.raises(errors.NotNullViolation, match="no deposit is set"):
        book(flawed_url)
    assert applied(path.with_suffix(".down.sql"), flawed_url, major).returncode == 0

    book(flawed_url)
