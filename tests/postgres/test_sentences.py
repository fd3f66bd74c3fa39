"""What goes wrong on a real server comes out as one clear sentence and a hint."""

import socket
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from drillbook.actions import database as database_actions
from drillbook.actions.migration.subject import change_of
from drillbook.core.effect import Deadline, Effect, deadline
from drillbook.core.errors import (
    DrillbookError,
    Failed,
    OutcomeUnknown,
    Refused,
    SettingsInvalid,
    Unavailable,
)
from drillbook.local.server import PostgresServer
from drillbook.ports.migrations import Change
from drillbook.providers.postgres.database import PostgresDatabase
from drillbook.providers.postgres.migrations import PostgresMigrations
from drillbook.providers.postgres.sentences import as_ours
from drillbook.providers.postgres.server import Server
from postgres.conftest import Run
from postgres.test_applying import EFFECT, file


def database_at(url: str) -> PostgresDatabase:
    return PostgresDatabase(Server(lambda: url, "production"))


def with_user(url: str, user: str, password: str) -> str:
    return psycopg.conninfo.make_conninfo(url, user=user, password=password)


@pytest.mark.parametrize(
    ("url", "kind", "says"),
    [
        ("postgresql://u:canary1@127.0.0.1:1/d", Unavailable, "cannot be reached: .*refused"),
        ("postgresql://u:canary1@no-such-host.invalid/d", Unavailable, "cannot be reached"),
        ("postgresql://u:canary1@127.0.0.1:99x/d", Unavailable, "invalid integer value"),
        ("mysql://u:canary1@h/d", SettingsInvalid, "is not a Postgres address"),
    ],
)
def test_an_address_that_leads_nowhere_is_told_without_its_password(
    url: str, kind: type[DrillbookError], says: str
) -> None:
    with pytest.raises(kind, match=says) as caught:
        database_at(url).access()

    assert "canary1" not in f"{caught.value} {caught.value.hint}"
    assert caught.value.hint


def test_a_wrong_password_and_a_missing_database_are_told(database_url: str) -> None:
    with pytest.raises(Refused, match="refused the login: password authentication failed"):
        database_at(with_user(database_url, "postgres", "canary2")).access()
    with pytest.raises(Refused, match='has no such database: database "none" does not exist'):
        PostgresDatabase(Server(lambda: database_url, "production", "none")).access()


def test_a_server_that_never_answers_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        silent_server = Server(
            lambda: f"postgresql://u@127.0.0.1:{port}/d", "production", connect_seconds=2
        )
        with pytest.raises(Unavailable, match="did not answer within 2 s"), silent_server.session():
            raise AssertionError("nobody answers there")


@pytest.fixture
def plain_role(postgres_server: PostgresServer, database_url: str) -> Iterator[str]:
    """The URL of the test's database for a role that may nothing."""
    name = "plain_" + database_url.rpartition("/")[2]
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        role = sql.Identifier(name)
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'x' CONNECTION LIMIT 2").format(role)
        )
        yield with_user(database_url, name, "x")
        connection.execute(sql.SQL("DROP ROLE {}").format(role))


def test_a_role_without_rights_is_refused_and_told_which(plain_role: str, run: Run) -> None:
    migrations = PostgresMigrations(Server(lambda: plain_role, "production"))

    with pytest.raises(Refused, match="does not allow it: permission denied for database"):
        migrations.apply(_change("CREATE TABLE a (id int);"), EFFECT)

    assert run("SELECT to_regclass('a')") == [(None,)]


def test_too_many_connections_are_told(plain_role: str) -> None:
    full = pytest.raises(Unavailable, match="takes no more connections: too many connections")
    with psycopg.connect(plain_role), psycopg.connect(plain_role), full:
        database_at(plain_role).access()


def _change(text: str) -> Change:
    found = file(text)
    return change_of(found, retries=0)


