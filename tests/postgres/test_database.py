"""Looking at a database names who is in the way and changes nothing."""

import psycopg
import pytest

from drillbook.actions import database as actions
from drillbook.core.errors import Refused, Unavailable
from drillbook.providers.postgres.database import PostgresDatabase
from drillbook.providers.postgres.sentences import as_ours
from drillbook.providers.postgres.server import Server
from postgres.conftest import Run


def test_access_tells_server_user_and_size(database: PostgresDatabase, database_url: str) -> None:
    found = actions.access.do(database)

    assert found.database == database_url.rpartition("/")[2]
    assert (found.user, found.writable, found.superuser) == ("postgres", True, True)
    assert found.server_version.startswith(str(found.server_major))
    assert found.size_bytes > 1_000_000


def test_connections_count_transactions_left_open(
    database: PostgresDatabase, database_url: str
) -> None:
    with psycopg.connect(database_url) as idle:
        idle.execute("SELECT 1")
        found = actions.connections.do(database)

    assert found.idle_in_transaction >= 1
    assert found.longest_transaction_seconds > 0
    assert 0 < found.used < found.limit


def test_blockers_are_named_by_table_and_by_who_waits(
    database: PostgresDatabase, database_url: str, run: Run
) -> None:
    run("CREATE TABLE notes (id int)")
    with psycopg.connect(database_url, application_name="reporting") as holder:
        holder.execute("SELECT * FROM notes")
        found = actions.blockers.do(database, table="public.notes")

    assert found.count == 1
    assert found.sessions[0].application == "reporting"
    assert found.sessions[0].state == "idle in transaction"
    assert found.sessions[0].query == "SELECT * FROM notes"
    assert actions.blockers.do(database).count == 0
    with pytest.raises(Refused, match="not a table's name"):
        actions.blockers.do(database, table=" x")


def test_a_session_left_in_a_transaction_gives_its_locks_back(
    server: Server, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drillbook.providers.postgres.server.IDLE_MILLISECONDS", "500")
    run("CREATE TABLE wanted (id int)")
    with server.session() as frozen:
        frozen.execute("BEGIN")
        frozen.execute("SELECT * FROM wanted")

        with psycopg.connect(server.address(), autocommit=True) as other:
            other.execute("SET lock_timeout = '30s'")
            other.execute("DROP TABLE wanted")

        with pytest.raises(psycopg.Error) as ended:
            frozen.execute("SELECT 1")
    assert isinstance(as_ours(ended.value, "it"), Unavailable)
