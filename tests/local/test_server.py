"""The throw-away Postgres server, on every server this machine has."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from drillbook.core.postgres_tools import PostgresTools, found_tools
from drillbook.core.process_identity import identify, is_running, wait_until_gone
from drillbook.local import unprivileged
from drillbook.local.server import PostgresServer
from drillbook.local.sockets import LONGEST_SOCKET_FOLDER
from drillbook.local.unprivileged import Account, accounts, give
from physical.parts import allows

SERVERS = [tools for tools in found_tools() if tools.has("initdb") and tools.has("postgres")]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short and that is gone after the test, with whatever ran in it."""
    made = Path(tempfile.mkdtemp(prefix="drillbook-server-"))
    yield made
    for mark in made.glob("**/data/postmaster.pid"):
        PostgresServer(mark.parent.parent).stop()
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A server's folder that was made and never started, to copy: initdb takes a second."""
    above = Path(tempfile.mkdtemp(prefix="drillbook-made-"))
    PostgresServer(above / "made", durable=False).create()
    yield above / "made"
    shutil.rmtree(above)


@pytest.fixture
def server(folder: Path, made: Path) -> PostgresServer:
    """A server of the test's own, with data and not started."""
    shutil.copytree(made, folder, dirs_exist_ok=True)
    return PostgresServer(folder, durable=False)


def asked(server: PostgresServer, statement: str) -> object:
    with psycopg.connect(server.url()) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("tools", SERVERS, ids=lambda tools: tools.origin)
def test_server_answers_stops_and_starts_again_on_its_data(
    folder: Path, tools: PostgresTools
) -> None:
    server = PostgresServer(folder, tools=tools, durable=False)

    first = server.start()
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'ä' AS word")
    assert server.stop()
    assert not is_running(first)
    second = PostgresServer(folder, durable=False).start()

    assert second != first
    assert asked(server, "SELECT upper(word) FROM kept") in {"Ä", "ä"}
    assert asked(server, "SHOW fsync") == "off"
    assert server.status().running
    assert server.status().size_bytes > 1_000_000
    assert server.status().version == ".".join(map(str, tools.version))


def test_start_twice_is_start_once(folder: Path, server: PostgresServer) -> None:
    first = server.start()
    again = PostgresServer(folder, durable=False).start()

    assert again == first


def test_server_started_by_somebody_killed_at_once_is_taken_up_not_started_twice(
    server: PostgresServer,
) -> None:
    script = (
        "import os, signal; from pathlib import Path; from drillbook.local import server\n"
        "real = server.spawn\n"
        "def spawn(*words, **options):\n"
        "    real(*words, **options); os.kill(os.getpid(), signal.SIGKILL)\n"
        "server.spawn = spawn\n"
        f"server.PostgresServer(Path({str(server.folder)!r}), durable=False).start()"
    )
    killed = subprocess.run([sys.executable, "-c", script], check=False)

    server.start()

    assert killed.returncode == -signal.SIGKILL
    assert asked(server, "SELECT 1") == 1
    assert server._process is None


def test_server_killed_like_a_crash_starts_again_with_what_was_committed(
    server: PostgresServer,
) -> None:
    server = PostgresServer(server.folder)
    first = server.start()
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")

    assert server.kill()
    assert not is_running(first)
    assert not server.status().running
    server.start()

    assert asked(server, "SELECT number FROM kept") == 7
    assert asked(server, "SHOW fsync") == "on"


def test_pid_file_that_names_a_stranger_is_no_running_server(server: PostgresServer) -> None:
    server.start()
    server.kill()
    pid_file = server.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    assert server.identity() is None
    assert not server.stop()
    server.start()

    assert asked(server, "SELECT 1") == 1


def test_tcp_without_the_password_is_refused(folder: Path, server: PostgresServer) -> None:
    server.start()

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://postgres:wrong@127.0.0.1:{server.port}/postgres")

    hba = (server.data / "pg_hba.conf").read_text()
    assert "trust" not in [
        word for line in hba.splitlines() if line[:1] != "#" for word in line.split()
    ]
    assert (folder / "password").stat().st_mode & 0o777 == 0o600
    assert server.password not in Path(f"/proc/{server.status().pid}/cmdline").read_text()


