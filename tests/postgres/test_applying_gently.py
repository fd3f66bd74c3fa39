"""Applying under traffic: who is in the way is waited for, named and ended only on purpose."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from pydantic import JsonValue

from drillbook.actions import migration
from drillbook.core.effect import Deadline, Effect, deadline
from drillbook.core.errors import Failed, Unavailable
from drillbook.core.quantities import parse_duration
from drillbook.core.rehearsal import Forecast, TableForecast
from drillbook.ports.ways_back import WayBackScript
from drillbook.providers.postgres.database import PostgresDatabase
from drillbook.providers.postgres.migrations import PostgresMigrations
from postgres.conftest import Run
from postgres.test_applying import EFFECT, UP, file

ALTER = file("ALTER TABLE notes ADD COLUMN x int;")
UNSEEN = "DO $$ BEGIN EXECUTE 'ALTER TABLE notes ADD COLUMN x int'; END $$;"  # by no reading
SHORT = {"lock_timeout": parse_duration("200ms")}


class Heard:
    """What an effect told while it was carried out."""

    def __init__(self) -> None:
        self.progress: list[tuple[str, float | None]] = []
        self.notes: dict[str, tuple[str, Mapping[str, JsonValue]]] = {}

    def effect(self, key: str = "r-1/3.1") -> Effect:
        def note(name: str, says: str, data: Mapping[str, JsonValue]) -> None:
            self.notes.setdefault(name, (says, data))

        def progress(says: str, fraction: float | None) -> None:
            self.progress.append((says, fraction))

        return Effect(key=key, run="r-1", task="3.1", progress=progress, note=note)

    def said(self, part: str) -> list[str]:
        return [says for says, _ in self.progress if part in says]


@contextmanager
def holding(url: str, statement: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Hold the locks of a statement in a transaction that does nothing, until it is closed."""
    with psycopg.connect(url, application_name="reporting") as other:
        other.execute(statement.encode())
        yield other
        other.close()


def test_a_reader_that_leaves_in_time_is_waited_for_and_nobody_queues(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run, database_url: str
) -> None:
    run("CREATE TABLE notes (id int)")
    queued: list[object] = []
    told: list[str] = []
    with holding(database_url, "SELECT * FROM notes") as reader:

        def progress(says: str, fraction: float | None) -> None:
            if "waits for pid" in says:
                told.append(says)
                queued.append(run("SELECT count(*) FROM pg_locks WHERE NOT granted")[0][0])
                if len(told) == 3:
                    reader.rollback()

        applied = migration.apply.do(
            database, migrations, replace(EFFECT, progress=progress), file=ALTER, **SHORT
        )

    assert run("SELECT count(x) FROM notes") == [(0,)]
    assert "nobody is made to wait" in told[0]
    assert queued == [0, 0, 0]
    assert "reporting" in applied.waited_for[0]


