"""A folder is compared with the ledgers of a real database before anything goes on."""

import hashlib
from pathlib import Path

import pytest

from drillbook.actions.migration import Pending, drift, pending
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, Refused
from drillbook.core.migration_files import RefusalKind
from drillbook.ports.migrations import Change
from drillbook.providers.git import GitFolders
from drillbook.providers.postgres.database import PostgresDatabase
from drillbook.providers.postgres.ledgers import PostgresLedgers
from drillbook.providers.postgres.migrations import PostgresMigrations
from drillbook.providers.postgres.server import Server

FIRST, SECOND, THIRD = "0001_notes.sql", "0002_done.sql", "0003_due.sql"
TEXTS = {
    FIRST: "CREATE TABLE notes (id int PRIMARY KEY, words text);",
    SECOND: "ALTER TABLE notes ADD COLUMN done boolean;",
    THIRD: "ALTER TABLE notes ADD COLUMN due date;",
}


class Desk:
    """A database, a folder of migrations, and the actions on both."""

    def __init__(self, url: str, root: Path) -> None:
        self.server = Server(lambda: url, "production")
        self.database = PostgresDatabase(self.server)
        self.migrations = PostgresMigrations(self.server)
        self.ledgers = PostgresLedgers(self.server)
        self.folder = root / "sql"
        self.folder.mkdir()
        for name, text in TEXTS.items():
            self.write(name, text)
        self.write("0002_done.down.sql", "ALTER TABLE notes DROP COLUMN done;")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def apply(self, *names: str) -> None:
        for name in names:
            text = TEXTS[name]
            change = Change(name=name, sha256=hashlib.sha256(text.encode()).hexdigest(), text=text)
            self.migrations.apply(change, Effect(key=f"r-1/{name}", run="r-1"))

    def execute(self, statement: str) -> None:
        with self.server.session() as session:
            session.execute(statement.encode())

    def pending(self, *, accepted: tuple[str, ...] = (), refuse: bool = True) -> Pending:
        folders = GitFolders(self.folder.parent)
        return pending.do(folders, self.ledgers, folder="sql", accepted=accepted, refuse=refuse)

    def refusals(self) -> list[tuple[RefusalKind, str]]:
        return [(r.kind, r.name) for r in self.pending(refuse=False).refusals]


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Desk:
    return Desk(database_url, tmp_path)


def test_the_next_file_comes_with_its_way_back(desk: Desk) -> None:
    desk.apply(FIRST)

    found = desk.pending()

    assert found.applied == (FIRST,)
    assert found.pending == (SECOND, THIRD)
    assert found.next is not None
    assert (found.next.name, found.next.text) == (SECOND, TEXTS[SECOND])
    assert found.down is not None
    assert found.down.name == "0002_done.down.sql"
    assert "2 pending after 1 applied, next 0002_done.sql" in found.says


def test_a_database_without_any_ledger_lacks_everything(desk: Desk) -> None:
    assert desk.pending().count == 3
    desk.apply(FIRST, SECOND, THIRD)
    assert desk.pending().next is None


def test_a_file_changed_after_it_was_applied_is_refused(desk: Desk) -> None:
    desk.apply(FIRST)
    desk.write(FIRST, TEXTS[FIRST] + " -- more")

    with pytest.raises(Refused, match=r"0001_notes\.sql was changed after it was applied"):
        desk.pending()


def test_a_missing_a_renamed_and_a_late_file_are_refused(desk: Desk) -> None:
    desk.apply(FIRST, THIRD)
    (desk.folder / FIRST).rename(desk.folder / "0001_memos.sql")
    (desk.folder / THIRD).unlink()

    assert desk.refusals() == [
        (RefusalKind.RENAMED, "0001_memos.sql"),
        (RefusalKind.MISSING, THIRD),
    ]
    desk.write(THIRD, TEXTS[THIRD])
    assert (RefusalKind.OUT_OF_ORDER, SECOND) in desk.refusals()


def test_a_late_file_can_be_accepted_and_shows_as_reordered_afterwards(desk: Desk) -> None:
    desk.apply(FIRST, THIRD)
    assert desk.pending(accepted=(SECOND,)).pending == (SECOND,)

    desk.apply(SECOND)

    assert desk.refusals() == [(RefusalKind.REORDERED, SECOND)]
    assert desk.pending(accepted=(SECOND,)).count == 0


