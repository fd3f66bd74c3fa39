"""Statements that cannot run in a transaction: what a failed one left is found and put right."""

import os
import signal
import threading
import time
from collections.abc import Callable

import psycopg
import pytest

from drillbook.actions import migration
from drillbook.actions.migration import applying as undo
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, Refused, Unavailable
from drillbook.core.quantities import parse_duration
from drillbook.providers.postgres.database import PostgresDatabase
from drillbook.providers.postgres.migrations import PostgresMigrations
from postgres.conftest import Run
from postgres.dying import KILLED, ending, in_a_child
from postgres.test_applying import EFFECT, file
from postgres.test_applying_gently import Heard

BUILD = file("CREATE INDEX CONCURRENTLY IF NOT EXISTS notes_id ON notes (id);")
INVALID = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)  # Postgres tells nobody


@pytest.fixture
def notes(run: Run) -> Run:
    run("CREATE TABLE notes (id int, word text)")
    run("INSERT INTO notes VALUES (1, 'a'), (1, 'b')")
    return run


def fails(run: Run, statement: str) -> None:
    with pytest.raises(psycopg.Error):
        run(statement)


def test_an_invalid_index_of_somebody_else_is_dropped_and_built_and_noted(
    database: PostgresDatabase, migrations: PostgresMigrations, notes: Run
) -> None:
    fails(notes, "CREATE UNIQUE INDEX CONCURRENTLY notes_id ON notes (id)")
    assert notes(INVALID) == [(1,)]
    heard = Heard()

    migration.apply.do(database, migrations, heard.effect(), file=BUILD)

    assert notes(INVALID) == [(0,)]
    assert notes("SELECT indisvalid FROM pg_index WHERE indexrelid = 'notes_id'::regclass") == [
        (True,)
    ]
    assert next(iter(heard.notes.values()))[0] == (
        "the index public.notes_id was invalid, left by a failed build; dropped"
    )


def test_an_index_that_somebody_builds_right_now_is_left_to_them(
    database: PostgresDatabase, migrations: PostgresMigrations, notes: Run, database_url: str
) -> None:
    with psycopg.connect(database_url) as writer:
        writer.execute("INSERT INTO notes VALUES (2, 'c')")  # the build waits for it
        with psycopg.connect(database_url, autocommit=True, application_name="psql") as other:
            statement = "CREATE INDEX CONCURRENTLY notes_id ON notes (id)"
            builder = threading.Thread(target=other.execute, args=[statement])
            builder.start()
            until(lambda: notes(INVALID) == [(1,)])

            with pytest.raises(Refused, match=r"public.notes_id is being built by pid .*psql"):
                migration.apply.do(database, migrations, EFFECT, file=BUILD)

            writer.rollback()
            builder.join()

    assert notes("SELECT indisvalid FROM pg_index WHERE indexrelid = 'notes_id'::regclass") == [
        (True,)
    ]


@pytest.mark.parametrize("target", ["INDEX CONCURRENTLY notes_id", "TABLE CONCURRENTLY notes"])
def test_twins_that_a_failed_reindex_left_are_dropped_before(
    database: PostgresDatabase, migrations: PostgresMigrations, notes: Run, database_url: str,
    target: str,
) -> None:  # fmt: skip
    notes("CREATE INDEX notes_id ON notes (id)")
    with psycopg.connect(database_url) as writer:
        writer.execute("INSERT INTO notes VALUES (2, 'c')")
        fails(notes, f"SET statement_timeout = '300ms'; REINDEX {target}")  # inside: refused
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute("SET statement_timeout = '300ms'")
            with pytest.raises(psycopg.errors.QueryCanceled):
                other.execute(f"REINDEX {target}".encode())
    assert database.catalog().invalid_indexes == ("public.notes_id_ccnew",)
    heard = Heard()

    migration.apply.do(database, migrations, heard.effect(), file=file(f"REINDEX {target};"))

    assert database.catalog().invalid_indexes == ()
    noted = " ".join(says for says, _ in heard.notes.values())
    assert "public.notes_id_ccnew was left by a failed REINDEX" in noted
    assert notes(INVALID) == [(0,)]  # those of TOAST tables as well


def test_a_reindex_killed_midway_leaves_no_twin_once_it_was_done_again(
    database: PostgresDatabase, migrations: PostgresMigrations, notes: Run, database_url: str
) -> None:
    notes("CREATE INDEX notes_id ON notes (id)")
    again = file("REINDEX TABLE CONCURRENTLY notes;\nVACUUM notes;\n")
    with psycopg.connect(database_url) as writer:
        writer.execute("INSERT INTO notes VALUES (2, 'c')")
        child = in_a_child(lambda: migration.apply.do(database, migrations, EFFECT, file=again))
        until(lambda: notes(INVALID) != [(0,)])
        os.kill(child, signal.SIGKILL)
        assert ending(child) == KILLED
        writer.rollback()
    assert migration.look_applied(database, migrations, EFFECT, file=again) is None

    migration.apply.do(database, migrations, EFFECT, file=again)

    assert notes(INVALID) == [(0,)]


