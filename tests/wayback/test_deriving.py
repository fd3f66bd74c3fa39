"""Ways back are derived for what migrations do, and pg_dump says that they lead back."""

# ruff: noqa: E501 - SQL of one line reads best on one line

import pytest

from drillbook.analysis.statements import read_script
from drillbook.analysis.units import units_of
from wayback.conftest import Shop

CHANGES = {
    "new things with what hangs on them": """
        CREATE SCHEMA billing;
        CREATE TYPE billing.state AS ENUM ('open', 'paid');
        CREATE TABLE billing.bills (id serial PRIMARY KEY, stay bigint REFERENCES stays, state billing.state);
        ALTER TABLE stays ADD COLUMN bill int REFERENCES billing.bills;
        CREATE OR REPLACE VIEW large_stays AS SELECT id, guest, price, bill FROM stays WHERE kind = 'large';
        CREATE INDEX ON stays (bill) WHERE bill > 0;
        GRANT INSERT ON stays TO PUBLIC; COMMENT ON COLUMN stays.bill IS 'what was paid'
    """,
    "names changed round": """
        ALTER TABLE stays RENAME COLUMN note TO hint; ALTER TABLE stays RENAME COLUMN rooms TO note;
        ALTER TABLE guests RENAME TO people; CREATE TABLE guests (id int);
        ALTER INDEX stays_guest RENAME TO stays_of_guest; ALTER TYPE size RENAME VALUE 'small' TO 'little';
        ALTER TYPE place RENAME ATTRIBUTE town TO city; ALTER VIEW dear_stays RENAME TO costly;
        CREATE SCHEMA archive; ALTER TABLE log SET SCHEMA archive; ALTER TRIGGER noted ON stays RENAME TO marks;
        ALTER TYPE size SET SCHEMA archive; ALTER FUNCTION noted() SET SCHEMA archive
    """,
    "types and settings": """
        DROP VIEW dear_stays; DROP VIEW large_stays; DROP MATERIALIZED VIEW takings;
        ALTER TABLE stays ALTER price TYPE int USING round(price), ALTER note TYPE text, ALTER rooms TYPE text;
        ALTER TABLE stays ALTER made SET NOT NULL, ALTER kind DROP DEFAULT, ALTER note SET STORAGE EXTERNAL;
        ALTER TABLE guests ALTER id DROP IDENTITY; ALTER TABLE stays SET (fillfactor = 70);
        ALTER TABLE stays DISABLE TRIGGER noted; ALTER TABLE stays FORCE ROW LEVEL SECURITY;
        ALTER POLICY own ON stays USING (guest > 1); ALTER TABLE log SET UNLOGGED
    """,
    "an enum with a new label": "ALTER TYPE size ADD VALUE 'huge' AFTER 'small'",
    "things dropped with all that hangs on them": """
        DROP TABLE stays CASCADE; DROP FUNCTION noted(); ALTER TABLE guests DROP COLUMN home; DROP TYPE place;
        DROP TYPE size; ALTER TABLE guests DROP COLUMN name
    """,
    "partitions": """
        CREATE TABLE visits_2 PARTITION OF visits FOR VALUES FROM (100) TO (200);
        ALTER TABLE visits ADD COLUMN who int; DROP INDEX visits_day; DROP TABLE visits_1
    """,
    "functions, rules, statistics and publications": """
        CREATE OR REPLACE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
        CREATE FUNCTION twice(size) RETURNS text LANGUAGE sql AS $$SELECT $1::text || $1$$;
        CREATE RULE quiet AS ON DELETE TO guests DO INSTEAD NOTHING; CREATE STATISTICS both ON guest, kind FROM stays;
        CREATE PUBLICATION news FOR TABLE guests; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
        CREATE EXTENSION pg_trgm; CREATE OPERATOR === (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int)
    """,
}


@pytest.mark.parametrize("up", CHANGES.values(), ids=CHANGES.keys())
def test_the_derived_way_back_gives_the_same_dump_and_rows(shop: Shop, up: str) -> None:
    script = shop.offered(up)

    assert script.derived
    assert script.says.startswith("derived from the catalog")


def test_an_index_built_without_waiting_is_dropped_without_waiting(shop: Shop) -> None:
    up = "CREATE INDEX CONCURRENTLY stays_made ON stays (made); DROP INDEX CONCURRENTLY stays_guest"

    script = shop.offered(up)

    units = units_of(read_script(script.down_sql).statements)
    assert [unit.lone is not None for unit in units] == [True, True]
    assert script.capture_sql == ""
    assert script.price == "nothing is lost"


def test_a_role_that_a_migration_makes_goes_with_the_way_back(shop: Shop) -> None:
    script = shop.offered("CREATE ROLE cashier NOLOGIN; GRANT SELECT ON stays TO cashier")

    assert "DROP ROLE cashier" in script.down_sql
    assert shop.run("SELECT FROM pg_roles WHERE rolname = 'cashier'") == []


def test_rehearsing_leaves_neither_clones_nor_changes(shop: Shop) -> None:
    before = shop.run("SELECT count(*) FROM pg_database WHERE datname ~ 'clone'")

    shop.rehearse("UPDATE guests SET name = 'x'")

    assert shop.run("SELECT count(*) FROM pg_database WHERE datname ~ 'clone'") == before == [(0,)]
    assert shop.run("SELECT count(*) FROM guests WHERE name = 'x'") == [(0,)]
    assert shop.run("SELECT to_regnamespace('drillbook')") == [(None,)]
