"""A backup is whole or not there, and says what it is."""

import gzip
import os
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from drillbook.actions import backup
from drillbook.core.effect import Effect
from drillbook.core.errors import Damaged, DrillbookError, Failed, NotFound, Unavailable
from drillbook.providers.postgres.backups import PostgresBackupRoom, PostgresBackups
from drillbook.providers.postgres.contents import PostgresContents
from drillbook.providers.postgres.database import PostgresDatabase
from drillbook.providers.postgres.server import Server
from drillbook.providers.postgres.storage.folder import FolderStore
from drillbook.providers.process.commands import ProcessCommands
from postgres.conftest import Run

EFFECT = Effect(key="r-1/1.2", run="r-1", task="1.2")


@pytest.fixture
def backups(booking: Server, tmp_path: Path) -> PostgresBackups:
    folder = FolderStore(tmp_path / "backups")
    return PostgresBackups(booking, folder, ProcessCommands(tmp_path / "commands"))


def test_a_backup_says_what_is_in_it(booking: Server, backups: PostgresBackups) -> None:
    now = PostgresContents(booking).read()
    made = backup.create.do(backups, EFFECT, label="before")

    manifest = backups.get(made.id)
    assert manifest.contents == now
    assert sum(manifest.rows.values()) == made.rows > 100
    assert manifest.fingerprint == PostgresDatabase(booking).catalog().fingerprint
    assert {"data/toc.dat"} <= set(manifest.files)
    assert (made.label, made.level, manifest.lsn[:2]) == ("before", 1, "0/")
    assert backups.verify(made.id, EFFECT).files == len(manifest.files)
    assert [path.name for path in backups.store.path.iterdir()] == [made.id]


def test_create_twice_is_create_once(backups: PostgresBackups) -> None:
    assert backup.look_created(backups, EFFECT) is None
    first = backup.create.do(backups, EFFECT)
    second = backup.create.do(backups, EFFECT)

    assert (first.id, first.at) == (second.id, second.at)
    assert backup.list_.do(backups).count == 1
    found = backup.look_created(backups, EFFECT)
    assert found is not None
    assert found.id == first.id


def test_the_latest_backup_has_an_age(backups: PostgresBackups) -> None:
    with pytest.raises(NotFound, match="no backup at all"):
        backup.latest.do(backups)
    backup.create.do(backups, EFFECT)
    second = backup.create.do(backups, Effect(key="r-2/1.2"))

    latest = backup.latest.do(backups)

    assert latest.id == second.id
    assert 0 < latest.age.total_seconds() < 600
    assert backup.list_.do(backups).backups[0].id == second.id


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (_flip, r"data/\d+\.dat\.gz has other contents of the same size"),
        (lambda path: os.truncate(path, 3), r"data/\d+\.dat\.gz has 3 bytes, not \d+"),
        (Path.unlink, r"data/\d+\.dat\.gz is missing"),
        (lambda path: path.with_name("x").write_text("x"), "data/x is not part of it"),
    ],
)
def test_verify_names_what_differs(
    backups: PostgresBackups, harm: Callable[[Path], object], says: str
) -> None:
    made = backup.create.do(backups, EFFECT)
    largest = max(
        (backups.store.path / made.id / "data").glob("*.gz"), key=lambda path: path.stat().st_size
    )

    harm(largest)

    with pytest.raises(Damaged, match=says):
        backups.verify(made.id, EFFECT)


def test_a_foreign_or_broken_manifest_is_refused(backups: PostgresBackups) -> None:
    made = backup.create.do(backups, EFFECT)
    folder = backups.store.path
    (folder / made.id).rename(folder / "renamed")
    with pytest.raises(Damaged, match=f"manifest in renamed is of backup {made.id}"):
        backups.verify("renamed", EFFECT)
    (folder / "renamed" / "manifest.json").write_text("{}")

    with pytest.raises(Damaged, match="cannot be read"):
        backups.verify("renamed", EFFECT)
    with pytest.raises(NotFound, match=r"no backup '\.\./x'"):
        backups.verify("../x", EFFECT)


