"""Rows that a migration changes or loses come back, and those written since are treated as said."""

import psycopg
import pytest

from drillbook.core.errors import Failed
from wayback.conftest import Shop

COUNT = "SELECT count(*), sum(price), min(note), max(note) FROM stays"


def test_rows_changed_deleted_and_added_come_back_with_triggers_silent(shop: Shop) -> None:
    up = """
        UPDATE stays SET note = 'all the same'; DELETE FROM stays WHERE id > 20;
        INSERT INTO guests (name) VALUES ('new 1'), ('new 2');
        DO $$BEGIN UPDATE guests SET name = upper(name) WHERE id = 3; END$$; TRUNCATE visits
    """

    script = shop.offered(up)

    assert "rows of before that were deleted from public.stays after it come back" in script.price
    assert "and who writes to public.guests and public.stays" in script.says
    assert script.says.endswith(" waits until its first transaction ends")
    assert all(name.startswith("drillbook.before_") for name in script.side_tables)


def test_rows_written_after_a_dropped_column_stay(shop: Shop) -> None:
    up = "ALTER TABLE stays DROP COLUMN rooms; ALTER TABLE stays DROP COLUMN note"
    script = shop.proven(up)
    assert script.price == (
        "rows written to public.stays after it have no note, rooms; "
        "the columns of public.stays come back in another order"
    )

    with shop.copied() as copy:
        copy.up(up, script)
        copy.run("INSERT INTO stays (guest, price) VALUES (1, 7)")
        copy.back(script)

        assert copy.run("SELECT note, rooms FROM stays WHERE price = 7 AND id > 30") == [
            (None, None)
        ]
        assert copy.run("SELECT note, rooms FROM stays WHERE id = 4") == [("note 4", 1)]
        assert copy.run("SELECT count(*) FROM pg_tables WHERE schemaname = 'drillbook'") == [(0,)]


def test_rows_the_app_added_are_not_taken_for_the_migrations(shop: Shop) -> None:
    up = "INSERT INTO guests (name) VALUES ('seeded')"
    script = shop.proven(up)
    assert script.price == "rows it added to public.guests are removed unless changed after it"

    with shop.copied() as copy:
        copy.up(up, script)
        copy.run("INSERT INTO guests (name) VALUES ('by the app')")
        copy.back(script)

        assert copy.run("SELECT name FROM guests WHERE id > 9") == [("by the app",)]


def test_what_stops_the_way_back_is_said_before_and_changes_nothing(shop: Shop) -> None:
    up = "ALTER TABLE stays DROP COLUMN guest CASCADE"
    script = shop.proven(up)
    assert "as guest may not be null, rows written to public.stays after it stop" in script.price

    with shop.copied() as copy:
        copy.up(up, script)
        copy.run("INSERT INTO stays (price) VALUES (7)")
        with pytest.raises(Failed, match="contains null values"):
            copy.back(script)

        with pytest.raises(psycopg.errors.UndefinedColumn):
            copy.run("SELECT guest FROM stays")
        assert copy.run(f"SELECT count(*) > 0 FROM {script.side_tables[0]}") == [(True,)]


def test_a_column_with_a_default_is_filled_in_rows_written_after(shop: Shop) -> None:
    up = "ALTER TABLE stays DROP COLUMN kind CASCADE"
    script = shop.proven(up)

    with shop.copied() as copy:
        copy.up(up, script)
        copy.run("INSERT INTO stays (guest, price) VALUES (1, 8)")
        copy.back(script)

        assert copy.run("SELECT kind::text FROM stays WHERE id > 30") == [("small",)]


def test_sequences_never_go_back_behind_their_place(shop: Shop) -> None:
    up = "ALTER SEQUENCE stays_id_seq RESTART WITH 1000; ALTER TABLE guests ALTER id RESTART WITH 1"
    script = shop.proven(up)

    with shop.copied() as copy:
        copy.up(up, script)
        copy.back(script)

        assert copy.run("SELECT nextval('guests_id_seq')") == [(10,)]


def test_the_copies_can_be_forgotten(shop: Shop) -> None:
    up = "ALTER TABLE stays DROP COLUMN made"
    script = shop.proven(up)

    with shop.copied() as copy:
        copy.up(up, script)
        assert copy.run(f"SELECT count(*) FROM {script.side_tables[0]}") == [(30,)]
        copy.run(script.forget_sql)
        with pytest.raises(psycopg.errors.UndefinedTable):
            copy.run(f"SELECT FROM {script.side_tables[0]}")
