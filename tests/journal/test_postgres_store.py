import os
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from drillbook.core.errors import DrillbookError, Refused, SettingsInvalid, Unavailable
from drillbook.engine.journal import open_journal
from drillbook.engine.journal import postgres as postgres_module
from drillbook.local.server import PostgresServer
from journal.samples import entry, fill

CANARY = "canary p@ss/word"


def at(url: str, **parts: str | int) -> str:
    """Return the URL with another user, password, port or database."""
    old = urlsplit(url)
    user, password = parts.get("user", old.username), parts.get("password", old.password)
    place = f"{user}:{quote(str(password), safe='')}@{old.hostname}:{parts.get('port', old.port)}"
    path = f"/{parts['database']}" if "database" in parts else old.path
    return urlunsplit((old.scheme, place, path, "", ""))


def test_a_wrong_password_is_a_wrong_setting_and_is_not_told(database_url: str, home: Path) -> None:
    with pytest.raises(SettingsInvalid, match="refuses the login") as caught:
        open_journal(at(database_url, password=CANARY), home)

    assert CANARY not in told(caught.value)


def test_a_missing_database_is_a_wrong_setting(database_url: str, home: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r'database "nowhere" does not exist'):
        open_journal(at(database_url, database="nowhere"), home)


def test_a_server_that_does_not_answer_is_unavailable(database_url: str, home: Path) -> None:
    with pytest.raises(Unavailable, match="does not answer") as caught:
        open_journal(at(database_url, password=CANARY, port=1), home)

    assert CANARY not in told(caught.value)


@pytest.mark.parametrize("rest", ["127.0.0.1:port/d", "127.0.0.1/d?x=y", "[127.0.0.1/d"])
def test_a_url_that_cannot_be_used_is_not_quoted(rest: str, home: Path) -> None:
    with pytest.raises((SettingsInvalid, Unavailable)) as caught:
        open_journal(f"postgresql://u:canary@{rest}", home)

    assert "canary" not in told(caught.value)


def told(error: BaseException | None) -> str:
    """Return all that a traceback would show of an error."""
    if error is None:
        return ""
    hint = error.hint if isinstance(error, DrillbookError) else ""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return f"{error} {error!r} {hint} {told(cause)}"


def test_a_login_without_rights_is_refused(database_url: str, home: Path) -> None:
    name = f"reader_{urlsplit(database_url).path[-8:]}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret-word'")
        connection.execute(create.format(sql.Identifier(name)))
        try:
            with pytest.raises(Refused, match="permission denied for database"):
                open_journal(at(database_url, user=name, password="secret-word"), home)
        finally:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_a_server_that_only_reads_is_unavailable(database_url: str, home: Path) -> None:
    journal = open_journal(database_url, home)
    fill(journal, 1)
    journal.close()
    database = urlsplit(database_url).path[1:]
    with psycopg.connect(database_url, autocommit=True) as connection:
        text = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on")
        connection.execute(text.format(sql.Identifier(database)))

    reading = open_journal(database_url, home)

    assert reading.verify().size == 2
    with pytest.raises(Unavailable, match="only reads now"):
        reading.append(entry())
    reading.close()


def test_connections_the_server_ended_are_made_again(database_url: str, home: Path) -> None:
    journal = open_journal(database_url, home)
    fill(journal, 1)
    assert journal.wait("r-0", after=-1, timeout_seconds=0)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    assert journal.append(entry(key="k")).size == 3
    assert [one.key for one in journal.entries("r-1")] == ["k"]
    assert journal.wait("r-1", after=-1, timeout_seconds=5)
    journal.close()


def test_a_server_killed_under_appends_loses_nothing_acknowledged(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "server")
    server.start(tied=True)
    try:
        journal = open_journal(server.url(), tmp_path / "home")
        acknowledged: list[int] = []
        is_under_way = threading.Event()

        def append_all() -> None:
            for number in range(60):
                journal.append(entry(task=str(number), key=f"k{number}"))
                acknowledged.append(number)
                if number == 20:
                    is_under_way.set()

        appending = threading.Thread(target=append_all)
        appending.start()
        is_under_way.wait()
        server.kill()
        server.start(tied=True)
        appending.join()

        assert acknowledged == list(range(60))
        assert [int(one.task) for one in journal.entries("r-1")] == list(range(60))
        assert journal.verify().size == 61
        journal.close()
    finally:
        server.stop()


SOON = postgres_module.BEGIN.replace(
    "idle_in_transaction_session_timeout = '5s'", "idle_in_transaction_session_timeout = '1s'"
)


def test_a_worker_frozen_in_an_append_gives_the_lock_back(database_url: str, home: Path) -> None:
    journal = open_journal(database_url, home)
    with psycopg.connect(database_url, autocommit=True) as frozen:
        frozen.execute(SOON)  # and then it says nothing more

        assert journal.append(entry(key="k")).size == 2

        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            frozen.execute("COMMIT")
    journal.close()


def test_an_append_that_does_not_get_its_turn_says_so_and_the_next_one_does(
    database_url: str, home: Path
) -> None:
    journal = open_journal(database_url, home)
    fill(journal, 1)
    journal._store._writer.execute("SET statement_timeout = '100ms'")  # type: ignore[attr-defined]
    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (postgres_module.LOCK,))

        with pytest.raises(Unavailable, match="canceling statement due to statement timeout"):
            journal.append(entry(key="k"))

    assert journal.append(entry(key="k")).size == 3
    journal.close()


def test_a_session_default_of_repeatable_read_does_not_fork_the_log(
    database_url: str, tmp_path: Path
) -> None:
    database = urlsplit(database_url).path[1:]
    with psycopg.connect(database_url, autocommit=True) as connection:
        text = sql.SQL("ALTER DATABASE {} SET default_transaction_isolation = 'repeatable read'")
        connection.execute(text.format(sql.Identifier(database)))
    journals = [open_journal(database_url, tmp_path / str(number)) for number in range(3)]
    threads = [threading.Thread(target=fill, args=(journal, 15)) for journal in journals]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert journals[0].verify().size == 3 * 15 + 3
    for journal in journals:
        journal.close()


FREEZING = """
import os, signal, sys
from drillbook.engine.journal import postgres
from drillbook.engine.journal.postgres import PostgresStore
from drillbook.engine.journal.store import HeadRow, Row

postgres.BEGIN = os.environ["BEGIN"]

def rows():
    for number in range(1000, 3000):
        yield Row(number, b"body", b"leaf", "r-1", "", "")
    os.kill(os.getpid(), signal.SIGSTOP)

with PostgresStore(os.environ["STORE"]).writing() as writing:
    writing.write(rows(), HeadRow(b"head", b"edge"))
"""


def test_a_worker_frozen_while_it_sends_entries_gives_the_lock_back(
    database_url: str, home: Path
) -> None:
    journal = open_journal(database_url, home)
    fill(journal, 1)
    journal._store._writer.execute("SET statement_timeout = '20s'")  # type: ignore[attr-defined]
    frozen = subprocess.Popen(
        [sys.executable, "-c", FREEZING], env={**os.environ, "STORE": database_url, "BEGIN": SOON}
    )
    try:
        os.waitid(os.P_PID, frozen.pid, os.WSTOPPED | os.WNOWAIT)

        assert journal.append(entry(key="k")).size == 3
    finally:
        frozen.kill()
        frozen.wait()
        journal.close()