def test_unix_socket_works_below_a_folder_with_a_very_long_path(folder: Path) -> None:
    deep = folder / ("long-" * 30)
    server = PostgresServer(deep, durable=False)
    server.start()
    sockets = server.sockets

    try:
        with psycopg.connect(
            host=str(sockets), port=server.port, user="postgres", password=server.password
        ) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert len(os.fsencode(sockets)) <= LONGEST_SOCKET_FOLDER
    finally:
        server.stop()
    assert not sockets.exists()


def test_port_taken_by_another_program_is_left_to_it(folder: Path, server: PostgresServer) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        (folder / "port").write_text(str(taken))

        server.start()

        assert server.port != taken
        assert asked(server, "SELECT 1") == 1


def test_tied_server_ends_and_its_folder_goes_when_its_owner_is_killed(folder: Path) -> None:
    below = folder / ("tied-" * 30)  # so long that the socket stands elsewhere
    script = (
        "import sys; from pathlib import Path; from drillbook.local.server import PostgresServer\n"
        f"s = PostgresServer(Path({str(below)!r}), durable=False)\n"
        "print(s.start(tied=True).pid, s._process.pid, s.sockets, flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    assert owner.stdin is not None
    *pids, sockets = owner.stdout.readline().split()
    server, guard = (identify(int(pid)) for pid in pids)
    assert Path(sockets).is_dir()
    assert server is not None
    assert guard is not None

    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    owner.stdin.close()

    assert wait_until_gone(server, 20)
    assert wait_until_gone(guard, 20)
    assert not below.exists()
    assert not Path(sockets).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has several ways to not be root")
@pytest.mark.parametrize("account", list(accounts()), ids=lambda account: account.name)
def test_every_way_to_not_be_root_starts_a_server(
    folder: Path, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.chmod(0o755)
    monkeypatch.setattr(unprivileged, "accounts", lambda: iter([account]))
    server = PostgresServer(folder / "server", durable=False)
    server.folder.mkdir()

    server.start()

    assert asked(server, "SELECT 1") == 1
    assert (server.data / "PG_VERSION").stat().st_uid == account.owner
    assert server.has_network()
    server.stop()

    alone = PostgresServer(server.folder, durable=False, offline=True)
    alone.start()

    assert asked(alone, "SELECT 1") == 1
    user = ["--user"] if account.prefix[0] == "unshare" else []
    assert alone.has_network() is not allows("--net", *user)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand files over")
def test_data_changes_hands_when_the_way_to_not_be_root_changes(server: PostgresServer) -> None:
    server.start()
    server.stop()
    give(server.data, 65534)

    server.start()

    assert asked(server, "SELECT 1") == 1


@pytest.mark.parametrize(("user", "offline"), [(1234, False), (65534, False), (65534, True)])
def test_normal_user_with_an_empty_home_starts_a_server(
    folder: Path, user: int, offline: bool
) -> None:
    home = folder / "home"
    home.mkdir()
    script = (
        "import os; from pathlib import Path; from drillbook.local.server import PostgresServer\n"
        f"s = PostgresServer(Path({str(home / 'server')!r}), durable=False, offline={offline})\n"
        "s.start(); print(os.geteuid(), s.has_network(), s.stop())"
    )
    as_user: list[str] = []
    if os.geteuid() == 0:
        # A namespace, not setuid: the interpreter may lie below root's own home.
        as_user = ["unshare", "--user", f"--map-user={user}", f"--map-group={user}", "--"]

    done = subprocess.run(
        [*as_user, sys.executable, "-c", script],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    was, networked, stopped = done.stdout.split()
    assert was == str(user if as_user else os.geteuid())
    assert networked == str(not (offline and allows("--user", "--net")))
    assert stopped == "True"
