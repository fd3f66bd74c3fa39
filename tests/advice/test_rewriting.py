"""A gentler file leads to the same schema and the same rows as the file it is made of."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from drillbook.analysis.advice.parts import Facts, made_name
from drillbook.analysis.advice.rewriting import TINY_BYTES, rewrite
from drillbook.analysis.statements import read_script
from drillbook.core.effect import Effect
from drillbook.local.server import PostgresServer
from drillbook.ports.migrations import Change, LedgerRow
from drillbook.providers.postgres.migrations import PostgresMigrations
from drillbook.providers.postgres.server import Server

TABLES = """
CREATE TABLE people (id int PRIMARY KEY, mail text, age int, upto int);
INSERT INTO people SELECT n, 'm' || n, n % 90, n FROM generate_series(1, 11000) n;
CREATE TABLE visits (id uuid PRIMARY KEY, person int, kind text);
INSERT INTO visits SELECT md5(n::text)::uuid, n % 11000 + 1, 'k' FROM generate_series(1, 300) n;
CREATE INDEX people_age ON people (age);
CREATE MATERIALIZED VIEW ages AS SELECT age, count(*) AS n FROM people GROUP BY age;
CREATE UNIQUE INDEX ages_age ON ages (age);
"""
BIG = Facts(rows=11_000, size_bytes=2 * TINY_BYTES, key="id")
FACTS = {
    "people": BIG,
    "visits": BIG,
    "ages": Facts(rows=90, size_bytes=2 * TINY_BYTES, unique_indexes=1),
    "people_age": BIG,
}
SCHEMA = {
    "index": "CREATE INDEX ON people (age, lower(mail)) WHERE age > 3;",
    "index on what is computed": "CREATE INDEX ON people ((age + 1));",
    "named index": "CREATE INDEX by_mail ON people (mail DESC) INCLUDE (age);",
    "drop index": "DROP INDEX people_age;",
    "check": "ALTER TABLE people ADD CHECK (age >= 0);",
    "check of two columns": "ALTER TABLE people ADD CHECK (age >= 0 AND mail <> '');",
    "foreign key": "ALTER TABLE visits ADD FOREIGN KEY (person) REFERENCES people\n"
    "ON DELETE CASCADE;",
    "foreign key and a column": "ALTER TABLE visits ADD note text, ADD CONSTRAINT p FOREIGN KEY "
    "(person) REFERENCES people (id);",
    "not null": "ALTER TABLE people ALTER mail SET NOT NULL, ALTER age SET NOT NULL;",
    "unique": "ALTER TABLE people ADD UNIQUE (mail) INCLUDE (age);",
    "unique later": "ALTER TABLE people ADD CONSTRAINT m UNIQUE (mail)\n"
    "DEFERRABLE INITIALLY DEFERRED;",
    "primary key": "ALTER TABLE visits DROP CONSTRAINT visits_pkey;\n"
    "ALTER TABLE visits ADD PRIMARY KEY (id);",
    "column": "ALTER TABLE people ADD COLUMN seen timestamptz NOT NULL DEFAULT "
    "to_timestamp(1700000000);",
    "many": "SET search_path = public;\nCREATE TABLE n (id int);\nCREATE INDEX n_id ON n (id);\n"
    "ALTER TABLE people ADD CONSTRAINT old CHECK (age < 900);\nCREATE INDEX ON people (mail);\n"
    "INSERT INTO n VALUES (1);\n",
}
ROWS = {
    "update": "UPDATE people SET mail = 'x' || age WHERE age > 50 OR age < 10;",
    "update without condition": "UPDATE people AS p SET age = 7, mail = NULL;",
    "delete": "DELETE FROM visits WHERE person > 40;",
    "delete by another table": "DELETE FROM visits WHERE person IN (SELECT id FROM people "
    "WHERE id = 3);",
    "refresh": "UPDATE people SET age = 5;\nREFRESH MATERIALIZED VIEW ages;",
    "in a block": "BEGIN;\nALTER TABLE people ADD w int;\nCREATE INDEX w ON people (w);\n"
    "ALTER TABLE people ALTER age SET NOT NULL;\nUPDATE people SET w = 1;\nCOMMIT;\nSELECT 1;\n",
}
CASES = SCHEMA | ROWS
UNCHANGED = {
    "twice is not once": "UPDATE people SET age = age + 1;",
    "random": "UPDATE people SET mail = random()::text;",
    "from another table": "UPDATE people SET age = 1 FROM visits WHERE visits.person = people.id;",
    "a condition that the batches before would change": "DELETE FROM people WHERE NOT EXISTS "
    "(SELECT FROM people AS others WHERE others.upto = people.id);",
    "an update whose condition reads the table": "UPDATE people SET age = 1 WHERE id IN "
    "(SELECT min(id) FROM public.people WHERE age <> 1 GROUP BY mail);",
    "made here": "CREATE TABLE n (id int);\nCREATE INDEX ON n (id);",
    "gentle already": "CREATE INDEX CONCURRENTLY i ON people (age);",
    "not valid already": "ALTER TABLE people ADD CONSTRAINT c CHECK (age > 0) NOT VALID;",
    "with what depends on it": "DROP INDEX people_age CASCADE;",
    "a refresh that nothing allows": "REFRESH MATERIALIZED VIEW others;",
}


@dataclass
class Two:
    """Two equal databases: one for the file as it was written, one for the gentler one."""

    written: Server
    gentler: Server

    def rows(self, server: Server) -> list[object]:
        with server.session() as session:
            tables = ("people", "visits", "ages", "n")
            return [
                session.execute(
                    sql.SQL("SELECT t.* FROM {} t ORDER BY 1").format(sql.Identifier(table))
                ).fetchall()
                for table in tables
                if session.execute("SELECT to_regclass(%s)", [table]).fetchone() != (None,)
            ]


@pytest.fixture(scope="module")
def template(postgres_server: PostgresServer) -> Iterator[str]:
    name = f"advice_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        with psycopg.connect(postgres_server.url(name)) as inside:
            inside.execute(TABLES.encode())
        yield name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def two(postgres_server: PostgresServer, template: str) -> Iterator[Two]:
    names = [f"{template}_{number}" for number in (1, 2)]
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        for name in names:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        first, second = (postgres_server.url(name) for name in names)
        yield Two(Server(lambda: first, "written"), Server(lambda: second, "gentler"))
        for name in names:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def apply(server: Server, name: str, text: str) -> LedgerRow:
    digest = hashlib.sha256(text.encode()).hexdigest()
    change = Change(name=name, sha256=digest, text=text)
    return PostgresMigrations(server).apply(change, Effect(key=f"r-1/{name}"))


@pytest.mark.parametrize("cases", [SCHEMA, ROWS], ids=["schema", "rows"])
def test_the_gentler_file_does_the_same(two: Two, cases: dict[str, str]) -> None:
    for name, text in cases.items():
        rewritten = rewrite(text, FACTS)

        written = apply(two.written, name, text)
        gentler = apply(two.gentler, name, rewritten.text)

        assert rewritten.changes, name
        assert gentler.objects_after == written.objects_after, name
        assert gentler.fingerprint_after == written.fingerprint_after, name
    assert two.rows(two.gentler) == two.rows(two.written)


@pytest.mark.parametrize("text", UNCHANGED.values(), ids=UNCHANGED)
def test_what_has_no_gentler_way_stays_byte_for_byte(text: str) -> None:
    rewritten = rewrite(text, FACTS)

    assert (rewritten.text, rewritten.changes) == (text, ())


def test_everything_but_the_statement_stays_byte_for_byte() -> None:
    before = "-- prépare ; CREATE INDEX i ON people (age);\n\n/* é */ SELECT  'ü' ;  "
    after = " ;\n\n\tSELECT\n2 -- end"

    rewritten = rewrite(f"{before}create index  i on people (age){after}", FACTS)

    assert rewritten.text.startswith(before)
    assert rewritten.text.endswith(after)
    assert rewritten.changes[0].line == 3
    assert rewritten.changes[0].before == "create index  i on people (age)"


def test_a_tiny_table_needs_no_gentler_way() -> None:
    text = "CREATE INDEX i ON people (age);"

    assert rewrite(text, {"people": Facts(rows=3, size_bytes=8192)}).changes == ()
    assert rewrite(text, {}).changes != ()


@pytest.mark.parametrize(
    "bound",
    ["SET LOCAL work_mem = '1GB';", "LOCK TABLE people;", "CREATE TEMP TABLE t () ON COMMIT DROP;"],
)
def test_what_must_stay_one_transaction_is_not_taken_apart(bound: str) -> None:
    text = f"{bound}\nCREATE INDEX i ON people (age);"

    rewritten = rewrite(text, FACTS)

    assert rewritten.text == text
    assert rewritten.kept_because.startswith("it must stay one transaction: line 1, ")


def test_a_broken_file_stays_as_it_is() -> None:
    rewritten = rewrite("CREATE INDX i;", FACTS)

    assert (rewritten.text, rewritten.changes) == ("CREATE INDX i;", ())
    assert "INDX" in rewritten.kept_because


NAMES = st.text("abcdefgé_", min_size=1, max_size=70)


@given(st.lists(st.sampled_from([*CASES.values(), *UNCHANGED.values()]), max_size=6))
def test_any_file_becomes_one_that_can_be_read(pieces: list[str]) -> None:
    text = "\n".join(piece for piece in pieces if "BEGIN" not in piece)

    rewritten = rewrite(text, FACTS)

    if text:
        assert read_script(rewritten.text).problems == ()
    assert (rewritten.text == text) is (not rewritten.changes)


@given(NAMES, NAMES)
def test_made_names_fit_the_server(table: str, columns: str) -> None:
    name = made_name(table, columns, "idx")

    assert len(name.encode()) <= 63
    assert name.endswith("_idx")


def test_the_same_file_is_rewritten_the_same_every_time() -> None:
    first = [rewrite(text, FACTS).text for text in CASES.values()]

    assert [rewrite(text, FACTS).text for text in CASES.values()] == first
