"""Functions are called with arguments from rows; policies are met by somebody they know."""

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from drillbook.analysis.behaviour import compared
from drillbook.core.behaviour import Behaviour, Compared
from drillbook.providers.postgres.behaviour import behaviours
from drillbook.providers.postgres.server import Server

SUPABASE = """
DO $$ BEGIN
    CREATE ROLE f_anon NOLOGIN; CREATE ROLE f_authenticated NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE SCHEMA auth;
CREATE TABLE auth.users (id uuid PRIMARY KEY);
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid
$$;
CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
GRANT USAGE ON SCHEMA auth TO f_anon, f_authenticated;
CREATE TABLE notes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES auth.users, org text NOT NULL, words text);
CREATE TABLE orgs (name text PRIMARY KEY, plan text NOT NULL DEFAULT 'free');
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE orgs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON notes FOR ALL TO f_authenticated
    USING ((SELECT auth.uid()) = user_id) WITH CHECK ((SELECT auth.uid()) = user_id);
CREATE POLICY own_org ON orgs FOR SELECT TO f_authenticated USING (name = auth.jwt() ->> 'org');
GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO f_authenticated;
GRANT SELECT ON notes, orgs TO f_anon, f_authenticated;
INSERT INTO auth.users SELECT md5('user ' || n)::uuid FROM generate_series(1, 5) n;
INSERT INTO orgs VALUES ('one'), ('two');
INSERT INTO notes (user_id, org) SELECT id, 'one' FROM auth.users, generate_series(1, 4);
"""


class Place:
    """One database: statements, observations, and what a change broke."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.server = Server(lambda: url, "production")

    def run(self, script: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(script.encode())

    def all(self) -> dict[tuple[str, str, str], Behaviour]:
        found = behaviours(self.server).behaviours
        return {(b.subject, b.operation, b.role): b for b in found}

    def call(self, function: str) -> Behaviour:
        return self.all()[f"public.{function}", "call", "postgres"]

    def broken_by(self, script: str) -> Compared:
        before = behaviours(self.server)
        self.run(script)
        return compared(before, behaviours(self.server, like=before), dropped=[])


@pytest.fixture
def place(database_url: str) -> Place:
    return Place(database_url)


def test_somebody_the_policies_know_is_signed_in(place: Place) -> None:
    place.run(SUPABASE)

    found = place.all()

    assert (found["public.notes", "read", "f_authenticated"].rows) == 4
    assert (found["public.notes", "read", "f_anon"].rows) == 0
    assert (found["public.notes", "read", "postgres"].rows) == 20
    assert (found["public.orgs", "read", "f_authenticated"].rows) == 1
    assert found["public.notes", "insert", "f_authenticated"].ok
    assert found["public.notes", "update", "f_authenticated"].rows == 1
    assert found["public.notes", "insert", "f_anon"].sqlstate == "42501"


@pytest.mark.parametrize(
    ("script", "subject", "operation"),
    [
        ("ALTER POLICY own ON notes USING (auth.uid() IS NULL)", "notes", "read"),
        ("ALTER POLICY own ON notes WITH CHECK (false)", "notes", "insert"),
        ("DROP POLICY own_org ON orgs", "orgs", "read"),
        ("ALTER TABLE orgs DISABLE ROW LEVEL SECURITY", "orgs", "read"),
        ("REVOKE INSERT ON notes FROM f_authenticated", "notes", "insert"),
        ("REVOKE ALL ON orgs FROM f_authenticated", "orgs", "read"),
    ],
)
def test_a_policy_or_grant_that_no_longer_lets_somebody_work_is_told(
    place: Place, script: str, subject: str, operation: str
) -> None:
    place.run(SUPABASE)

    found = place.broken_by(script)

    named = {(one.subject, one.operation, one.role) for one in found.broken}
    assert (f"public.{subject}", operation, "f_authenticated") in named


def test_a_login_that_sees_nothing_itself_still_tells_what_others_no_longer_see(
    place: Place,
) -> None:
    low = f"f_{place.url.rpartition('_')[2]}"
    place.run(
        SUPABASE + f"CREATE ROLE {low} LOGIN NOINHERIT PASSWORD 'x'; CREATE ROLE {low}_reader;"
        f"GRANT f_anon, {low}_reader TO {low}; GRANT SELECT ON orgs TO {low}_reader;"
        f"CREATE POLICY all_of_it ON orgs FOR SELECT TO {low}_reader USING (true);"
        "CREATE POLICY open ON orgs FOR SELECT TO f_anon USING (true);"
    )
    parts = conninfo_to_dict(place.url) | {"user": low, "password": "x"}
    server = Server(lambda: make_conninfo("", **parts), "production")
    try:
        before = behaviours(server)
        place.run("DROP POLICY open ON orgs")
        after = behaviours(server, like=before)
    finally:
        place.run(f"DROP OWNED BY {low}_reader; DROP ROLE {low}; DROP ROLE {low}_reader")

    found = {one.says for one in compared(before, after).broken}
    assert found == {
        "read on public.orgs as f_anon: sees 0 of 2 rows, it saw 2 of 2",
    }


def test_a_role_that_is_gone_is_told(place: Place) -> None:
    role = f"f_{place.url.rpartition('_')[2]}"
    place.run(
        f"CREATE ROLE {role}; CREATE TABLE t (id int PRIMARY KEY); GRANT SELECT ON t TO {role}"
    )

    found = place.broken_by(f"DROP OWNED BY {role}; DROP ROLE {role}")

    assert [(one.subject, one.operation, one.role) for one in found.broken] == [
        ("public.t", "read", role)
    ]
    assert "is gone" in found.broken[0].error


def test_a_policy_for_more_is_widened_and_breaks_nothing(place: Place) -> None:
    place.run(SUPABASE)

    found = place.broken_by("CREATE POLICY open ON orgs FOR SELECT TO f_anon USING (true)")

    assert found.broken == ()
    assert found.widened == ("read on public.orgs as f_anon sees 2 of 2 rows now, it saw none",)


FUNCTIONS = """
CREATE TABLE items (id bigint PRIMARY KEY, sku text NOT NULL UNIQUE, price int NOT NULL);
CREATE TYPE colour AS ENUM ('red', 'blue');
INSERT INTO items VALUES (4711, 'abc', 5), (4712, 'def', 6);
CREATE FUNCTION need(there boolean) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN IF NOT there THEN RAISE EXCEPTION 'nothing found'; END IF; RETURN true; END $$;
CREATE FUNCTION price_of(p_item_id bigint) RETURNS boolean LANGUAGE sql AS $$
    SELECT need(EXISTS (SELECT FROM items WHERE id = p_item_id)) $$;
