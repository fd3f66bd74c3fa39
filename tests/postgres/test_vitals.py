"""The vitals of a real server: who is in, who waits for whom, and what came of entering."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from drillbook.actions import database as actions
from drillbook.core.vitals import Entrance
from drillbook.providers.postgres.server import Server
from drillbook.providers.postgres.vitals import PostgresVitals

LOGIN = "vitals_test_login"


@contextmanager
def waiting(url: str, statement: str) -> Iterator[None]:
    """A client whose statement waits for a lock, until the block ends."""
    with psycopg.connect(url, application_name="shop", autocommit=True) as client:
        pid = client.info.backend_pid

        def go() -> None:
            try:
                client.execute(statement.encode())
            except psycopg.Error:
                return  # ended by the test

        thread = threading.Thread(target=go)
        thread.start()
        with psycopg.connect(url, autocommit=True) as other:
            query = "SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s"
            while other.execute(query, [pid]).fetchone() != ("Lock",):
                time.sleep(0.01)  # Postgres tells nobody when somebody begins to wait
            try:
                yield
            finally:
                other.execute("SELECT pg_cancel_backend(%s)", [pid])
                thread.join()


@pytest.fixture
def vitals(server: Server) -> PostgresVitals:
    return PostgresVitals(server)


def test_whoever_holds_a_lock_is_named_with_those_who_wait_though_the_table_is_locked(
    vitals: PostgresVitals, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as setting:
        setting.execute("CREATE TABLE orders (id int PRIMARY KEY)")
    with psycopg.connect(database_url, application_name="forgotten") as holder:
        holder.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        with waiting(database_url, "SELECT * FROM orders"):
            looked = actions.vitals.do(vitals)

    found = looked.vitals
    assert found.entrance is Entrance.OPEN
    assert [(one.application, one.waiting) for one in found.blockers] == [("forgotten", 1)]
    assert [(one.relation, one.application) for one in found.waiting] == [("orders", "shop")]
    assert found.blockers[0].session_started is not None
    assert not looked.ok
    assert "1 wait for pid" in looked.says


def test_a_role_that_has_all_its_connections_is_full_and_its_sessions_are_named(
    vitals: PostgresVitals, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as setting:
        name = sql.Identifier(LOGIN)
        setting.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(name))
        setting.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'p' CONNECTION LIMIT 2").format(name)
        )
        where = setting.info
        url = f"host={where.host} port={where.port} dbname={where.dbname} user={LOGIN} password=p"
        try:
            with psycopg.connect(url, application_name="report"), psycopg.connect(url):
                found = actions.vitals.do(vitals)
        finally:
            setting.execute(sql.SQL("DROP ROLE {}").format(name))

    role = next(one for one in found.vitals.roles if one.role == LOGIN)
    assert (role.used, role.limit, role.is_full) == (2, 2, True)
    assert LOGIN in found.full_roles
    holder = next(one for one in found.vitals.holders if one.application == "report")
    assert (holder.role, holder.count, holder.idle, len(holder.sessions)) == (LOGIN, 1, 1, 1)


def test_a_place_that_others_of_ours_leave_in_time_is_waited_for(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as setting:
        name = sql.Identifier(LOGIN)
        setting.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(name))
        setting.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'p' CONNECTION LIMIT 1").format(name)
        )
        where = setting.info
        url = f"postgresql://{LOGIN}:p@/{where.dbname}?host={where.host}&port={where.port}"
        taken = psycopg.connect(url)
        leaving = threading.Timer(0.3, taken.close)  # nobody is told that somebody was refused
        leaving.start()
        try:
            found = PostgresVitals(Server(lambda: url, "production")).vitals()
        finally:
            leaving.join()
            setting.execute(sql.SQL("DROP ROLE {}").format(name))

    assert found.entrance is Entrance.OPEN


def test_scans_of_a_table_are_measured_and_a_reference_without_an_index_is_told(
    vitals: PostgresVitals, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as setting:
        setting.execute("CREATE TABLE rooms (id int PRIMARY KEY)")
        setting.execute("CREATE TABLE stays (id int, room int REFERENCES rooms)")
        setting.execute("INSERT INTO rooms SELECT generate_series(1, 10)")
        setting.execute("INSERT INTO stays SELECT n, 1 + n % 10 FROM generate_series(1, 9000) n")
        setting.execute("ANALYZE")
        over = threading.Event()

        def scan() -> None:
            with psycopg.connect(database_url, autocommit=True) as reader:
                while not over.is_set():
                    reader.execute("SELECT count(*) FROM stays WHERE room = 3")
                    reader.execute("SELECT pg_stat_force_next_flush()")

        thread = threading.Thread(target=scan)
        thread.start()
        try:
            found = vitals.vitals()
        finally:
            over.set()
            thread.join()

    table = next(one for one in found.tables if one.table == "public.stays")
    assert table.unindexed == ("room",)
    assert table.rows == 9000
    assert table.scans_per_second > 1
    assert table.read_per_scan == pytest.approx(9000, rel=0.2)


def test_a_server_that_lets_nobody_in_is_an_answer(server: Server, database_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens here
        port = taken.getsockname()[1]
        nobody = PostgresVitals(Server(lambda: f"postgresql://u:p@127.0.0.1:{port}/d", "there"))
        refused = nobody.vitals()
    wrong = f"{database_url.partition('://')[0]}://nobody:p@{database_url.partition('@')[2]}"
    turned_away = PostgresVitals(Server(lambda: wrong, "there")).vitals()

    assert refused.entrance is Entrance.REFUSED
    assert turned_away.entrance is Entrance.PASSWORD
    assert not actions.vitals.do(nobody).ok
    assert PostgresVitals(server).vitals().entrance is Entrance.OPEN
