"""Throw-away servers can be entered, do nothing by themselves, and are gone with their worker."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from drillbook.core.errors import Failed, NotFound
from drillbook.core.process_identity import running_with, send_signal, wait_until_gone
from drillbook.providers.postgres.scratch import ScratchRoom, ScratchServer
from physical.parts import an_effect
from postgres.dying import KILLED, ending, in_a_child


@pytest.fixture
def room(tmp_path: Path) -> Iterator[ScratchRoom]:
    room = ScratchRoom(tmp_path / "scratch")
    yield room
    room.clear()


def left_in(room: ScratchRoom) -> list[str]:
    return [path.name for path in room.folder.iterdir() if path.name != "lock"]


def test_a_scratch_server_is_gone_with_its_folder_whatever_happens(room: ScratchRoom) -> None:
    seen: list[ScratchServer] = []

    def work() -> None:
        with room.server(an_effect(), 17) as scratch, scratch.server.session() as session:
            seen.append(scratch)
            session.execute("SELECT 1 / 0")

    with pytest.raises(Failed, match="division by zero"):
        work()

    assert running_with("-D", str(seen[0].data)) == ()
    assert left_in(room) == []


def test_a_killed_worker_leaves_no_server(room: ScratchRoom) -> None:
    def work() -> None:
        with room.server(an_effect("dead"), 17):
            os.kill(os.getpid(), signal.SIGKILL)

    assert ending(in_a_child(work)) == KILLED
    for process in running_with(
        "-D", str(next(iter(room.folder.glob("scratch-*")), room.folder) / "data")
    ):
        assert wait_until_gone(process, 10)

    room.clear()
    assert left_in(room) == []


def test_clearing_ends_the_server_of_a_worker_that_died_with_its_guard(room: ScratchRoom) -> None:
    def work() -> None:
        with room.server(an_effect("dead"), 17) as scratch:
            for guard in running_with(str(scratch.folder)):
                send_signal(guard, signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)

    assert ending(in_a_child(work)) == KILLED
    (place,) = room.folder.glob("scratch-*")
    orphans = running_with("-D", str(place / "data"))
    assert orphans

    assert room.clear() == 1

    assert all(wait_until_gone(orphan, 0) for orphan in orphans)
    assert left_in(room) == []


def test_a_copy_runs_nothing_of_what_production_runs(room: ScratchRoom, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    hostile = {
        "archive_mode": "on",
        "archive_command": f"touch {touched}",
        "primary_conninfo": "host=127.0.0.1 port=1",
        "shared_preload_libraries": "no_such_library",
        "listen_addresses": "*",
    }
    with room.server(an_effect(), 17) as origin:
        with origin.server.session() as session:
            session.execute("ALTER ROLE postgres SET session_preload_libraries = 'no_such_library'")
            session.execute("ALTER ROLE postgres PASSWORD NULL")
        origin.running.stop()
        shutil.copytree(origin.data, tmp_path / "copy")
    copy = tmp_path / "copy"
    lines = [f"{name} = '{value}'\n" for name, value in hostile.items()]
    (copy / "postgresql.auto.conf").write_text("".join(lines))
    (copy / "postgresql.conf").unlink()
    (copy / "pg_hba.conf").write_text("local all all reject\n")
    (copy / "standby.signal").touch()

    with room.from_data(an_effect(), copy, 17) as scratch, scratch.server.session() as session:
        session.execute("CREATE TABLE t (n int)")
        session.execute("SELECT pg_switch_wal()")
        settings = dict(
            session.execute(
                "SELECT name, setting FROM pg_settings WHERE name = ANY (%s)", [list(hostile)]
            ).fetchall()
        )

    assert settings["listen_addresses"] == settings["shared_preload_libraries"] == ""
    assert settings["archive_mode"] == "off"
    assert settings["primary_conninfo"] == ""
    assert not touched.exists()
    assert not copy.exists()


def test_a_version_that_is_not_here_is_named(room: ScratchRoom) -> None:
    with (
        pytest.raises(NotFound, match=r"a server of Postgres 12 is not on this machine"),
        room.server(an_effect(), 12),
    ):
        pass
