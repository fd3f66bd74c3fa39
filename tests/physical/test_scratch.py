"""Throw-away servers can be entered, do nothing by themselves, and are gone with their worker."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from psycopg import sql

from drillbook.core.errors import Failed, NotFound
from drillbook.core.process_identity import running_with, send_signal, wait_until_gone
from drillbook.local.server import PostgresServer
from drillbook.providers.postgres.scratch import IN_REACH, ScratchRoom, ScratchServer
from drillbook.providers.postgres.server import Server
from physical.parts import allows, an_effect
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


def test_what_its_guard_removes_at_the_same_time_is_no_failure(room: ScratchRoom) -> None:
    room.folder.mkdir()
    dead = [room.folder / f"scratch-{number}" for number in range(8)]
    for place in dead:
        place.mkdir()
        (place / "held").touch()

    def remove() -> None:
        while not list(room.folder.glob(".dead-*")):
            pass
        for place in dead:
            shutil.rmtree(place, ignore_errors=True)

    guards = Thread(target=remove)
    guards.start()

    assert room.clear() == len(dead)
    guards.join()
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


def reached_from(server: Server, target: PostgresServer) -> dict[str, str]:
    """Call out of the database in two ways; return what came of each."""
    with psycopg.connect(**server.parameters(), autocommit=True) as session:
        session.execute("CREATE EXTENSION IF NOT EXISTS dblink; CREATE TEMP TABLE said (line text)")
        code = f"import socket; socket.create_connection(('127.0.0.1', {target.port}), 5)"
        calls = {
            "dblink": sql.SQL("SELECT dblink_connect('there', {})").format(target.url()),
            "program": sql.SQL("COPY said FROM PROGRAM {}").format(
                f'{sys.executable} -c "{code}" 2>&1'
            ),
        }
        found = {}
        for name, call in calls.items():
            try:
                session.execute(call)
                found[name] = "reached"
            except psycopg.Error as error:
                found[name] = f"{error.diag.message_primary}: {error.diag.message_detail}"
    return found


@pytest.mark.skipif(not allows("--user", "--net"), reason="no network namespaces here")
def test_code_in_a_scratch_server_reaches_nothing_outside(
    room: ScratchRoom, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    with room.server(an_effect(), 17) as scratch:
        from_fresh = reached_from(scratch.server, postgres_server)
        warnings = scratch.warnings
        scratch.running.stop()
        shutil.copytree(scratch.data, tmp_path / "copy")
    with room.from_data(an_effect(), tmp_path / "copy", 17) as scratch:
        from_copy = reached_from(scratch.server, postgres_server)
        warnings += scratch.warnings

    assert "Network is unreachable" in from_fresh["dblink"]
    assert "child process exited with exit code 1" in from_fresh["program"]
    assert from_copy == from_fresh
    assert warnings == ()
    # The same calls from a server that is not cut off.
    ordinary = reached_from(Server(postgres_server.url, "ordinary"), postgres_server)
    assert ordinary == {"dblink": "reached", "program": "reached"}


@pytest.mark.skipif(not allows("--user", "--map-root-user"), reason="no user namespaces here")
def test_a_machine_without_network_namespaces_is_told_of(room: ScratchRoom) -> None:
    script = (
        "from pathlib import Path; from drillbook.core.effect import Effect\n"
        "from drillbook.providers.postgres.scratch import ScratchRoom\n"
        "told = Effect(key='r-1/1.1', progress=lambda says, _: print(says))\n"
        f"with ScratchRoom(Path({str(room.folder)!r})).server(told, 17) as scratch:\n"
        "    with scratch.server.session() as session: session.execute('SELECT 1')\n"
        "    print(*scratch.warnings)"
    )
    # The kernel itself refuses here, as it does in many containers.
    refusing = 'echo 0 > /proc/sys/user/max_net_namespaces && exec "$0" -c "$1"'
    words = ["unshare", "--user", "--map-root-user", "sh", "-c", refusing, sys.executable, script]

    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [IN_REACH, IN_REACH]
    assert left_in(room) == []


def test_a_version_that_is_not_here_is_named(room: ScratchRoom) -> None:
    with (
        pytest.raises(NotFound, match=r"a server of Postgres 12 is not on this machine"),
        room.server(an_effect(), 12),
    ):
        pass
