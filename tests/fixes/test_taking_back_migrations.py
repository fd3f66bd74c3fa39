"""A migration is taken back, whoever applied it, and what the ledgers had comes back with it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from drillbook.actions import migration
from drillbook.actions.migration.taking_back import remember_taking_back, undo_taking_back
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, NotFound, Refused
from drillbook.core.files import read_file
from drillbook.ports.repository import Repository
from drillbook.providers.git.folders import GitFolders
from drillbook.providers.postgres.database import PostgresDatabase
from drillbook.providers.postgres.ledgers import PostgresLedgers
from drillbook.providers.postgres.migrations import PostgresMigrations
from drillbook.providers.postgres.server import Server
from postgres.dying import dies_at

RUN = Effect(key="r-1/3.1", run="r-1", by="ana@example.com")
NOW = Effect(key="r-9/5.2", run="r-9")
UP = "ALTER TABLE notes ADD COLUMN mood text NOT NULL;\nCREATE INDEX notes_mood ON notes (mood);\n"
DOWN = "DROP INDEX notes_mood;\nALTER TABLE notes DROP COLUMN mood;\n"
LATER = "CREATE TABLE tags (word text);\n"
SUPABASE = """
CREATE SCHEMA supabase_migrations;
CREATE TABLE supabase_migrations.schema_migrations
    (version text PRIMARY KEY, statements text[], name text, created_by text);
INSERT INTO supabase_migrations.schema_migrations
VALUES ('0002', ARRAY['ALTER TABLE notes ADD COLUMN mood text NOT NULL',
                      'CREATE INDEX notes_mood ON notes (mood)'], 'mood', 'li')
"""


class App:
    """The app's repository, as far as the action reads it; none before it has files."""

    environment, branch = "production", "main"

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def find(self, port: type) -> Any:  # Any: whatever port is asked for
        return self if port is Repository and self.files else None

    def file(self, path: str, ref: str) -> bytes:
        if ref != self.branch or path not in self.files:
            raise NotFound(path)
        return self.files[path].encode()


