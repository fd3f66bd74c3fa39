"""Inserts are tried on any table: values are made from rows, types, keys and checks."""

from collections.abc import Callable

import psycopg
import pytest

from drillbook.analysis.behaviour import compared
from drillbook.core.behaviour import Behaviour, Behaviours, Compared
from drillbook.providers.postgres.behaviour import behaviours
from drillbook.providers.postgres.server import Server

Look = Callable[..., Behaviours]


class Place:
    """One database: statements, observations, and what a change broke."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.server = Server(lambda: url, "production")

    def run(self, script: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(script.encode())

    def found(self, table: str, operation: str = "insert", role: str = "postgres") -> Behaviour:
        every = behaviours(self.server).behaviours
        wanted = (f"public.{table}", operation, role)
        return next(b for b in every if (b.subject, b.operation, b.role) == wanted)

    def broken_by(self, script: str) -> Compared:
        before = behaviours(self.server)
        self.run(script)
        return compared(before, behaviours(self.server, like=before), dropped=[])


@pytest.fixture
def place(database_url: str) -> Place:
    return Place(database_url)


EMPTY = """
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE DOMAIN mail AS text CHECK (VALUE ~ '^[^@]+@[^@]+$');
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE orgs (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL UNIQUE);
CREATE TABLE teams (
    org uuid NOT NULL REFERENCES orgs, number int NOT NULL, PRIMARY KEY (org, number));