def test_who_made_a_try_fail_stands_in_the_result_and_in_the_record(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run, database_url: str
) -> None:
    run("CREATE TABLE notes (id int)")
    heard = Heard()
    statement = "SELECT pg_sleep(30) FROM (SELECT count(*) FROM notes) AS n"
    with psycopg.connect(database_url, application_name="report", autocommit=True) as other:
        thread = threading.Thread(target=_quietly, args=[other, statement])
        thread.start()
        while not run("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                      " AND datname = current_database()")[0][0]:  # fmt: skip
            time.sleep(0.01)

        def progress(says: str, fraction: float | None) -> None:
            if says.startswith("waited for") and "report" in says:
                other.cancel()

        effect = replace(heard.effect(), progress=progress)
        applied = migration.apply.do(
            database, migrations, effect, file=file(UNSEEN), lock_timeout=parse_duration("500ms")
        )
        thread.join()

    assert "report" in " ".join(applied.waited_for)
    noted = [says for says, _ in heard.notes.values()]
    assert any(says.startswith("waited for pid") for says in noted)
    assert noted[-1].startswith("line 1: DO $$ BEGIN EXECUTE 'ALTER TABLE notes")


def test_a_writer_in_the_way_of_an_index_is_waited_for_and_a_reader_is_not(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run, database_url: str
) -> None:
    run("CREATE TABLE notes (id int)")
    impatient = {**SHORT, "patience": parse_duration("300ms")}
    with holding(database_url, "SELECT * FROM notes"):
        migration.apply.do(
            database, migrations, EFFECT, file=file("CREATE INDEX i ON notes (id);"), **impatient
        )
    with (
        holding(database_url, "INSERT INTO notes VALUES (1)"),
        pytest.raises(Unavailable, match=r"within 0.3 s: pid .*reporting.*Nothing was changed"),
    ):
        migration.apply.do(
            database, migrations, Effect(key="r-2/1"), file=file("DROP INDEX i;", "2.sql"),
            **impatient,
        )  # fmt: skip


def test_patience_never_outlasts_the_time_of_the_task(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run, database_url: str
) -> None:
    run("CREATE TABLE notes (id int)")
    began = time.monotonic()
    with holding(database_url, "SELECT * FROM notes"):
        token = deadline.set(Deadline(datetime.now(UTC) + timedelta(seconds=1.5)))
        try:
            with pytest.raises(Unavailable, match="reporting"):
                migration.apply.do(database, migrations, EFFECT, file=ALTER, **SHORT)
        finally:
            deadline.reset(token)

    assert time.monotonic() - began < 30  # its own patience is a minute


@pytest.mark.parametrize(
    "switch",
    [
        "SET lock_timeout = 0",
        "SELECT set_config('lock_timeout', '0', false)",
        "DO $$ BEGIN SET LOCAL lock_timeout = 0; END $$",
    ],
)
def test_a_file_cannot_switch_the_lock_time_out_off(
    database: PostgresDatabase,
    migrations: PostgresMigrations,
    run: Run,
    database_url: str,
    switch: str,
) -> None:
    run("CREATE TABLE notes (id int)")
    sly = file(f"{switch};\n{UNSEEN}\n")
    busy = "SELECT pg_sleep(3) FROM (SELECT count(*) FROM notes) AS n"
    with psycopg.connect(database_url, autocommit=True) as other:
        thread = threading.Thread(target=lambda: _quietly(other, busy))
        thread.start()
        while not run("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                      " AND datname = current_database()")[0][0]:  # fmt: skip
            time.sleep(0.01)
        with pytest.raises(Unavailable, match=r"lock was not free within 0.2 s, tried 1 times"):
            migration.apply.do(database, migrations, EFFECT, file=sly, retries=0,
                               lock_timeout=parse_duration("200ms"))  # fmt: skip
        other.cancel()
        thread.join()


@pytest.mark.parametrize(
    "switch", ["SET statement_timeout = 0", "SELECT set_config('statement_timeout', '0', false)"]
)
def test_a_file_cannot_outlast_the_tasks_deadline(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run, switch: str
) -> None:
    token = deadline.set(Deadline(datetime.now(UTC) + timedelta(seconds=1.5)))
    try:
        with pytest.raises(Unavailable, match="statement timeout"):
            migration.apply.do(database, migrations, EFFECT, file=file(
                f"CREATE TABLE notes (id int);\n{switch};\nSELECT pg_sleep(4);\n"))  # fmt: skip
    finally:
        deadline.reset(token)

    assert run("SELECT to_regclass('notes')") == [(None,)]


def _quietly(connection: "psycopg.Connection[tuple[object, ...]]", statement: str) -> None:
    try:
        connection.execute(statement.encode())
    except psycopg.errors.QueryCanceled:
        return  # the test is over


def test_every_statement_is_noted_with_line_seconds_and_rows_and_again_by_a_look(
    database: PostgresDatabase, migrations: PostgresMigrations
) -> None:
    heard, again = Heard(), Heard()
    up = file(UP.text + "CREATE INDEX CONCURRENTLY notes_id ON notes (id);\n")

    migration.apply.do(database, migrations, heard.effect(), file=up)
    migration.look_applied(database, migrations, again.effect(), file=up)

    assert [says for says, _ in heard.notes.values()] == [
        "line 1: CREATE TABLE notes (id int PRIMARY KEY, body text)",
        "line 2: INSERT INTO notes VALUES (1, 'a')",
        "line 3: CREATE INDEX CONCURRENTLY notes_id ON notes (id)",
    ]
    data = [data for _, data in heard.notes.values()]
    assert [(one["line"], one.get("rows"), one["tries"]) for one in data] == [
        (1, None, 1), (2, 1, 1), (3, None, 1),
    ]  # fmt: skip
    assert again.notes == heard.notes


def test_of_thousands_of_statements_the_first_are_noted_and_the_rest_in_sum(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    heard, again = Heard(), Heard()
    run("CREATE TABLE notes (id int)")
    many = file("".join(f"INSERT INTO notes VALUES ({n});\n" for n in range(1, 1001)))

    migration.apply.do(database, migrations, heard.effect(), file=many)
    migration.look_applied(database, migrations, again.effect(), file=many)

    says, data = list(heard.notes.values())[-1]
    assert len(heard.notes) == 301
    assert says == "line 1000: the last of 700 more statements"
    assert (data["rows"], data["count"]) == (700, 700)
    assert again.notes == heard.notes


def test_what_a_kill_kept_from_being_noted_is_noted_by_the_next_attempt(
    database: PostgresDatabase, migrations: PostgresMigrations
) -> None:
    heard, again = Heard(), Heard()
    up = file("CREATE TABLE a ();\nVACUUM;\nSELECT 1/(SELECT count(*) FROM pg_class"
              " WHERE relname = 'later');\n")  # fmt: skip
    with pytest.raises(Failed, match="The first 2 of 3 parts stay done"):
        migration.apply.do(database, migrations, heard.effect(), file=up)
    with database.server.session() as session:
        session.execute("CREATE TABLE later ()")

    migration.apply.do(database, migrations, again.effect(), file=up)

    assert [data["line"] for _, data in heard.notes.values()] == [1, 2]
    assert [data["line"] for _, data in again.notes.values()] == [3, 1, 2]


def test_what_is_rolled_back_is_not_noted(
    database: PostgresDatabase, migrations: PostgresMigrations
) -> None:
    heard = Heard()
    with pytest.raises(Failed, match="division by zero"):
        migration.apply.do(
            database, migrations, heard.effect(), file=file("CREATE TABLE a ();\nSELECT 1/0;")
        )

    assert heard.notes == {}


def test_how_long_others_waited_stands_beside_the_forecast(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run, database_url: str
) -> None:
    run("CREATE TABLE notes (id int)")
    until_somebody_waits = (
        "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted"
        " AND relation = 'notes'::regclass AND clock_timestamp() - waitstart > '300 ms')"
        " LOOP PERFORM pg_sleep(0.02); END LOOP; END $$;"
    )
    slow = file(f"ALTER TABLE notes ADD COLUMN x int;\n{until_somebody_waits}\n")
    foretold = Forecast(
        says="reads of notes blocked 100 ms", dangerous=False, seconds=0.1,
        tables=(TableForecast(table="notes", reads_seconds=0.1, writes_seconds=0.0),),
    )  # fmt: skip

    relation = run("SELECT 'notes'::regclass::oid")[0][0]

    def read_by_number() -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until and not run(
            "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted"
            " AND relation = %s", relation,
        )[0][0]:  # fmt: skip
            time.sleep(0.01)
        run("SELECT count(*) FROM notes")

    reader = threading.Thread(target=read_by_number)
    reader.start()
    applied = migration.apply.do(database, migrations, EFFECT, file=slow, forecast=foretold)
    reader.join()

    (seen,) = applied.observed.tables
    assert (seen.table, seen.writes_seconds) == ("notes", 0.0)
    assert seen.reads_seconds >= 0.3
    assert not applied.forecast_held
    assert "foretold was a wait of 100 ms, production showed" in applied.says
    assert migration.look_applied(database, migrations, EFFECT, file=slow, forecast=foretold) == (
        applied
    )


def script(**more: object) -> WayBackScript:
    values: dict[str, object] = {
        "name": "1_add.way-back.sql",
        "capture_sql": "CREATE TABLE drillbook.kept AS SELECT id, body FROM notes;",
        "down_sql": "ALTER TABLE notes ADD COLUMN body text;\n"
        "UPDATE notes n SET body = k.body FROM drillbook.kept k WHERE k.id = n.id;\n"
        "DROP TABLE drillbook.kept;",
        "derived": True, "proven": True, "says": "adds the column body again with its values",
        "price": "body stands last in the table",
    }  # fmt: skip
    return WayBackScript.model_validate(values | more)


@pytest.mark.parametrize(
    "up",
    [
        "ALTER TABLE notes DROP COLUMN body;",
        (
            "CREATE INDEX CONCURRENTLY i ON notes (id);\n"
            "ALTER TABLE notes DROP COLUMN body;\nDROP INDEX CONCURRENTLY i;"
        ),
    ],
)
def test_a_derived_way_back_captures_first_and_puts_the_data_back(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run, up: str
) -> None:
    undo = migration.apply.undo
    assert undo is not None
    run("CREATE TABLE notes (id int, body text)")
    run("INSERT INTO notes VALUES (1, 'a'), (2, 'b')")
    given = {"file": file(up), "way_back": script()}

    heard = Heard()

    before = undo.remember(database, migrations, EFFECT, **given)
    migration.apply.do(database, migrations, heard.effect(), **given)
    assert run("SELECT count(*) FROM drillbook.kept") == [(2,)]
    assert any(
        says.startswith("for the way back: CREATE TABLE drillbook.kept")
        for says, _ in heard.notes.values()
    )
    for _ in range(2):
        undo.take_back(before, database, migrations, EFFECT, **given)

    assert run("SELECT body FROM notes ORDER BY id") == [("a",), ("b",)]
    assert database.catalog().fingerprint == before.fingerprint
    assert before.way_back == (
        "runs 1_add.way-back.sql (derived, proven on a copy): adds the column body again with its "
        "values; body stands last in the table"
    )


def test_an_unproven_way_back_is_not_taken(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    undo = migration.apply.undo
    assert undo is not None
    run("CREATE TABLE notes (id int, body text)")
    given = {"file": file("ALTER TABLE notes DROP COLUMN body;"), "way_back": script(proven=False)}

    before = undo.remember(database, migrations, EFFECT, **given)
    migration.apply.do(database, migrations, EFFECT, **given)

    assert "only a restore leads back; a restore loses" in before.way_back
    assert run("SELECT to_regclass('drillbook.kept')") == [(None,)]


def test_a_ledger_of_an_older_version_is_read_and_widened(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    migration.apply.do(database, migrations, EFFECT, file=UP)
    run("ALTER TABLE drillbook.migrations DROP COLUMN story")

    old = migration.look_applied(database, migrations, EFFECT, file=UP)
    migration.apply.do(
        database, migrations, Effect(key="r-2/1"), file=file("CREATE TABLE b ();", "2.sql")
    )

    assert old is not None
    assert old.observed.tables == ()
    assert run("SELECT jsonb_array_length(story->'statements') FROM drillbook.migrations"
               " WHERE name = '2.sql'") == [(1,)]  # fmt: skip