class Place:
    """A database, the team's folder of migrations, and the ports of the action."""

    def __init__(self, url: str, root: Path) -> None:
        self.url, self.folder = url, root / "migrations"
        self.folder.mkdir()
        for name, text in {
            "0002_mood.sql": UP,
            "0002_mood.down.sql": DOWN,
            "0003_tags.sql": LATER,
            "0003_tags.down.sql": "DROP TABLE IF EXISTS nowhere;\n",
            "0004_lone.sql": "CREATE TABLE lone (id int);\n",
        }.items():
            (self.folder / name).write_text(text)
        server = Server(lambda: url, "production")
        self.database, self.migrations = PostgresDatabase(server), PostgresMigrations(server)
        self.ledgers = PostgresLedgers(server)
        self.app = App()
        self.ports = (
            self.database, self.migrations, self.ledgers, GitFolders(root), self.app
        )  # fmt: skip
        self.run("CREATE TABLE notes (id int)")

    def run(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def apply(self, name: str, effect: Effect = RUN) -> None:
        file = read_file(self.folder / name)
        migration.apply.do(self.database, self.migrations, effect, file=file)

    def inserts(self) -> bool:
        try:
            self.run("INSERT INTO notes (id) VALUES (1)")
        except psycopg.errors.NotNullViolation:
            return False
        return True

    def known(self) -> list[tuple[str, str]]:
        return [(entry.name, entry.status) for entry in self.ledgers.entries()]


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Place:
    return Place(database_url, tmp_path)


def test_what_another_run_applied_is_taken_back_and_can_be_applied_again(place: Place) -> None:
    place.apply("0002_mood.sql")
    given = {"name": "0002", "folder": "migrations"}
    before = remember_taking_back(*place.ports, NOW, **given)
    assert migration.look_taken_back(*place.ports, NOW, **given) is None
    assert before.applied_by == "drillbook.migrations, r-1"
    assert not place.inserts()

    done = migration.take_back.do(*place.ports, NOW, **given)

    assert place.inserts()
    assert (done.name, done.statements) == ("0002_mood.sql", 2)
    assert place.known() == [("0002_mood.sql", "taken back")]
    assert place.migrations.in_force("0002_mood.sql") is None
    assert migration.look_taken_back(*place.ports, NOW, **given) is not None
    place.run("DELETE FROM notes")
    undone = undo_taking_back(before, *place.ports, NOW, **given)

    assert undone.fingerprint == before.before.fingerprint
    assert place.known() == [("0002_mood.sql", "applied")]
    assert not place.inserts()
    # The run that had applied it can still take it back itself.
    place.run("DELETE FROM notes")
    again = Effect(key="r-10/5.2", run="r-10")
    assert migration.take_back.do(*place.ports, again, **given).fingerprint == done.fingerprint


def test_what_supabase_or_a_hand_applied_is_taken_back(place: Place) -> None:
    place.run(UP)
    given = {"name": "0002_mood", "folder": "migrations"}
    with pytest.raises(Refused, match=r"no ledger of the database has 0002_mood\.sql"):
        migration.take_back.do(*place.ports, NOW, **given)
    place.run(SUPABASE)
    row = place.run("SELECT * FROM supabase_migrations.schema_migrations")
    before = remember_taking_back(*place.ports, NOW, **given)

    migration.take_back.do(*place.ports, NOW, **given)

    assert place.run("SELECT * FROM supabase_migrations.schema_migrations") == []
    assert place.inserts()
    place.run("DELETE FROM notes")
    undo_taking_back(before, *place.ports, NOW, **given)
    assert place.run("SELECT * FROM supabase_migrations.schema_migrations") == row

    place.run("DROP SCHEMA supabase_migrations CASCADE")
    by_hand = Effect(key="r-11/5.2", run="r-11")
    migration.take_back.do(*place.ports, by_hand, **given, by_hand=True)
    assert place.inserts()
    nothing = Effect(key="r-12/5.2", run="r-12")
    with pytest.raises(Failed, match="Nothing was changed"):  # it is not there any more
        migration.take_back.do(*place.ports, nothing, **given, by_hand=True)


def test_a_migration_killed_on_its_way_back_at_every_moment_is_taken_back_once(
    place: Place,
) -> None:
    given = {"name": "0002_mood", "folder": "migrations"}
    deaths = 0
    for moment in range(1, 12):
        place.run("DELETE FROM notes")
        place.apply("0002_mood.sql", Effect(key=f"r-{moment}/1", run=f"r-{moment}"))
        effect = Effect(key=f"r-{moment}/5.2", run=f"r-{moment}")
        died = dies_at(
            moment, effect, lambda mine: migration.take_back.do(*place.ports, mine, **given)
        )
        deaths += died
        found = migration.look_taken_back(*place.ports, effect, **given)
        if found is None:
            migration.take_back.do(*place.ports, effect, **given)

        assert place.inserts()
        assert {status for _, status in place.known()} == {"taken back"}
        if not died:
            break
    assert deaths >= 2


def test_what_was_taken_back_meanwhile_is_left_as_it_is(place: Place) -> None:
    place.apply("0002_mood.sql")
    given = {"name": "0002_mood", "folder": "migrations", "by_hand": True}
    seen = datetime.now(UTC)
    migration.take_back.do(*place.ports, NOW, **given)
    place.run("ALTER TABLE notes ADD COLUMN mood text")  # another one, which is not its own
    second = Effect(key="r-13/5.2", run="r-13")
    before = remember_taking_back(*place.ports, second, **given, seen=seen)

    for told in ({"seen": seen}, {"by_hand": False}):
        done = migration.take_back.do(*place.ports, second, **(given | told))
        assert "0002_mood.sql was taken back already at 20" in done.says
    undone = undo_taking_back(before, *place.ports, second, **given, seen=seen)

    assert undone.fingerprint == before.before.fingerprint == done.fingerprint
    assert place.known() == [("0002_mood.sql", "taken back")]
    # One that a hand applied again is in no ledger: it was seen long after the way back.
    place.run("CREATE INDEX notes_mood ON notes (mood)")
    later = given | {"seen": seen + timedelta(hours=1)}
    assert migration.take_back.do(*place.ports, second, **later).statements == 2


def test_nothing_is_taken_back_that_does_not_fit_the_folder(place: Place) -> None:
    for at, name in enumerate(("0002_mood.sql", "0003_tags.sql", "0004_lone.sql")):
        place.apply(name, Effect(key=f"r-{at}/1", run="r-1"))
    take_back = migration.take_back.do
    fingerprint = place.database.catalog().fingerprint

    with pytest.raises(NotFound, match="no migration among 3"):
        take_back(*place.ports, NOW, name="0009", folder="migrations")
    with pytest.raises(Refused, match=r"0004_lone\.sql has no down script"):
        take_back(*place.ports, NOW, name="0004_lone", folder="migrations")
    with pytest.raises(Refused, match="0003_tags, 0004_lone came after 0002_mood"):
        take_back(*place.ports, NOW, name="0002", folder="migrations")
    with pytest.raises(Failed, match="ran and changed nothing in the schema"):
        take_back(*place.ports, NOW, name="0003", folder="migrations", over=("0004_lone",))
    (place.folder / "0002_mood.sql").write_text(UP + "-- changed\n")
    over = ("0003_tags", "0004_lone")
    with pytest.raises(Refused, match="was changed after it was applied"):
        take_back(*place.ports, NOW, name="0002", folder="migrations", over=over)

    assert place.database.catalog().fingerprint == fingerprint


def test_what_came_with_the_app_is_found_in_the_apps_own_repository(place: Place) -> None:
    place.run("ALTER TABLE notes ADD COLUMN said text NOT NULL")
    given = {"name": "20261123101500_said", "folder": "migrations", "by_hand": True}
    with pytest.raises(NotFound, match="no migration among 3"):
        migration.take_back.do(*place.ports, NOW, **given)
    place.app.files = {
        "supabase/migrations/20261123101500_said.sql": "ALTER TABLE notes ADD COLUMN said text;",
    }
    with pytest.raises(Refused, match="20261123101500_said has no down script"):
        migration.take_back.do(*place.ports, NOW, **given)
    down = "ALTER TABLE notes DROP COLUMN said;"
    place.app.files["supabase/migrations/20261123101500_said.down.sql"] = down

    migration.take_back.do(*place.ports, NOW, **given)

    assert place.inserts()


def test_a_migration_that_never_was_there_is_not_applied_by_the_way_back(place: Place) -> None:
    (place.folder / "0003_tags.down.sql").write_text("DROP TABLE IF EXISTS tags;\n")
    given = {"name": "0003_tags", "folder": "migrations", "by_hand": True}
    fingerprint = place.database.catalog().fingerprint
    before = remember_taking_back(*place.ports, NOW, **given)

    for _ in range(2):  # the second as after a kill between the commit and its word
        with pytest.raises(Failed, match="ran and changed nothing in the schema"):
            migration.take_back.do(*place.ports, NOW, **given)
        assert migration.look_taken_back(*place.ports, NOW, **given) is None
    undone = undo_taking_back(before, *place.ports, NOW, **given)

    assert place.database.catalog().fingerprint == fingerprint
    assert undone.says == "0003_tags.sql was not there, so it is not applied again"
