"""The sample migrations and the table of their verdicts, on real databases."""

import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from drillbook.core.postgres_tools import tool_for_server
from drillbook.local.server import PostgresServer
from drillbook.range.booking.database import MIGRATIONS, BookingData, load_booking
from drillbook.range.verdicts import (
    Applies,
    RehearsalSays,
    Sample,
    SampleKind,
    WayBackIs,
    sample_migrations,
)

SAMPLES = sample_migrations()
TRANSACTIONAL = [sample for sample in SAMPLES if sample.transactional]
# Each third is taken up and down here; `make bench-migrations` rehearses them all.
UP_AND_DOWN = [sample for sample in SAMPLES if sample.way_back is WayBackIs.GIVEN][::3]
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
        book_in(connection)
        connection.rollback()


def book_in(connection: psycopg.Connection) -> None:
    connection.execute("SELECT set_config('request.user', md5('user 5')::uuid::text, true)")
    connection.execute("SET LOCAL ROLE authenticated")
    connection.execute("SELECT book_slot(id) FROM open_slots ORDER BY starts_at DESC LIMIT 1")


@pytest.fixture
def flawed_url(database_url: str) -> str:
    """A database as production's: it works, and holds what some migrations do not expect."""
    load_booking(database_url, FLAWED)
    return database_url


@pytest.fixture(scope="module")
def flawed(postgres_server: PostgresServer) -> Iterator[psycopg.Connection]:
    """A connection to production's kind of data; each test rolls back what it did."""
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE range_samples")
        load_booking(postgres_server.url("range_samples"), FLAWED)
        with psycopg.connect(postgres_server.url("range_samples")) as inside:
            yield inside
        connection.execute("DROP DATABASE range_samples WITH (FORCE)")


def test_table_names_every_migration_once_and_each_of_the_kinds_asked_for() -> None:
    files = [path.name for path in MIGRATIONS.glob("*.sql") if not path.match("*.down.sql")]

    assert [sample.file for sample in SAMPLES] == sorted(files)
    assert len(SAMPLES) >= 24
    assert {sample.kind for sample in SAMPLES} == set(SampleKind)
    assert {sample.way_back for sample in SAMPLES} == set(WayBackIs)


@pytest.mark.parametrize("sample", [pytest.param(s, id=s.file[:-4]) for s in SAMPLES])
def test_row_of_the_table_is_sound_in_itself_and_its_file_says_why(sample: Sample) -> None:
    down = sample.down_path is not None

    assert down is (sample.way_back in {WayBackIs.GIVEN, WayBackIs.WRONG})
    assert sample.dangerous is (sample.blocks != "nothing") is bool(sample.tables)
    assert bool(sample.breaks) is (sample.rehearsal is RehearsalSays.BREAKS)
    assert (sample.applies is not Applies.EVERYWHERE) is (sample.rehearsal is RehearsalSays.FAILS)
    assert all((MIGRATIONS / name).exists() for name in sample.setup.applied)
    assert sample.path.read_text(encoding="utf-8").startswith("-- ")


@pytest.mark.parametrize("sample", [pytest.param(s, id=s.file[:-4]) for s in TRANSACTIONAL])
def test_migration_applies_to_flawed_data_and_booking_works_as_the_table_says(
    sample: Sample, flawed: psycopg.Connection
) -> None:
    can_book = not {"insert public.bookings", "call public.book_slot"} & {
        broken.partition(" as ")[0] for broken in sample.breaks
    }
    try:
        if sample.applies is Applies.NOWHERE:
            with pytest.raises(psycopg.Error):
                flawed.execute(sample.path.read_bytes())
            return
        flawed.execute(sample.path.read_bytes())

        if can_book:
            book_in(flawed)
        else:
            with pytest.raises(psycopg.Error):
                book_in(flawed)
    finally:
        flawed.rollback()


@pytest.mark.parametrize("sample", [pytest.param(s, id=s.file[:-4]) for s in UP_AND_DOWN])
def test_given_down_leads_back_to_the_same_schema_and_rows(
    sample: Sample, booking_url: str, postgres_server: PostgresServer
) -> None:
    major = postgres_server.tools.major
    before = dumped(booking_url, major)

    assert applied(sample.path, booking_url, major).returncode == 0
    during = dumped(booking_url, major)
    down = applied(sample.path.with_suffix(".down.sql"), booking_url, major)

    assert down.returncode == 0, down.stderr
    assert during != before
    assert dumped(booking_url, major) == before


def test_wrong_down_runs_and_does_not_lead_back(
    booking_url: str, postgres_server: PostgresServer
) -> None:
    major = postgres_server.tools.major
    before = dumped(booking_url, major)

    for name in ("0025_waiting_list", "0011_notes_required", "0024_mail_instead_of_phone"):
        assert applied(MIGRATIONS / f"{name}.sql", booking_url, major).returncode == 0
        assert applied(MIGRATIONS / f"{name}.down.sql", booking_url, major).returncode == 0
        after = dumped(booking_url, major)
        assert after != before
        before = after


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
