"""Workers are killed at every moment they pass; what is done afterwards is done exactly once."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from drillbook.actions import migration
from drillbook.actions.migration.returning import taken_back
from drillbook.actions.migration.subject import change_of
from drillbook.core.effect import Effect
from drillbook.core.files import File
from drillbook.local.server import PostgresServer
from drillbook.providers.postgres.database import PostgresDatabase
from drillbook.providers.postgres.migrations import PostgresMigrations
from drillbook.providers.postgres.server import Server
from postgres.conftest import Run
from postgres.dying import KILLED, dies_at, ending, in_a_child
from postgres.test_applying import EFFECT, file

ONE = file("INSERT INTO log VALUES ('up');\nCREATE TABLE t (id int);\n")
ONE_DOWN = file("DROP TABLE t;\nINSERT INTO log VALUES ('down');\n", "down.sql")
PARTS = file(
    "INSERT INTO log VALUES ('a');\n"
    "CREATE INDEX CONCURRENTLY log_word ON log (word);\n"
    "INSERT INTO log VALUES ('b');\n"
    "ALTER TYPE mood ADD VALUE 'new';\nINSERT INTO moods VALUES ('new');\n"
    "VACUUM log;\n"
    "INSERT INTO log VALUES ('c');\n",
    "2_parts.sql",
)
PARTS_DOWN = file(
    "DROP INDEX CONCURRENTLY IF EXISTS log_word;\nINSERT INTO log VALUES ('down');\n",
    "2_parts.down.sql",
)
MOST = 40
# The long ones pass many moments: every second one keeps the tests short.
STEP = 2


@pytest.fixture
def ready(run: Run) -> Run:
    run("CREATE TABLE log (word text, n serial)")
    run("CREATE TYPE mood AS ENUM ('old')")
    run("CREATE TABLE moods (m mood)")
    return run


def words(run: Run) -> list[object]:
    return [row[0] for row in run("SELECT word FROM log ORDER BY n")]


@pytest.mark.parametrize(
    ("up", "expected"), [(ONE, ["up"]), (PARTS, ["a", "b", "c"])], ids=["one", "parts"]
)
def test_a_migration_killed_at_every_moment_is_applied_once(
    database: PostgresDatabase,
    migrations: PostgresMigrations,
    ready: Run,
    up: File,
    expected: list[str],
) -> None:
    deaths = 0
    for moment in range(1, MOST, STEP if up is PARTS else 1):
        effect = Effect(key=f"r-{moment}/3.1", run=f"r-{moment}")
        died = dies_at(
            moment, effect, lambda mine: migration.apply.do(database, migrations, mine, file=up)
        )
        deaths += died
        found = migration.look_applied(database, migrations, effect, file=up)
        if found is None:
            found = migration.apply.do(database, migrations, effect, file=up)

        assert words(ready) == expected
        assert found.fingerprint == database.catalog().fingerprint
        assert ready("SELECT status FROM drillbook.migrations") == [("applied",)]
        assert database.catalog().invalid_indexes == ()
        if not died:
            break
        start_over(ready)
    assert deaths >= 4


def start_over(run: Run) -> None:
    run("TRUNCATE drillbook.migrations, log, moods")
    run("DROP INDEX IF EXISTS log_word")
    run("DROP TABLE IF EXISTS t")
    run("ALTER TABLE moods ALTER m TYPE text")
    run("DROP TYPE mood")
    run("CREATE TYPE mood AS ENUM ('old')")
    run("ALTER TABLE moods ALTER m TYPE mood USING m::mood")


@pytest.mark.parametrize(
    ("up", "down", "expected"),
    [(ONE, ONE_DOWN, ["up", "down"]), (PARTS, PARTS_DOWN, ["a", "b", "c", "down"])],
    ids=["one", "parts"],
)
def test_a_way_back_killed_at_every_moment_is_gone_once(
    database: PostgresDatabase,
    migrations: PostgresMigrations,
    ready: Run,
    up: File,
    down: File,
    expected: list[str],
) -> None:
    deaths = 0
    for moment in range(1, MOST):
        effect = Effect(key=f"r-{moment}/3.1", run=f"r-{moment}")
        migration.apply.do(database, migrations, effect, file=up, down=down)

        def back(mine: Effect) -> None:
            taken_back(migrations, mine, change_of(up, down))

        died = dies_at(moment, effect, back)
        deaths += died
        back(effect)

        assert words(ready) == expected
        assert ready("SELECT status FROM drillbook.migrations") == [("taken back",)]
        if not died:
            break
        start_over(ready)
    assert deaths >= 3


def test_a_trial_killed_at_every_moment_ends_proven(
    database: PostgresDatabase, migrations: PostgresMigrations, ready: Run
) -> None:
    deaths = 0
    for moment in range(1, MOST, STEP):
        effect = Effect(key=f"r-{moment}/2.1", run=f"r-{moment}")
        died = dies_at(
            moment,
            effect,
            lambda mine: migration.try_.do(database, migrations, mine, file=ONE, down=ONE_DOWN),
        )
        deaths += died
        found = migration.look_tried(database, migrations, effect, file=ONE, down=ONE_DOWN)
        if found is None:
            found = migration.try_.do(database, migrations, effect, file=ONE, down=ONE_DOWN)

        assert words(ready) == ["up", "down", "up"]
        assert found.way_back == "proven"
        if not died:
            break
        start_over(ready)
    assert deaths >= 4


def _wait_for(run: Run, query: str) -> None:
    until = time.monotonic() + 20
    while not run(query)[0][0]:
        assert time.monotonic() < until, query
        time.sleep(0.01)


SLEEPS = (
    "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    " AND datname = current_database()"
)
SLOW = file("INSERT INTO log VALUES ('up');\nSELECT pg_sleep(60);\n")


def _quick(up: File) -> File:
    return up.model_copy(update={"text": up.text.replace("pg_sleep(60)", "pg_sleep(0)")})


def test_a_look_ends_the_statement_that_a_killed_worker_left_running(
    database: PostgresDatabase, migrations: PostgresMigrations, ready: Run
) -> None:
    child = in_a_child(lambda: migration.apply.do(database, migrations, EFFECT, file=SLOW))
    _wait_for(ready, SLEEPS)
    os.kill(child, signal.SIGKILL)
    assert ending(child) == KILLED

    assert migration.look_applied(database, migrations, EFFECT, file=SLOW) is None
    assert not ready(SLEEPS)[0][0]
    migration.apply.do(database, migrations, EFFECT, file=_quick(SLOW))

    assert words(ready) == ["up"]


def test_a_worker_killed_while_it_commits_has_applied_once_or_not_at_all(
    database: PostgresDatabase, migrations: PostgresMigrations, ready: Run
) -> None:
    ready("CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS"
          " 'BEGIN PERFORM pg_sleep(0.4); RETURN NULL; END'")  # fmt: skip
    ready("CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON log DEFERRABLE INITIALLY DEFERRED"
          " FOR EACH ROW EXECUTE FUNCTION slowly()")  # fmt: skip
    child = in_a_child(lambda: migration.apply.do(database, migrations, EFFECT, file=ONE))
    _wait_for(ready, SLEEPS)
    os.kill(child, signal.SIGKILL)
    assert ending(child) == KILLED

    found = migration.look_applied(database, migrations, EFFECT, file=ONE)
    if found is None:
        migration.apply.do(database, migrations, EFFECT, file=ONE)

    assert words(ready) == ["up"]


def test_a_frozen_worker_that_wakes_after_its_successor_changes_nothing(
    database: PostgresDatabase, migrations: PostgresMigrations, ready: Run
) -> None:
    child = in_a_child(lambda: migration.apply.do(database, migrations, EFFECT, file=SLOW))
    _wait_for(ready, SLEEPS)
    os.kill(child, signal.SIGSTOP)

    assert migration.look_applied(database, migrations, EFFECT, file=SLOW) is None
    applied = migration.apply.do(database, migrations, EFFECT, file=_quick(SLOW))
    os.kill(child, signal.SIGCONT)

    assert ending(child) == 1
    assert words(ready) == ["up"]
    found = migration.look_applied(database, migrations, EFFECT, file=SLOW)
    assert found == applied


def test_an_index_that_was_left_broken_is_repaired_and_the_rest_goes_on(
    database: PostgresDatabase, migrations: PostgresMigrations, ready: Run, database_url: str
) -> None:
    up = file("INSERT INTO log VALUES ('a');\nCREATE INDEX CONCURRENTLY log_word ON log (word);\n")
    with psycopg.connect(database_url) as writer:
        writer.execute("INSERT INTO log VALUES ('not committed')")  # CONCURRENTLY waits for it
        child = in_a_child(lambda: migration.apply.do(database, migrations, EFFECT, file=up))
        _wait_for(ready, "SELECT count(*) > 0 FROM pg_index WHERE NOT indisvalid")
        os.kill(child, signal.SIGKILL)
        assert ending(child) == KILLED
        assert migration.look_applied(database, migrations, EFFECT, file=up) is None
        assert database.catalog().invalid_indexes == ("public.log_word",)
        writer.rollback()

    migration.apply.do(database, migrations, EFFECT, file=up)

    assert words(ready) == ["a"]
    assert database.catalog().invalid_indexes == ()
    assert ready("SELECT count(*) FROM pg_indexes WHERE indexname = 'log_word'") == [(1,)]


@pytest.fixture
def crashing(tmp_path: Path) -> Iterator[PostgresServer]:
    """A server of the test's own, whose data survive a crash."""
    server = PostgresServer(tmp_path / "server")
    try:
        server.start(tied=True)
        yield server
    finally:
        server.stop()


def test_a_server_that_crashes_midway_loses_or_keeps_the_whole_migration(
    crashing: PostgresServer,
) -> None:
    database_url = crashing.url()
    target = Server(lambda: database_url, "production")
    database, migrations = PostgresDatabase(target), PostgresMigrations(target)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE log (word text, n serial)")
    child = in_a_child(lambda: migration.apply.do(database, migrations, EFFECT, file=SLOW))
    until = time.monotonic() + 20
    with psycopg.connect(database_url, autocommit=True) as connection:
        while not connection.execute(SLEEPS).fetchone()[0]:  # type: ignore[index]  # one row
            assert time.monotonic() < until
            time.sleep(0.01)
    crashing.kill()
    assert ending(child) == 1
    crashing.start(tied=True)

    assert migration.look_applied(database, migrations, EFFECT, file=SLOW) is None
    migration.apply.do(database, migrations, EFFECT, file=_quick(SLOW))

    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT word FROM log").fetchall() == [("up",)]