def test_supabases_ledger_is_read_and_its_statements_are_compared(desk: Desk) -> None:
    for name in (FIRST, SECOND, THIRD):
        (desk.folder / name).rename(desk.folder / f"2024010100{name}")
    (desk.folder / "0002_done.down.sql").unlink()
    desk.execute(
        "CREATE SCHEMA supabase_migrations;"
        "CREATE TABLE supabase_migrations.schema_migrations"
        " (version text PRIMARY KEY, statements text[], name text);"
        "INSERT INTO supabase_migrations.schema_migrations VALUES"
        " ('20240101000001', ARRAY['-- all notes\ncreate table notes"
        " (id int primary key,  words text)'], 'notes')"
    )
    assert desk.pending().applied == ("20240101000001_notes.sql",)

    desk.execute(
        "UPDATE supabase_migrations.schema_migrations SET statements = ARRAY['SELECT 2'];"
        "INSERT INTO supabase_migrations.schema_migrations VALUES ('20230101000000', NULL, 'old')"
    )

    assert desk.refusals() == [
        (RefusalKind.CHANGED, "20240101000001_notes.sql"),
        (RefusalKind.MISSING, "20230101000000_old.sql"),
    ]


def test_what_is_applied_here_is_known_to_supabase_and_forgotten_when_taken_back(
    desk: Desk,
) -> None:
    desk.execute(
        "CREATE SCHEMA supabase_migrations;"
        "CREATE TABLE supabase_migrations.schema_migrations"
        " (version text PRIMARY KEY, statements text[], name text)"
    )
    for file in desk.folder.iterdir():
        file.unlink()
    texts = {
        "20240101000001_notes.sql": TEXTS[FIRST] + TEXTS[SECOND],
        "20240101000002_index.sql": "CREATE INDEX CONCURRENTLY by_words ON notes (words);",
    }
    effects = {name: Effect(key=f"r-1/{name}", run="r-1") for name in texts}
    changes = {}
    for name, text in texts.items():
        desk.write(name, text)
        changes[name] = Change(
            name=name,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            text=text,
            down="DROP INDEX CONCURRENTLY by_words",
        )
        desk.migrations.apply(changes[name], effects[name])

    assert [entry.name for entry in desk.ledgers.entries()] == list(texts) * 2
    assert desk.pending().applied == tuple(texts)

    name = "20240101000002_index.sql"
    desk.migrations.take_back(changes[name], effects[name])

    assert [e.version for e in desk.ledgers.entries() if e.version] == ["20240101000001"]
    assert desk.pending().pending == (name,)


def test_supabases_oldest_ledger_knows_versions_only(desk: Desk) -> None:
    (desk.folder / FIRST).rename(desk.folder / "20240101000001_notes.sql")
    desk.execute(
        "CREATE SCHEMA supabase_migrations;"
        "CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY);"
        "INSERT INTO supabase_migrations.schema_migrations VALUES ('20240101000001')"
    )

    assert desk.pending(refuse=False).applied == ("20240101000001_notes.sql",)


def test_a_schema_changed_by_hand_drifted_and_the_object_is_named(desk: Desk) -> None:
    desk.apply(FIRST)
    before = drift.do(desk.database, desk.ledgers)
    assert before.says == "the schema equals the ledger's after 0001_notes.sql"

    desk.execute("ALTER TABLE notes ADD COLUMN secret text")

    with pytest.raises(Failed, match=r"since 0001_notes.sql was applied column public.notes.secr"):
        drift.do(desk.database, desk.ledgers)
    found = drift.do(desk.database, desk.ledgers, against=before.objects, at_most=99)
    assert found.from_ledger == found.from_other
    assert any("public.notes.secret is there and was not" in said for said in found.from_other)


def test_two_databases_are_compared_where_no_ledger_says_anything(desk: Desk) -> None:
    found = drift.do(desk.database, desk.ledgers)
    assert found.says == "no ledger says what the schema should be, and no other was given"
    staging = found.objects | {"table public.notes": "1"}

    with pytest.raises(Failed, match=r"compared with staging table public\.notes is missing"):
        drift.do(desk.database, desk.ledgers, against=staging, other="staging")


def test_a_migration_taken_back_leaves_the_schema_before_it_as_expected(desk: Desk) -> None:
    desk.apply(FIRST)
    change = Change(name=SECOND, sha256="2" * 64, text=TEXTS[SECOND]).model_copy(
        update={"down": "ALTER TABLE notes DROP COLUMN done"}
    )
    effect = Effect(key="r-2", run="r-2")
    desk.migrations.apply(change, effect)
    desk.migrations.take_back(change, effect)

    assert drift.do(desk.database, desk.ledgers).ledger_knows == SECOND
    assert desk.pending().pending == (SECOND, THIRD)
