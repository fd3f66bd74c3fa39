"""The range's archive and replication, and ranges from before there were any."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from drillbook.local.server import PostgresServer
from drillbook.range import practice
from drillbook.range.environment import Environment
from drillbook.range.status import RangeStatus
from drillbook.stack.stack import load_stack

SCALE = 0.1
BOOK = """
INSERT INTO bookings (slot_id, staff_id, customer_id, during)
SELECT id, staff_id, md5('user 5')::uuid, during FROM slots WHERE id % 2 = 1 LIMIT 1
RETURNING reference
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a range of the test's own, ended and removed after it."""
    above = Path(tempfile.mkdtemp(prefix="drillbook-range-"))
    yield above / "range"
    if (above / "range" / practice.MARK).exists():
        practice.down(above / "range", remove=True)
    shutil.rmtree(above)


def test_production_hands_its_wal_to_a_folder_and_lets_a_login_replicate(
    practice_range: RangeStatus,
) -> None:
    production = Environment("production", practice_range.folder / "production")
    replication = (production.folder / "replication.url").read_text()

    with psycopg.connect(production.server.url(), autocommit=True) as connection:
        for name, value in (("archive_mode", "on"), ("wal_level", "logical")):
            assert connection.execute(f"SHOW {name}".encode()).fetchone() == (value,)
        assert connection.execute("SHOW data_checksums").fetchone() == ("on",)
        connection.execute("SELECT pg_logical_emit_message(false, 'test', 'something to archive')")
        name = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    with psycopg.connect(f"{replication}?replication=true", autocommit=True) as walsender:
        assert walsender.execute("IDENTIFY_SYSTEM").fetchone() is not None
    assert name is not None
    while not (production.wal / name[0]).exists():
        time.sleep(0.02)  # the archiver tells nobody but the folder

    assert not (practice_range.folder / "staging/wal").exists()


def test_range_from_before_is_started_again_with_an_archive_and_keeps_its_data_and_edits(
    folder: Path,
) -> None:
    practice.up(folder, scale=SCALE)
    made = booked(folder, BOOK)
    practice.down(folder)
    make_as_it_was_before(folder)
    said: list[str] = []

    practice.up(folder, scale=SCALE, progress=said.append)

    assert "production: Postgres started again, so that it archives its WAL" in said
    server = Environment("production", folder / "production").server
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SHOW archive_mode").fetchone() == ("on",)
    assert booked(folder, f"SELECT count(*) FROM bookings WHERE reference = '{made}'") == 1
    text = (folder / "stack.toml").read_text()
    assert 'wal_archive = "production/wal"' in text
    assert '[environments.production.backups]\nfolder = "backups"\n' in text
    load_stack(folder / "stack.toml")


def booked(folder: Path, query: str) -> object:
    with psycopg.connect((folder / "production/database.url").read_text()) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def make_as_it_was_before(folder: Path) -> None:
    """A range whose production runs without an archive, and whose stack file knows none."""
    shutil.rmtree(folder / "production/wal")
    (folder / "production/replication.url").unlink()
    path = folder / "stack.toml"
    text = path.read_text()
    begin, _, rest = text.partition("[environments.production.backups]\n")
    path.write_text(
        f'{begin}[environments.production.backups]\nfolder = "backups"\n\n'
        + rest[rest.index("[environments.staging.database]") :]
    )
    postgres = folder / "production/postgres"
    PostgresServer(postgres, settings={"wal_level": "logical"}).start()