CREATE TABLE members (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org uuid NOT NULL, team int NOT NULL,
    email mail NOT NULL UNIQUE, mood mood NOT NULL, code char(3) NOT NULL,
    role text NOT NULL CHECK (role IN ('owner', 'guest')),
    stars smallint NOT NULL CHECK (stars BETWEEN 3 AND 5),
    pin text NOT NULL CHECK (char_length(pin) = 4),
    during tstzrange NOT NULL, tags text[] NOT NULL, more jsonb NOT NULL,
    twice int GENERATED ALWAYS AS (stars * 2) STORED,
    FOREIGN KEY (org, team) REFERENCES teams,
    EXCLUDE USING gist (org WITH =, during WITH &&)
);
"""


def test_an_empty_table_below_empty_tables_takes_a_made_row(place: Place) -> None:
    place.run(EMPTY)

    for table in ("orgs", "teams", "members"):
        assert place.found(table).ok, place.found(table).error


def test_a_full_table_takes_a_row_like_one_of_its_own(place: Place) -> None:
    place.run(EMPTY)
    place.run(
        "INSERT INTO orgs (name) SELECT 'org ' || n FROM generate_series(1, 9) n;"
        "INSERT INTO teams SELECT id, 1 FROM orgs;"
        "INSERT INTO members (org, team, email, mood, code, role, stars, pin, during, tags, more)"
        " SELECT id, 1, name || '@x', 'sad', 'abc', 'guest', 4, '1234',"
        " tstzrange('2026-01-01', '2026-01-02'), '{a}', '{}' FROM orgs"
    )

    insert = place.found("members")
    assert (insert.ok, insert.tries, insert.worked) == (True, 2, 2)
    assert place.found("members", "update").rows == 1
    assert place.found("members", "insert on conflict (email)").ok
    assert place.found("orgs", "delete of a row others refer to").sqlstate == "23503"


def test_a_table_of_one_for_one_points_to_a_row_that_is_still_free(place: Place) -> None:
    place.run(
        "CREATE TABLE a (id int PRIMARY KEY);"
        "CREATE TABLE b (a int NOT NULL UNIQUE REFERENCES a, x text);"
        "INSERT INTO a SELECT generate_series(1, 30); INSERT INTO b SELECT generate_series(1, 29)"
    )

    assert place.found("b").ok


def test_partitions_views_and_tables_without_a_key_are_tried(place: Place) -> None:
    place.run(
        "CREATE TABLE p (id bigint GENERATED ALWAYS AS IDENTITY, day date NOT NULL)"
        " PARTITION BY RANGE (day);"
        "CREATE TABLE p_one PARTITION OF p FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');"
        "INSERT INTO p (day) VALUES ('2020-05-05');"
        "CREATE TABLE heap (words text); INSERT INTO heap VALUES ('a'), ('a');"
        "CREATE VIEW v AS SELECT words FROM heap"
    )

    assert place.found("p").ok
    assert place.found("p_one", "update").rows == 1
    assert place.found("heap", "update").rows == 1
    assert place.found("heap", "delete").rows == 1
    assert place.found("v").ok
    assert place.found("v", "read").rows == 2


def test_a_default_that_fails_breaks_the_insert(place: Place) -> None:
    place.run("CREATE TABLE t (id int PRIMARY KEY DEFAULT 1 + floor(random() * 1e9)::int, x text)")

    found = place.broken_by(
        "CREATE FUNCTION next_id() RETURNS int LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN nextval('t_numbers'); END $$;"
        "ALTER TABLE t ALTER COLUMN id SET DEFAULT next_id()"
    )

    said = {one.says for one in found.broken}
    assert 'insert on public.t as postgres: relation "t_numbers" does not exist' in said
    assert 'call on public.next_id() as postgres: relation "t_numbers" does not exist' in said


def test_a_dropped_default_breaks_the_insert_that_relied_on_it(place: Place) -> None:
    place.run("CREATE TABLE t (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), x text)")

    found = place.broken_by("ALTER TABLE t ALTER COLUMN id DROP DEFAULT")

    assert {(one.operation, one.sqlstate) for one in found.broken} >= {("insert", "23502")}


def test_a_new_column_that_must_be_filled_breaks_the_insert(place: Place) -> None:
    place.run("CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, x text)")

    found = place.broken_by("ALTER TABLE t ADD COLUMN y text NOT NULL")

    assert {one.operation for one in found.broken} == {"insert", "insert of the least"}


def test_a_check_that_waits_for_nothing_new_breaks_updates_of_old_rows(place: Place) -> None:
    place.run("CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t VALUES (1, 'old')")

    found = place.broken_by("ALTER TABLE t ADD CHECK (x <> 'old') NOT VALID")

    assert {one.operation for one in found.broken} >= {"insert", "update", "update of x"}


def test_a_trigger_that_waits_for_the_end_is_waited_for(place: Place) -> None:
    place.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")

    found = place.broken_by(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'not today'; END $$;"
        "CREATE CONSTRAINT TRIGGER late AFTER DELETE ON t DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION no()"
    )

    assert [one.says for one in found.broken] == ["delete on public.t as postgres: not today"]


def test_a_unique_index_over_old_columns_breaks_no_insert(place: Place) -> None:
    place.run("CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t VALUES (1, 'a')")

    assert place.broken_by("CREATE UNIQUE INDEX ON t (lower(x))").broken == ()


def test_renamed_columns_and_tables_break_only_what_still_names_them(place: Place) -> None:
    place.run(
        "CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t VALUES (1, 'a');"
        "CREATE FUNCTION xs() RETURNS SETOF text LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN QUERY SELECT t.x FROM t; END $$;"
        "CREATE VIEW v AS SELECT x FROM t"
    )

    found = place.broken_by("ALTER TABLE t RENAME COLUMN x TO y; ALTER TABLE t RENAME TO u")

    assert {one.subject for one in found.broken} == {"public.xs()"}


def test_a_view_taken_along_is_told(place: Place) -> None:
    place.run("CREATE TABLE t (id int PRIMARY KEY, x text); CREATE VIEW v AS SELECT x FROM t")

    found = place.broken_by("ALTER TABLE t DROP COLUMN x CASCADE")

    assert [(one.subject, one.operation) for one in found.broken] == [("public.v", "read")]


def test_a_row_that_somebody_holds_is_unsure_and_waited_for_only_briefly(place: Place) -> None:
    place.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")

    with psycopg.connect(place.url) as holder:
        holder.execute("SELECT * FROM t FOR UPDATE")
        found = behaviours(place.server, lock_seconds=0.05).behaviours

    update = next(b for b in found if b.operation == "update")
    assert (update.sure, update.error) == (False, "a lock was not free in time")


@pytest.mark.parametrize(
    "script",
    [
        "ALTER TABLE empty ADD CHECK (price > 100)",
        "ALTER TABLE full_one ADD CHECK (slug ~ '^[a-z]+-[a-z]+$')",
        "ALTER TABLE full_one ADD CHECK (price > 4)",
    ],
)
def test_a_new_check_that_all_rows_fulfil_breaks_no_insert(place: Place, script: str) -> None:
    place.run(
        "CREATE TABLE empty (id int GENERATED ALWAYS AS IDENTITY, price int NOT NULL);"
        "CREATE TABLE full_one (slug text NOT NULL UNIQUE, price int NOT NULL);"
        "INSERT INTO full_one VALUES ('some-words', 5), ('more-words', 6)"
    )

    assert place.broken_by(script).broken == ()


def test_a_table_made_anew_under_its_name_is_met_with_the_old_insert(place: Place) -> None:
    place.run("CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, gone int, x text NOT NULL)")

    found = place.broken_by(
        "ALTER TABLE t RENAME TO old; CREATE TABLE t"
        " (x text NOT NULL, id int GENERATED ALWAYS AS IDENTITY, y text NOT NULL)"
    )

    assert {(one.subject, one.operation) for one in found.broken} == {
        ("public.t", "insert"),
        ("public.t", "insert of the least"),
    }
    assert all('"y"' in one.error for one in found.broken)
