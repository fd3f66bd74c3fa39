"""The way back is tried before it is needed."""

import pytest

from drillbook.actions import migration
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, Refused
from drillbook.providers.postgres.database import PostgresDatabase
from drillbook.providers.postgres.migrations import PostgresMigrations
from postgres.conftest import Run
from postgres.test_applying import DOWN, EFFECT, UP, file


def test_a_right_down_script_is_proven_and_the_migration_stays_applied(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    tried = migration.try_.do(database, migrations, EFFECT, file=UP, down=DOWN)

    assert migration.try_.name == "migration.try"
    assert (tried.way_back, tried.already) == ("proven", False)
    assert tried.fingerprint == database.catalog().fingerprint
    assert run("SELECT count(*) FROM notes") == [(1,)]
    assert migration.look_tried(database, migrations, EFFECT, file=UP, down=DOWN) == tried
    assert migration.try_.do(database, migrations, EFFECT, file=UP, down=DOWN) == tried
    assert run("SELECT count(*) FROM notes") == [(1,)]


def test_without_a_down_script_there_is_no_way_back(
    database: PostgresDatabase, migrations: PostgresMigrations
) -> None:
    tried = migration.try_.do(database, migrations, EFFECT, file=UP)

    assert tried.way_back == "none"
    assert migration.look_tried(database, migrations, EFFECT, file=UP) == tried


@pytest.mark.parametrize(
    ("down", "says"),
    [
        ("DROP TABLE no_such_table;", "does not exist"),
        ("ALTER TABLE notes DROP COLUMN body;", "column public.notes.id is there and was not"),
    ],
)
def test_a_wrong_down_script_is_broken(
    database: PostgresDatabase, migrations: PostgresMigrations, down: str, says: str
) -> None:
    up = file("CREATE TABLE IF NOT EXISTS notes (id int, body text);")

    tried = migration.try_.do(database, migrations, EFFECT, file=up, down=file(down, "d.sql"))

    assert tried.way_back == "broken"
    assert says in tried.way_back_says
    found = migration.look_tried(database, migrations, EFFECT, file=up, down=file(down, "d.sql"))
    assert found == tried


def test_a_down_script_after_which_up_fails_is_told(
    database: PostgresDatabase, migrations: PostgresMigrations
) -> None:
    up = file("CREATE TABLE notes (id int);")

    with pytest.raises(Failed, match=r"after its down script .* cannot be applied again"):
        migration.try_.do(database, migrations, EFFECT, file=up, down=file("SELECT 1;", "d.sql"))


def test_undo_of_a_trial_leads_back(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    undo = migration.try_.undo
    assert undo is not None
    before = undo.remember(database, migrations, EFFECT, file=UP, down=DOWN)
    migration.try_.do(database, migrations, EFFECT, file=UP, down=DOWN)

    for _ in range(2):
        undo.take_back(before, database, migrations, EFFECT, file=UP, down=DOWN)

    assert run("SELECT to_regclass('notes')") == [(None,)]
    assert database.catalog().fingerprint == before.fingerprint


def test_a_second_run_finds_the_first_ones_trial_and_leaves_it(
    database: PostgresDatabase, migrations: PostgresMigrations, run: Run
) -> None:
    first = migration.try_.do(database, migrations, EFFECT, file=UP)
    other = Effect(key="r-2/2.1", run="r-2")

    again = migration.try_.do(database, migrations, other, file=UP)

    assert (again.already, again.fingerprint) == (True, first.fingerprint)
    with pytest.raises(Refused, match="nothing was changed"):
        migration.try_.do(database, migrations, other, file=file("SELECT 1;"))
    assert run("SELECT count(*) FROM drillbook.migrations") == [(1,)]