CREATE FUNCTION by_sku(_sku text, colour colour DEFAULT 'red') RETURNS boolean LANGUAGE sql AS $$
    SELECT need(EXISTS (SELECT FROM items WHERE sku = _sku)) $$;
CREATE FUNCTION row_price(item items) RETURNS int LANGUAGE sql AS $$ SELECT item.price $$;
CREATE FUNCTION total(ids bigint[]) RETURNS bigint LANGUAGE sql AS $$
    SELECT sum(price) FROM items WHERE id = ANY (ids) $$;
CREATE FUNCTION listed(VARIADIC words text[]) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT unnest(words) $$;
CREATE PROCEDURE mark(a int, INOUT b int) LANGUAGE plpgsql AS $$ BEGIN b := a; END $$;
CREATE PROCEDURE in_parts() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;
CREATE FUNCTION far() RETURNS text LANGUAGE plpgsql AS $$
BEGIN RETURN dblink_exec('host=there', 'DELETE FROM x'); END $$;
CREATE FUNCTION farther() RETURNS text LANGUAGE sql AS $$ SELECT far() $$;
CREATE FUNCTION any_of(x anyelement) RETURNS text LANGUAGE sql AS $$ SELECT x::text $$;
"""


def test_functions_are_called_with_what_rows_hold(place: Place) -> None:
    place.run(FUNCTIONS)
    found = place.all()

    def call(name: str) -> Behaviour:
        return found[f"public.{name}", "call", "postgres"]

    for name in (
        "price_of(bigint)", "by_sku(text, colour)", "row_price(items)", "total(bigint[])",
        "listed(text[])", "mark(integer, integer)",
    ):  # fmt: skip
        assert call(name).ok, (name, call(name).error)
    assert found["public.by_sku(text, colour)", "call with all arguments", "postgres"].ok


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("in_parts()", "ends transactions by itself"),
        ("far()", "calls dblink_exec, which no rollback takes back"),
        ("farther()", "calls far(), which no rollback takes back"),
        ("any_of(anyelement)", "no value can be made for x of type anyelement"),
    ],
)
def test_what_cannot_be_called_is_not_tried_and_the_reason_told(
    place: Place, name: str, why: str
) -> None:
    place.run(FUNCTIONS)

    found = place.call(name)

    assert not found.sure
    assert why in found.error


def test_a_table_whose_trigger_reaches_outside_is_read_and_not_written_to(place: Place) -> None:
    place.run(
        FUNCTIONS + "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM far(); RETURN NEW; END $$;"
        "CREATE TRIGGER tell BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION tell()"
    )

    found = behaviours(place.server)

    of_items = [b for b in found.behaviours if b.subject == "public.items"]
    assert [(b.operation, b.ok, b.sure) for b in of_items] == [
        ("read", True, True),
        ("insert", False, False),
    ]
    why = "its trigger tell calls far(), which no rollback takes back"
    assert of_items[1].error == why
    assert f"public.items was not written to: {why}" in found.remains


def test_nothing_reaches_outside_through_what_fires_a_trigger(place: Place) -> None:
    place.run(
        FUNCTIONS + "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM far(); RETURN NEW; END $$;"
        "CREATE TRIGGER tell BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION tell();"
        "CREATE VIEW cheap AS SELECT * FROM items WHERE price < 10;"
        "CREATE FUNCTION sell() RETURNS void LANGUAGE sql AS"
        " $$ INSERT INTO public.items (sku) SELECT 'x' $$;"
        "CREATE FUNCTION sell_cheap() RETURNS void LANGUAGE plpgsql AS"
        " $$ BEGIN EXECUTE format('INSERT INTO %I (sku) VALUES (1)', 'cheap'); END $$;"
        "CREATE FUNCTION show_all() RETURNS bigint LANGUAGE sql AS"
        " $$ SELECT count(*) FROM items $$;"
        "CREATE FUNCTION early() RETURNS int LANGUAGE plpgsql AS"
        " $$ DECLARE said text := far(); BEGIN RETURN (SELECT 1); END $$;"
        "CREATE TABLE sales (note text);"
        "CREATE FUNCTION sold() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM sell(); RETURN NEW; END $$;"
        "CREATE TRIGGER sold BEFORE INSERT ON sales FOR EACH ROW EXECUTE FUNCTION sold()"
    )
    trigger = "its trigger tell calls far(), which no rollback takes back"

    found = place.all()

    said = {name: found[f"public.{name}", kind, "postgres"] for name, kind in (
        ("cheap", "insert"), ("sales", "insert"), ("sell()", "call"), ("sell_cheap()", "call"),
        ("early()", "plan of the body"), ("show_all()", "call"),
    )}  # fmt: skip
    assert {name: one.error for name, one in said.items() if not one.sure} == {
        "cheap": f"it leads to public.items: {trigger}",
        "sales": "its trigger sold calls sell(), which no rollback takes back",
        "sell()": f"it writes to public.items: {trigger}",
        "sell_cheap()": f"it writes to public.cheap: it leads to public.items: {trigger}",
        "early()": "its DECLARE calls far(), which no rollback takes back",
    }
    assert said["show_all()"].ok


def test_where_others_work_no_function_that_locks_a_whole_table_is_called(place: Place) -> None:
    place.run(
        FUNCTIONS + "CREATE FUNCTION empty() RETURNS void LANGUAGE plpgsql AS"
        " $$ BEGIN TRUNCATE items; END $$;"
        "CREATE PROCEDURE alone() LANGUAGE sql AS $$ LOCK items IN EXCLUSIVE MODE $$"
    )

    gentle = behaviours(place.server, gentle=True).behaviours

    said = {one.subject: one.error for one in gentle if one.operation == "call" and not one.sure}
    others = "and others would wait for the whole table"
    assert said["public.empty()"] == f"it may truncate, {others}"
    assert said["public.alone()"] == f"it may lock, {others}"
    assert place.call("empty()").ok


def test_a_new_function_that_names_a_missing_column_is_broken(place: Place) -> None:
    place.run(FUNCTIONS)

    found = place.broken_by(
        "CREATE FUNCTION cost(item_id bigint) RETURNS int LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN (SELECT cost FROM items WHERE id = item_id); END $$;"
        "CREATE FUNCTION fine(item_id bigint) RETURNS int LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN (SELECT price FROM items WHERE id = item_id); END $$;"
        "CREATE FUNCTION picky(item_id bigint) RETURNS int LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'sign in first'; END $$"
    )

    assert [(one.subject, one.error) for one in found.broken] == [
        ("public.cost(bigint)", 'line 1: column "cost" does not exist'),
        ("public.cost(bigint)", 'column "cost" does not exist'),
    ]


def test_a_new_function_that_says_no_to_what_was_made_up_is_not_broken(place: Place) -> None:
    place.run(FUNCTIONS)

    found = place.broken_by(
        "CREATE FUNCTION counted(table_name text) RETURNS bigint LANGUAGE plpgsql AS $$"
        " DECLARE n bigint; BEGIN"
        " EXECUTE format('SELECT count(*) FROM public.%I', table_name) INTO n; RETURN n; END $$;"
        "CREATE FUNCTION known(t text) RETURNS text LANGUAGE sql AS $$ SELECT t::regclass::text $$;"
        "CREATE FUNCTION denied(t text) RETURNS text LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'no such' USING ERRCODE = 'undefined_object'; END $$;"
        "CREATE FUNCTION wrong(table_name text) RETURNS bigint LANGUAGE plpgsql AS $$"
        " DECLARE n bigint; BEGIN EXECUTE 'SELECT count(*) FROM gone' INTO n; RETURN n; END $$"
    )

    assert [(one.subject, one.error) for one in found.broken] == [
        ("public.wrong(text)", 'relation "gone" does not exist')
    ]


def test_a_function_taken_along_by_its_type_is_told(place: Place) -> None:
    place.run(FUNCTIONS)

    found = place.broken_by("DROP TYPE colour CASCADE")

    assert {one.subject for one in found.broken} == {"public.by_sku(text, colour)"}
