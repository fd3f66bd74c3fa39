"""Statements of PL/pgSQL bodies are planned, also those that no call comes by."""

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drillbook.analysis.behaviour import compared
from drillbook.analysis.plpgsql_body import planning_block, read_body
from drillbook.core.behaviour import Broken
from drillbook.providers.postgres.behaviour import behaviours
from drillbook.providers.postgres.server import Server

TABLES = """
CREATE TABLE items (id bigint PRIMARY KEY, price int, seen timestamptz);
CREATE TABLE log (what text);
"""
SOUND = """
CREATE FUNCTION sound(p_id bigint, OUT total int, words text DEFAULT 'a') LANGUAGE plpgsql AS $f$
#variable_conflict use_variable
<<main>>
DECLARE
    item items;
    price CONSTANT int := 5;
    loose record;
    line items%ROWTYPE;
BEGIN
    IF p_id IS NULL THEN RETURN; END IF;
    SELECT * INTO item FROM items WHERE id = sound.p_id;
    FOR loose IN SELECT * FROM items LOOP
        INSERT INTO log VALUES (loose.id || main.price || words);
    END LOOP;
    FOR i IN 1..3 LOOP
        DECLARE inner_one int := i; BEGIN
            UPDATE items SET price = inner_one + i WHERE id = p_id;
        END;
    END LOOP;
    CREATE TEMP TABLE made AS SELECT 1 AS x;
    INSERT INTO made VALUES (2);
    EXECUTE format('SELECT %L', item.price);
    total := (SELECT sum(items.price) FROM items) + $1;
    RAISE NOTICE 'done %', total;
END $f$;
CREATE FUNCTION stamped() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
    NEW.seen := now();
    IF TG_OP = 'UPDATE' AND OLD.price IS DISTINCT FROM NEW.price THEN
        INSERT INTO log VALUES (TG_TABLE_NAME || TG_ARGV[0]);
    END IF;
    RETURN NEW;
END $f$;
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON items FOR EACH ROW EXECUTE FUNCTION stamped('a');
CREATE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN INSERT INTO log SELECT count(*)::text FROM fresh; RETURN NULL; END $f$;
CREATE TRIGGER count AFTER INSERT ON items REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION counted();
CREATE FUNCTION pathed() RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER SET search_path = far
    AS $f$ BEGIN RETURN QUERY SELECT word FROM things; END $f$;
CREATE SCHEMA far; CREATE TABLE far.things (word text);
"""


class Place:
    """A database with sound functions, and what a change breaks in it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.server = Server(lambda: url, "production")
        self.run(TABLES + SOUND)

    def run(self, script: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(script.encode())

    def broken_by(self, script: str) -> tuple[Broken, ...]:
        before = behaviours(self.server)
        self.run(script)
        return compared(before, behaviours(self.server, like=before)).broken


@pytest.fixture
def place(database_url: str) -> Place:
    return Place(database_url)


def test_sound_bodies_are_planned_without_a_finding(place: Place) -> None:
    found = {
        b.subject: (b.ok, b.error)
        for b in behaviours(place.server).behaviours
        if b.operation == "plan of the body"
    }

    assert found == {
        "public.counted()": (True, ""),
        "public.pathed()": (True, ""),
        "public.sound(bigint, text)": (True, ""),
        "public.stamped()": (True, ""),
    }


@pytest.mark.parametrize(
    ("script", "subject", "error"),
    [
        (
            "ALTER TABLE log RENAME TO logs",
            "public.stamped()",
            'line 5: relation "log" does not exist',
        ),
        (
            "ALTER TABLE items DROP COLUMN seen",
            "public.stamped()",
            'line 3: record "new" has no field "seen"',
        ),
        (
            "ALTER TABLE items DROP COLUMN id CASCADE",
            "public.sound(bigint, text)",
            'line 11: column "id" does not exist',
        ),
        ("DROP TABLE far.things", "public.pathed()", 'line 1: relation "things" does not exist'),
    ],
)
def test_a_body_that_no_longer_fits_the_schema_is_broken(
    place: Place, script: str, subject: str, error: str
) -> None:
    found = place.broken_by(script)

    assert (subject, "plan of the body", error) in {
        (b.subject, b.operation, b.error) for b in found
    }


def test_a_new_function_is_broken_where_no_call_comes_by(place: Place) -> None:
    found = place.broken_by(
        "CREATE FUNCTION archive(p_id bigint) RETURNS void LANGUAGE plpgsql AS $$ BEGIN"
        " IF p_id < 0 THEN RAISE EXCEPTION 'no'; END IF;"
        " IF p_id = 4711 THEN INSERT INTO archived VALUES (p_id); END IF; END $$"
    )

    assert [(b.subject, b.operation, b.error) for b in found] == [
        ("public.archive(bigint)", "plan of the body", 'line 1: relation "archived" does not exist')
    ]


@given(st.text(max_size=60))
def test_any_text_is_a_body_or_none(text: str) -> None:
    definition = f"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $drill${text}$drill$"

    body = read_body(definition.replace("\0", ""), text.replace("\0", ""))

    assert body is None or planning_block("f", [], body)
