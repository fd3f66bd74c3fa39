"""Migrations are applied exactly once, or not at all."""

import hashlib
import threading
from contextlib import suppress

import psycopg
import pytest

from drillbook.actions import migration
from drillbook.core.effect import Effect
from drillbook.core.errors import DrillbookError, Failed, Refused, Unavailable, UndoImpossible
from drillbook.core.files import File
from drillbook.core.quantities import parse_duration
from drillbook.providers.postgres.database import PostgresDatabase
from drillbook.providers.postgres.migrations import PostgresMigrations
from postgres.conftest import Run


def file(text: str, name: str = "1_add.sql") -> File:
    return File(name=name, sha256=hashlib.sha256(text.encode()).hexdigest(), text=text)


UP = file(
    "CREATE TABLE notes (id int PRIMARY KEY, body text);\nINSERT INTO notes VALUES (1, 'a');\n"
)
DOWN = file("DROP TABLE notes;", "1_add.down.sql")
EFFECT = Effect(key="r-1/3.1", run="r-1", task="3.1", by="ana@example.com")


def test_apply_leaves_the_migration_and_its_ledger_row(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    applied = migration.apply.do(database, migrations, EFFECT, file=UP)

    assert run("SELECT * FROM notes") == [(1, "a")]
    assert applied.fingerprint == database.catalog().fingerprint
    assert applied.statements == 2
    assert applied.seconds > 0
    assert run("SELECT name, status, run, applied_by, done FROM drillbook.migrations") == [
        ("1_add.sql", "applied", "r-1", "ana@example.com", 1)
    ]


def test_apply_twice_is_apply_once(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    first = migration.apply.do(database, migrations, EFFECT, file=UP)
    second = migration.apply.do(database, migrations, EFFECT, file=UP)

    assert second == first
    assert run("SELECT count(*) FROM notes") == [(1,)]


def test_a_look_finds_what_was_applied_and_nothing_before(
    database: PostgresDatabase, migrations: PostgresMigrations
) -> None:
    assert migration.look_applied(database, migrations, EFFECT, file=UP) is None
    applied = migration.apply.do(database, migrations, EFFECT, file=UP)

    assert migration.look_applied(database, migrations, EFFECT, file=UP) == applied


def test_the_second_run_of_a_migration_is_refused_and_names_the_first(
    database: PostgresDatabase, migrations: PostgresMigrations
) -> None:
    migration.apply.do(database, migrations, EFFECT, file=UP)

    with pytest.raises(Refused, match=r"already applied to the database of production at .* r-1"):
        migration.apply.do(database, migrations, Effect(key="r-2/3.1", run="r-2"), file=UP)


def test_the_same_name_with_other_contents_is_refused(
    database: PostgresDatabase, migrations: PostgresMigrations
) -> None:
    migration.apply.do(database, migrations, EFFECT, file=UP)

    with pytest.raises(Refused, match="with other contents"):
        migration.apply.do(
            database, migrations, Effect(key="r-2/3.1"), file=file("CREATE TABLE b (id int);")
        )


def test_a_failing_statement_leaves_nothing_and_is_named(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    broken = file("CREATE TABLE a (id int);\nALTER TABLE missing ADD COLUMN x int;\n")

    with pytest.raises(Failed, match=r"line 2 .*relation \"missing\" does not exist.*Nothing was"):
        migration.apply.do(database, migrations, EFFECT, file=broken)

    assert run("SELECT to_regclass('a')") == [(None,)]
    assert run("SELECT count(*) FROM drillbook.migrations") == [(0,)]
    assert migration.look_applied(database, migrations, EFFECT, file=broken) is None


def test_a_deferred_constraint_that_fails_at_commit_leaves_nothing(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    run("CREATE TABLE parents (id int PRIMARY KEY)")
    run("CREATE TABLE kids (p int REFERENCES parents DEFERRABLE INITIALLY DEFERRED)")

    with pytest.raises(Failed, match="violates foreign key constraint"):
        migration.apply.do(database, migrations, EFFECT, file=file("INSERT INTO kids VALUES (7);"))

    assert run("SELECT count(*) FROM kids") == [(0,)]
    assert run("SELECT count(*) FROM drillbook.migrations") == [(0,)]


def test_a_file_with_begin_and_commit_around_it_is_one_transaction(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    wrapped = file("BEGIN;\nCREATE TABLE a (id int);\nSELECT 1/0;\nCOMMIT;")

    with pytest.raises(Failed, match="division by zero"):
        migration.apply.do(database, migrations, EFFECT, file=wrapped)

    assert run("SELECT to_regclass('a')") == [(None,)]


def test_a_long_transaction_is_waited_for_without_queueing_and_named(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run, database_url: str
) -> None:
    run("CREATE TABLE notes (id int)")
    alter = file("ALTER TABLE notes ADD COLUMN x int;")
    with psycopg.connect(database_url, application_name="reporting") as other:
        other.execute("SELECT * FROM notes")

        with pytest.raises(Unavailable, match=r"within 0.3 s: pid .*reporting, idle in trans"):
            migration.apply.do(
                database, migrations, EFFECT, file=alter, retries=1,
                lock_timeout=parse_duration("100ms"), patience=parse_duration("300ms"),
            )  # fmt: skip

    assert run("SELECT count(*) FROM drillbook.migrations") == [(0,)]


def test_a_lock_that_gets_free_in_time_lets_the_migration_through(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run, database_url: str
) -> None:
    run("CREATE TABLE notes (id int)")
    alter = file("ALTER TABLE notes ADD COLUMN x int;")
    other = psycopg.connect(database_url)
    other.execute("SELECT * FROM notes")
    told: list[str] = []

    def progress(says: str, fraction: float | None) -> None:
        told.append(says)
        if "waits for" in says:
            other.close()

    effect = Effect(key="r-1/3.1", progress=progress)
    migration.apply.do(
        database, migrations, effect, file=alter, lock_timeout=parse_duration("100ms")
    )

    assert run("SELECT count(*) FROM notes") == [(0,)]
    assert [says for says in told if "waits for" in says]


def test_two_runs_at_once_never_apply_both(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    slow = file("CREATE TABLE notes (id int);\nSELECT pg_sleep(0.3);\n")
    outcomes: list[object] = []

    def one(number: int) -> None:
        try:
            effect = Effect(key=f"r-{number}/3.1", run=f"r-{number}")
            outcomes.append(migration.apply.do(database, migrations, effect, file=slow))
        except DrillbookError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=one, args=[number]) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(isinstance(outcome, migration.Applied) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Refused) for outcome in outcomes) == 2
    assert run("SELECT count(*) FROM drillbook.migrations") == [(1,)]


def test_a_file_that_sets_a_role_or_a_search_path_still_gets_its_ledger_row(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run, database_url: str
) -> None:
    role = "role_" + database_url.rpartition("/")[2]
    run(f"CREATE ROLE {role}")
    run(f"CREATE SCHEMA app AUTHORIZATION {role}")
    try:
        text = (
            f"SET ROLE {role};\nSET search_path = app;\nCREATE TABLE a (id int);\n"
            "CREATE INDEX CONCURRENTLY a_id ON a (id);\nCREATE TABLE b (id int);\n"
        )
        applied = migration.apply.do(database, migrations, EFFECT, file=file(text))
        assert applied.statements == 5
        assert run("SELECT tableowner FROM pg_tables WHERE schemaname = 'app'") == [(role,)] * 2
        assert run("SELECT status FROM drillbook.migrations") == [("applied",)]
    finally:
        run(f"DROP OWNED BY {role}")
        run(f"DROP ROLE {role}")


def test_a_file_that_empties_the_ledger_by_dynamic_sql_is_taken_back(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    sly = file("DO $$ BEGIN EXECUTE 'DELETE FROM drill' || 'book.migrations'; END $$;")

    with pytest.raises(Failed, match="own ledger"):
        migration.apply.do(database, migrations, EFFECT, file=sly)

    assert run("SELECT count(*) FROM drillbook.migrations") == [(0,)]


def test_undo_with_a_down_script_leads_back_to_the_remembered_schema(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    undo = migration.apply.undo
    assert undo is not None
    before = undo.remember(database, migrations, EFFECT, file=UP, down=DOWN)
    migration.apply.do(database, migrations, EFFECT, file=UP, down=DOWN)

    for _ in range(2):
        back = undo.take_back(before, database, migrations, EFFECT, file=UP, down=DOWN)
        assert back == migration.TakenBack(
            name="1_add.sql", was_applied=True, fingerprint=before.fingerprint
        )

    assert run("SELECT to_regclass('notes')") == [(None,)]
    assert run("SELECT status FROM drillbook.migrations") == [("taken back",)]


def test_undo_names_what_a_wrong_down_script_leaves(
    database: PostgresDatabase, migrations: PostgresMigrations
) -> None:
    undo = migration.apply.undo
    assert undo is not None
    up = file("CREATE TABLE a (id int); CREATE TABLE b (id int);")
    down = file("DROP TABLE a;", "down.sql")
    before = undo.remember(database, migrations, EFFECT, file=up, down=down)
    migration.apply.do(database, migrations, EFFECT, file=up, down=down)

    with pytest.raises(Failed, match=r"not as before: .*table public\.b is there and was not"):
        undo.take_back(before, database, migrations, EFFECT, file=up, down=down)


def test_undo_without_a_down_script_is_impossible_once_applied_and_nothing_before(
    database: PostgresDatabase, migrations: PostgresMigrations
) -> None:
    undo = migration.apply.undo
    assert undo is not None
    before = undo.remember(database, migrations, EFFECT, file=UP)
    assert not undo.take_back(before, database, migrations, EFFECT, file=UP).was_applied
    migration.apply.do(database, migrations, EFFECT, file=UP)

    with pytest.raises(UndoImpossible, match="only a restore leads back"):
        undo.take_back(before, database, migrations, EFFECT, file=UP)


def test_after_an_undo_another_run_may_apply_again(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    undo = migration.apply.undo
    assert undo is not None
    before = undo.remember(database, migrations, EFFECT, file=UP, down=DOWN)
    migration.apply.do(database, migrations, EFFECT, file=UP, down=DOWN)
    undo.take_back(before, database, migrations, EFFECT, file=UP, down=DOWN)

    migration.apply.do(database, migrations, Effect(key="r-2/3.1"), file=UP, down=DOWN)

    assert run("SELECT count(*) FROM notes") == [(1,)]
    with pytest.raises(Refused, match="taken back by this very task"):
        migration.apply.do(database, migrations, EFFECT, file=UP, down=DOWN)


@pytest.mark.parametrize("version", ["20260101120000", "0001"])
def test_supabases_own_ledger_is_understood(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run, version: str
) -> None:
    run("CREATE SCHEMA supabase_migrations")
    run("CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY)")
    run("INSERT INTO supabase_migrations.schema_migrations VALUES (%s)", version)
    known = file("CREATE TABLE notes (id int);", f"{version}_notes.sql")

    assert migration.review.do(database, migrations, file=known).already_applied
    with pytest.raises(Refused, match=r"already applied .* by supabase_migrations"):
        migration.apply.do(database, migrations, EFFECT, file=known)


def test_verify_tells_a_schema_that_was_changed_since(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    applied = migration.apply.do(database, migrations, EFFECT, file=UP)
    same = migration.verify.do(database, migrations, file=UP, against=applied.fingerprint)
    run("ALTER TABLE notes ADD CONSTRAINT c CHECK (id > 0) NOT VALID")
    changed = migration.verify.do(database, migrations, file=UP, against=applied.fingerprint)

    assert (same.applied, same.matches, same.differences) == (True, True, ())
    assert not changed.matches
    assert changed.differences == ("constraint public.notes.c is there and was not",)
    assert changed.unvalidated == ("public.notes.c",)


def test_check_counts_errors_and_shows_what_is_dangerous() -> None:
    text = (
        "CREATE INDEX CONCURRENTLY i ON a (id);\nDROP TABLE b;\n"
        "ALTER TABLE a ALTER c TYPE bigint;\n"
    )
    checked = migration.check.do(file=file(text))
    broken = migration.check.do(file=file("SELECT 1;\n\\i other.sql\n"))

    assert (checked.errors, checked.statements, checked.transactional) == (0, 3, False)
    assert checked.non_transactional == ("line 1: CREATE INDEX CONCURRENTLY i ON a (id)",)
    assert checked.destructive[0] == "line 2, b: the table and its rows are dropped"
    assert "line 3, a: changing the type of c" in checked.dangers[0]
    assert broken.problems == ("1_add.sql, line 2: \\i is a command of psql, not SQL",)


def test_review_shows_the_sizes_of_the_tables_it_meets(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    run("CREATE TABLE notes (id int)")
    run("INSERT INTO notes SELECT generate_series(1, 1000)")
    run("ANALYZE notes")

    reviewed = migration.review.do(
        database, migrations, file=file("ALTER TABLE notes ADD COLUMN x int;")
    )

    assert not reviewed.already_applied
    assert [(size.table, size.rows) for size in reviewed.sizes] == [("notes", 1000)]


def test_a_read_only_database_refuses_and_stays_as_it_is(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    name = str(run("SELECT current_database()")[0][0])
    run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")

    with pytest.raises(Refused, match="is read-only"):
        migration.apply.do(database, migrations, EFFECT, file=UP)

    assert not database.access().writable
    with suppress(DrillbookError):
        migrations.settle(EFFECT)
    assert run("SELECT to_regnamespace('drillbook')") == [(None,)]


def test_an_index_that_fails_to_build_is_cleared_away_and_a_next_try_goes_on(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    run("CREATE TABLE notes (id int)")
    run("INSERT INTO notes VALUES (1), (1)")
    up = file("SELECT 1;\nCREATE UNIQUE INDEX CONCURRENTLY notes_id ON notes (id);\n")

    with pytest.raises(Failed, match=r"line 2 .*could not create unique index.*first 1 of 2 parts"):
        migration.apply.do(database, migrations, EFFECT, file=up)
    assert database.catalog().invalid_indexes == ()
    run("DELETE FROM notes")
    migration.apply.do(database, migrations, EFFECT, file=up)

    assert run("SELECT count(*) FROM pg_indexes WHERE indexname = 'notes_id'") == [(1,)]


def test_undo_of_a_half_applied_file_takes_back_what_there_is(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    undo = migration.apply.undo
    assert undo is not None
    up = file("CREATE TABLE a (id int);\nVACUUM a;\nSELECT 1/0;\n")
    down = file("DROP TABLE IF EXISTS a;", "down.sql")
    before = undo.remember(database, migrations, EFFECT, file=up, down=down)
    with pytest.raises(Failed, match="The first 2 of 3 parts stay done"):
        migration.apply.do(database, migrations, EFFECT, file=up, down=down)

    undo.take_back(before, database, migrations, EFFECT, file=up, down=down)

    assert run("SELECT to_regclass('a')") == [(None,)]
    assert run("SELECT status FROM drillbook.migrations") == [("taken back",)]


def test_a_half_applied_file_of_another_run_is_refused(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    up = file("CREATE TABLE a (id int);\nVACUUM a;\nSELECT 1/0;\n")
    with pytest.raises(Failed):
        migration.apply.do(database, migrations, EFFECT, file=up)

    with pytest.raises(Refused, match=r"half applied to .* \(2 of 3 parts\) by r-1"):
        migration.apply.do(database, migrations, Effect(key="r-2/3.1", run="r-2"), file=up)

    assert run("SELECT count(*) FROM drillbook.migrations") == [(1,)]
