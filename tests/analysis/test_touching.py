"""What a statement locks is known from its text, as strongly as the server locks it."""

import psycopg
import pytest

from drillbook.analysis.statements import read_script
from drillbook.analysis.touching import Mode, conflicts, touched

TABLES = (
    "CREATE TABLE a (id int PRIMARY KEY, b int, c text);"
    'CREATE TABLE "Odd" (id int PRIMARY KEY, a int);'
    "CREATE INDEX a_b ON a (b);"
    "CREATE VIEW v AS SELECT id FROM a;"
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
    "ALTER TABLE a ADD CONSTRAINT k CHECK (b > 0) NOT VALID;"
    "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();"
    "CREATE POLICY p ON a USING (true);"
)  # fmt: skip
STATEMENTS = (
    "ALTER TABLE a ADD COLUMN d int",
    "ALTER TABLE a VALIDATE CONSTRAINT k",
    "ALTER TABLE a ALTER b SET STATISTICS 10",
    "ALTER TABLE a RENAME COLUMN b TO e",
    'ALTER TABLE "Odd" ADD FOREIGN KEY (a) REFERENCES a (id)',
    "ALTER VIEW v RENAME TO w",
    "CREATE INDEX i ON a (c)",
    "CREATE TRIGGER u BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
    "CREATE POLICY q ON a USING (true)",
    "CREATE TABLE n (id int REFERENCES a (id))",
    "DROP TRIGGER t ON a",
    "DROP POLICY p ON a",
    'DROP TABLE "Odd"',
    "DROP INDEX a_b",
    "TRUNCATE a",
    "LOCK TABLE a IN SHARE ROW EXCLUSIVE MODE",
    "UPDATE a SET b = 1",
    'DELETE FROM a USING "Odd" WHERE "Odd".a = a.id',
    'INSERT INTO a SELECT id FROM "Odd"',
    "SELECT * FROM a",
)  # fmt: skip
HELD = """
    SELECT quote_ident(relname), max(mode) FROM pg_locks JOIN pg_class c ON c.oid = relation
     WHERE pid = pg_backend_pid() AND relname = ANY (%s) GROUP BY relname, mode
"""


@pytest.fixture(scope="module")
def place(postgres_server: object) -> "psycopg.Connection[tuple[object, ...]]":
    from drillbook.local.server import PostgresServer

    assert isinstance(postgres_server, PostgresServer)
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS touching WITH (FORCE)")
        connection.execute("CREATE DATABASE touching")
    with psycopg.connect(postgres_server.url("touching")) as connection:
        connection.execute(TABLES)
        connection.commit()
        yield connection
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute("DROP DATABASE touching WITH (FORCE)")


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_server_takes_the_lock_that_was_foretold(
    place: "psycopg.Connection[tuple[object, ...]]", statement: str
) -> None:
    foretold = touched(read_script(statement).statements)
    strengths = {mode.server_name: mode for mode in Mode}
    held: dict[str, Mode] = {}

    place.execute(statement.encode())
    for name, mode in place.execute(HELD, [["a", "Odd", "a_b", "v", "w"]]).fetchall():
        held[str(name)] = max(held.get(str(name), Mode.ACCESS_SHARE), strengths[str(mode)])
    place.rollback()

    assert foretold
    for name, mode in foretold.items():
        bare = name.strip('"') if name != '"Odd"' else name
        there = held.get("w" if bare == "v" else bare)
        if statement.startswith("DROP"):
            continue  # its name is gone with it; what it held was the strongest
        assert there == mode, (name, mode, held)
    if statement.startswith("DROP"):
        assert set(foretold.values()) == {Mode.ACCESS_EXCLUSIVE}


def test_a_reader_is_in_the_way_of_the_strongest_lock_only() -> None:
    stopped = [mode for mode in Mode if Mode.ACCESS_SHARE in conflicts(mode)]

    assert stopped == [Mode.ACCESS_EXCLUSIVE]
    assert all((other in conflicts(mode)) == (mode in conflicts(other))
               for mode in Mode for other in Mode)  # fmt: skip


def test_what_the_unit_makes_itself_is_in_nobodys_way() -> None:
    text = "CREATE TABLE n (id int); CREATE INDEX i ON n (id); ALTER TABLE n ADD b int;"

    assert touched(read_script(text).statements) == {}