def test_compare_counts_what_was_lost_and_written_since(
    booking: Server, backups: PostgresBackups, run: Run
) -> None:
    made = backup.create.do(backups, EFFECT)
    database, contents = PostgresDatabase(booking), PostgresContents(booking)
    same = backup.compare.do(backups, database, contents, backup=made.id)
    with booking.session() as session:
        session.execute("DELETE FROM bookings WHERE id IN (SELECT id FROM bookings LIMIT 3)")
        session.execute("ALTER TABLE bookings ADD COLUMN extra int")
    changed = backup.compare.do(backups, database, contents, backup=made.id)

    assert (same.different, same.fingerprint_equal, same.lost_rows) == (0, True, 0)
    assert same.contents_equal
    assert changed.fewer["public.bookings"] == 3
    assert not changed.fingerprint_equal
    assert "column public.bookings.extra is there and was not" in changed.differences


def test_rows_and_dump_are_of_one_moment_while_others_write(
    booking: Server, backups: PostgresBackups
) -> None:
    with booking.session() as session:
        session.execute("CREATE TABLE ticks (n int)")
    ended = threading.Event()

    def write() -> None:
        with booking.session() as session:
            while not ended.wait(0.001):
                session.execute("INSERT INTO ticks VALUES (1)")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = backup.create.do(backups, EFFECT)
    finally:
        ended.set()
        writer.join()

    toc = {path.name: path for path in (backups.store.path / made.id / "data").glob("*.gz")}
    counted = backups.get(made.id).rows["public.ticks"]
    lines = [gzip.decompress(path.read_bytes()).split(b"\n\\.")[0] for path in toc.values()]
    assert counted in {text.count(b"1\n") + (1 if text.endswith(b"1") else 0) for text in lines}


def test_a_server_that_is_away_leaves_nothing_half(tmp_path: Path) -> None:
    away = Server(lambda: "postgresql://u:canary-pass@127.0.0.1:1/none", "production")
    backups = PostgresBackups(
        away, FolderStore(tmp_path / "backups"), ProcessCommands(tmp_path / "commands")
    )

    with pytest.raises(Unavailable, match="cannot be reached") as caught:
        backup.create.do(backups, EFFECT)

    assert "canary" not in str(caught.value) + caught.value.hint
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_dump_whose_session_ends_midway_leaves_nothing_half(
    booking: Server, backups: PostgresBackups
) -> None:
    def kill(says: str, fraction: float | None) -> None:
        with booking.session() as session:
            session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'drillbook r-1/1.2' AND datname = current_database()"
            )

    with pytest.raises(DrillbookError) as caught:
        backup.create.do(backups, Effect(key="r-1/1.2", progress=kill))

    assert isinstance(caught.value, Unavailable | Failed)
    assert "production" in str(caught.value)
    assert list(backups.store.path.iterdir()) == []
    assert backup.create.do(backups, EFFECT).rows > 0


def test_ready_tells_tool_folder_and_space(booking: Server, tmp_path: Path) -> None:
    ready = backup.ready.do(PostgresBackupRoom(booking, FolderStore(tmp_path / "a" / "b")))

    assert ready.tool_fits
    assert ready.tool.endswith("pg_dump")
    assert ready.writable
    assert ready.free_bytes > ready.needed_bytes > 1_000_000
    assert ready.enough


def test_a_password_is_never_in_an_argument(
    booking: Server, backups: PostgresBackups, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = psycopg.conninfo.conninfo_to_dict(booking.address())["password"]
    seen: list[str] = []

    def look(says: str, fraction: float | None) -> None:
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(entry.read_bytes().decode(errors="replace"))
            except OSError:
                continue

    backup.create.do(backups, Effect(key="r-1/1.2", progress=look))

    assert any("pg_dump" in line for line in seen)
    assert not [line for line in seen if str(password) in line]