def test_a_detach_that_was_cut_off_is_finished(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run, database_url: str
) -> None:
    run("CREATE TABLE parts (id int) PARTITION BY RANGE (id)")
    run("CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (9)")
    detach = file("ALTER TABLE parts DETACH PARTITION parts_1 CONCURRENTLY;")
    with psycopg.connect(database_url) as reader:
        reader.execute("SELECT * FROM parts")  # the detach waits for it
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute("SET statement_timeout = '300ms'")
            with pytest.raises(psycopg.errors.QueryCanceled):
                other.execute(detach.text.encode())
    assert run("SELECT inhdetachpending FROM pg_inherits") == [(True,)]

    migration.apply.do(database, migrations, EFFECT, file=detach)

    assert run("SELECT count(*) FROM pg_inherits") == [(0,)]


def test_a_value_added_to_a_type_and_used_is_there_once_after_a_failure(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    run("CREATE TYPE mood AS ENUM ('old')")
    run("CREATE TABLE moods (m mood)")
    up = file(
        "ALTER TYPE mood ADD VALUE 'new';\nINSERT INTO moods VALUES ('new');\n"
        "INSERT INTO moods SELECT 'new' FROM later;\n"
    )
    with pytest.raises(Failed, match=r"line 3 .*first 1 of 2 parts stay done"):
        migration.apply.do(database, migrations, EFFECT, file=up)
    run("CREATE TABLE later ()")

    migration.apply.do(database, migrations, EFFECT, file=up)

    assert run("SELECT m::text FROM moods") == [("new",)]


@pytest.mark.parametrize("text", ["CREATE DATABASE other;", "DROP DATABASE other;"])
def test_another_database_is_no_change_of_this_one(
    database: PostgresDatabase, migrations: PostgresMigrations, text: str
) -> None:
    with pytest.raises(Refused, match=r"line 1: .* DATABASE is no change of this database"):
        migration.apply.do(database, migrations, EFFECT, file=file(text))


def test_the_progress_of_a_long_statement_is_told_with_its_phase(
    database: PostgresDatabase, migrations: PostgresMigrations, notes: Run, database_url: str
) -> None:
    heard = Heard()
    with psycopg.connect(database_url, application_name="importer") as writer:
        writer.execute("INSERT INTO notes VALUES (2, 'c')")
        builder = threading.Thread(
            target=migration.apply.do, args=[database, migrations, heard.effect()],
            kwargs={"file": BUILD},
        )  # fmt: skip
        builder.start()
        until(lambda: heard.said("waits for pid"))
        assert "importer" in heard.said("waits for pid")[0]
        writer.rollback()
        builder.join()

    assert notes(INVALID) == [(0,)]


def test_an_index_on_many_rows_tells_how_far_it_is(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    run("CREATE TABLE many AS SELECT n, md5(n::text) AS word FROM generate_series(1, 400000) n")
    heard = Heard()

    migration.apply.do(
        database, migrations, heard.effect(), file=file("CREATE INDEX many_word ON many (word);")
    )

    told = heard.said("CREATE INDEX: building index")
    assert told
    assert told[0].startswith("line 1: CREATE INDEX many_word ON many (word): CREATE INDEX: build")
    fractions = [fraction for says, fraction in heard.progress if fraction is not None]
    assert fractions
    assert all(0 <= fraction <= 1 for fraction in fractions)
    assert f"{fractions[0]:.0%}" in "".join(says for says, f in heard.progress if f == fractions[0])


def test_a_lone_statement_with_a_lock_that_is_held_is_not_queued_for(
    database: PostgresDatabase, migrations: PostgresMigrations, notes: Run, database_url: str
) -> None:
    with psycopg.connect(database_url, application_name="reporting") as holder:
        holder.execute("SELECT * FROM notes")
        with pytest.raises(Unavailable, match="reporting"):
            migration.apply.do(
                database, migrations, Effect(key="r-9/1"), file=file("VACUUM FULL notes;"),
                lock_timeout=parse_duration("100ms"), patience=parse_duration("200ms"),
            )  # fmt: skip
    assert notes("SELECT under_way FROM drillbook.migrations") == []


def test_a_way_back_of_the_whole_that_does_not_fit_a_half_says_so(
    database: PostgresDatabase, migrations: PostgresMigrations, notes: Run
) -> None:
    up = file("CREATE INDEX CONCURRENTLY a ON notes (word);\nALTER TABLE notes ADD UNIQUE (id);\n")
    down = file("ALTER TABLE notes DROP CONSTRAINT notes_id_key;\nDROP INDEX a;\n", "1.down.sql")
    before = undo.remember(database, migrations, EFFECT, file=up, down=down)
    with pytest.raises(Failed, match="The first 1 of 2 parts stay done"):
        migration.apply.do(database, migrations, EFFECT, file=up, down=down)

    with pytest.raises(Failed, match=r"in part only, 1 of 2 parts, and its way back is made") as no:
        undo.take_back(before, database, migrations, EFFECT, file=up, down=down)

    assert "Nothing was changed." in str(no.value)
    assert no.value.hint.startswith("Apply the rest (drillbook resume ")
