"""Advice shows the linter's findings and our own with the sizes of the tables they hit."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from drillbook.actions import migration
from drillbook.core.effect import Effect, Evidence
from drillbook.core.errors import Refused
from drillbook.core.files import File
from drillbook.local.server import PostgresServer
from drillbook.providers.postgres.database import PostgresDatabase
from drillbook.providers.postgres.server import Server
from drillbook.providers.squawk import SquawkLinter


def file(text: str) -> File:
    return File(name="7_grow.sql", sha256=hashlib.sha256(text.encode()).hexdigest(), text=text)


class Kept:
    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def effect(self) -> Effect:
        def keep(name: str, data: bytes, media_type: str) -> Evidence:
            self.files[name] = data.decode()
            digest = hashlib.sha256(data).hexdigest()
            return Evidence(sha256=digest, size_bytes=len(data), name=name, media_type=media_type)

        return Effect(key="r-1/1.1", keep=keep)


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> Iterator[PostgresDatabase]:
    name = f"advising_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield _filled(Server(lambda: postgres_server.url(name), "production"))
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _filled(server: Server) -> PostgresDatabase:
    with server.session() as session:
        session.execute("CREATE TABLE large AS SELECT n AS id, repeat('x', 90) AS word"
                        " FROM generate_series(1, 20000) n")  # fmt: skip
        session.execute("CREATE TABLE small (id int, word text)")
        session.execute("ANALYZE")
    return PostgresDatabase(server)


def test_findings_come_with_sizes_and_tiny_tables_weigh_less(database: PostgresDatabase) -> None:
    kept = Kept()
    text = "CREATE INDEX a ON large (id);\nCREATE INDEX b ON small (id);\n"

    advised = migration.advise.do(database, SquawkLinter(), kept.effect(), file=file(text))

    by_table = {
        (one.table, one.source): one
        for one in advised.findings
        if one.rule in {"", "require-concurrent-index-creation"}
    }
    assert by_table["large", "squawk"].weight == "danger"
    assert by_table["large", "squawk"].line == 1
    assert by_table["large", "drillbook"].size.startswith("20,000 rows, 2.")
    assert by_table["small", "squawk"].weight == "note"
    assert by_table["small", "squawk"].line == 2
    assert by_table["small", "drillbook"].hint == "the table is tiny: nobody will notice"
    assert [one.table for one in advised.changes] == ["large"]
    assert advised.proposal == (
        "CREATE INDEX CONCURRENTLY a ON large USING btree (id);\nCREATE INDEX b ON small (id);\n"
    )
    assert kept.files == {"7_grow.proposed.sql": advised.proposal}
    assert advised.kept is not None
    assert advised.linted
    assert "a gentler file with 1 changed statements is there to review" in advised.says


def test_an_index_that_is_dropped_weighs_what_it_is(database: PostgresDatabase) -> None:
    with database.server.session() as session:
        session.execute("CREATE INDEX large_word ON large (word, id)")
        session.execute("CREATE INDEX small_word ON small (word)")
    text = "DROP INDEX large_word;\nDROP INDEX small_word;\n"

    advised = migration.advise.do(database, SquawkLinter(), Kept().effect(), file=file(text))

    assert advised.proposal == ("DROP INDEX CONCURRENTLY large_word;\nDROP INDEX small_word;\n")


def test_what_drillbook_cares_for_is_a_note(database: PostgresDatabase) -> None:
    text = "ALTER TABLE large ADD COLUMN x text;"

    advised = migration.advise.do(database, SquawkLinter(), Kept().effect(), file=file(text))

    found = {one.rule: one for one in advised.findings}
    assert found["require-lock-timeout"].weight == "note"
    assert "sets a lock_timeout for every try" in found["require-lock-timeout"].hint
    assert (advised.dangers, advised.proposal, advised.kept) == (0, "", None)


def test_a_broken_file_gets_no_advice(database: PostgresDatabase) -> None:
    with pytest.raises(Refused, match="line 1"):
        migration.advise.do(database, SquawkLinter(), Kept().effect(), file=file("ALTER TABL x;"))


def program(folder: Path, body: str) -> Path:
    path = folder / "squawk"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o700)
    return path


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("exec sleep 60", "squawk did not end within 0.2 s"),
        ("echo 'it broke' >&2; exit 2", "squawk failed (2): it broke"),
        ("echo 'no json'", "squawk's answer cannot be read: no json"),
        ("echo '[{\"line\": 1}]'; exit 1", "squawk's answer cannot be read"),
        ("kill -9 $$", "squawk failed (-9)"),
    ],
)
def test_a_linter_that_fails_is_said_and_our_own_findings_stay(
    database: PostgresDatabase, tmp_path: Path, body: str, says: str
) -> None:
    linter = SquawkLinter(program(tmp_path, body), limit_seconds=0.2 if "sleep" in body else 20)

    advised = migration.advise.do(
        database, linter, Kept().effect(), file=file("CREATE INDEX a ON large (id);")
    )

    assert not advised.linted
    assert says in advised.linter
    assert says in advised.says
    assert [one.source for one in advised.findings] == ["drillbook"]
    assert advised.changes


def test_an_absent_linter_is_said(tmp_path: Path) -> None:
    absent = SquawkLinter(tmp_path / "squawk")

    found = absent.lint("SELECT 1", server_major=17, in_transaction=True)

    assert not found.available
    assert found.says.endswith("cannot be run: No such file or directory")


def test_a_setting_that_lies_around_does_not_change_what_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".squawk.toml").write_text(
        'excluded_rules = ["require-concurrent-index-creation"]\n'
    )
    monkeypatch.chdir(tmp_path)

    found = SquawkLinter().lint(
        "CREATE INDEX a ON large (id);", server_major=17, in_transaction=True
    )

    assert "require-concurrent-index-creation" in {one.rule for one in found.findings}
    assert os.environ["PATH"]


def test_a_server_of_any_major_is_named_to_the_linter(postgres_server: PostgresServer) -> None:
    text = "ALTER TABLE t ADD COLUMN x int DEFAULT 1;"

    old = SquawkLinter().lint(text, server_major=10, in_transaction=True)
    new = SquawkLinter().lint(text, server_major=17, in_transaction=True)

    rule = "adding-field-with-default"
    assert (rule in {f.rule for f in old.findings}, rule in {f.rule for f in new.findings}) == (
        True,
        False,
    )