def test_a_standby_is_read_only_and_says_so(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    source = psycopg.conninfo.conninfo_to_dict(postgres_server.url())
    copy = PostgresServer(tmp_path / "standby", durable=False)
    copy.create()
    (copy.data / "standby.signal").touch()
    (copy.data / "standby.signal").chmod(0o644)
    assert source["host"] == "127.0.0.1"
    try:
        copy.start(tied=True)
        target = Server(copy.url, "production")
        access = database_actions.access.do(PostgresDatabase(target))
        with pytest.raises(Refused, match="production is read-only"):
            PostgresMigrations(target).apply(_change("CREATE TABLE a (id int);"), EFFECT)
    finally:
        copy.stop()

    assert not access.writable
    assert access.read_only_because == "the server is a standby"


def test_a_full_disk_leaves_nothing_and_is_told(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=120m", "tmpfs", str(small)],
        capture_output=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip("a small disk needs the right to mount one")
    server = PostgresServer(
        small / "server", durable=False, settings={"max_wal_size": "32MB", "min_wal_size": "32MB"}
    )
    try:
        server.start(tied=True)
        target = Server(server.url, "production")
        text = (
            "CREATE UNLOGGED TABLE big (t text);\nALTER TABLE big ALTER t SET STORAGE PLAIN;\n"
            "INSERT INTO big SELECT repeat('x', 2000) FROM generate_series(1, 100000);\n"
        )
        with pytest.raises(Failed, match=r"line 3 .*(No space left|could not extend)") as caught:
            PostgresMigrations(target).apply(_change(text), EFFECT)
        assert "Nothing was changed" in str(caught.value)
        assert "Free space" in caught.value.hint
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT to_regclass('big')").fetchone() == (None,)
    finally:
        server.stop()
        subprocess.run(["umount", str(small)], check=True)


class Proxy:
    """Passes bytes between a client and the server until it is cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        self.cut_before = b"no such bytes"
        self.cut_after = False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        for one in self._open:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            self._open += [client, server]
            for source, goal in ((client, server), (server, client)):
                threading.Thread(target=self._pass, args=(source, goal), daemon=True).start()

    def _pass(self, source: socket.socket, goal: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if self.cut_before in data:
                    if self.cut_after:
                        # The server gets it, and the client never hears the answer.
                        source.shutdown(socket.SHUT_RD)
                        source.shutdown(socket.SHUT_WR)
                        goal.sendall(data)
                        goal.shutdown(socket.SHUT_WR)
                        return
                    self.cut()
                    return
                goal.sendall(data)
            goal.shutdown(socket.SHUT_WR)
        except OSError:
            return


@pytest.fixture
def proxy(database_url: str) -> Iterator[Proxy]:
    parts = psycopg.conninfo.conninfo_to_dict(database_url)
    made = Proxy("127.0.0.1", int(str(parts["port"])))
    yield made
    made.close()


def _through(proxy: Proxy, url: str) -> Server:
    return Server(
        lambda: psycopg.conninfo.make_conninfo(url, port=proxy.port, sslmode="disable"),
        "production",
    )


def test_a_connection_lost_in_a_statement_has_changed_nothing(
    proxy: Proxy, database_url: str, run: Run
) -> None:
    proxy.cut_before = b"CREATE TABLE lost"
    away = _through(proxy, database_url)

    with pytest.raises(Unavailable, match=r"line 1 .*Nothing was changed"):
        PostgresMigrations(away).apply(_change("CREATE TABLE lost (id int);"), EFFECT)

    assert run("SELECT to_regclass('lost')") == [(None,)]


def test_a_connection_lost_in_a_commit_is_unknown_until_the_look(
    database_url: str, run: Run, migrations: PostgresMigrations
) -> None:
    run("CREATE TABLE log (word text)")
    # Making the ledger commits as well: it is there before the connections are cut.
    migrations.apply(_change("SELECT 1;"), EFFECT)
    change = _change("INSERT INTO log VALUES ('up');")
    for number, after in enumerate((False, True)):
        effect = Effect(key=f"r-cut-{number}/3.1", run=f"r-cut-{number}")
        named = change.model_copy(update={"name": f"{number}.sql"})
        line = Proxy("127.0.0.1", int(str(psycopg.conninfo.conninfo_to_dict(database_url)["port"])))
        away = PostgresMigrations(_through(line, database_url))
        line.cut_before, line.cut_after = b"COMMIT\0", after

        with pytest.raises(OutcomeUnknown, match=r"lost while .* was being committed"):
            away.apply(named, effect)
        line.close()

        row = migrations.settle(effect)
        assert (row is not None) is after
        if row is None:
            migrations.apply(named, effect)
        assert run("SELECT count(*) FROM log") == [(number + 1,)]


def test_a_task_whose_time_is_over_ends_its_statement(
    migrations: PostgresMigrations, run: Run
) -> None:
    token = deadline.set(Deadline(datetime.now(UTC) + timedelta(seconds=0.5)))
    try:
        with pytest.raises(Unavailable, match="statement timeout"):
            migrations.apply(_change("CREATE TABLE a (id int); SELECT pg_sleep(60);"), EFFECT)
    finally:
        deadline.reset(token)

    assert run("SELECT to_regclass('a')") == [(None,)]


@pytest.mark.parametrize(
    ("statement", "kept", "left_out"),
    [
        ("INSERT INTO people VALUES ('ana@example.com')", "Key (mail)=(…)", "ana@"),
        ("INSERT INTO people VALUES (NULL)", "row contains (…)", "(null)"),
    ],
)
def test_a_failure_names_columns_and_never_the_values_of_rows(
    database_url: str, statement: str, kept: str, left_out: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute("CREATE TABLE people (mail text PRIMARY KEY)")
        session.execute("INSERT INTO people VALUES ('ana@example.com')")
        with pytest.raises(psycopg.Error) as caught:
            session.execute(statement)

    says = str(as_ours(caught.value, "the database"))

    assert kept in says
    assert left_out not in says
