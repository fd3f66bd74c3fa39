"""What a migration really does to readers and writers, seen on a real server."""

import psycopg
import pytest

from drillbook.analysis.statements import read_script
from drillbook.analysis.units import units_of
from drillbook.core.effect import Effect
from drillbook.core.errors import Refused
from drillbook.core.rehearsal import Blocks, Growth, TableForecast
from drillbook.providers.postgres.rehearsal.accounting import Ground, Measured
from drillbook.providers.postgres.rehearsal.measuring import measure
from drillbook.providers.postgres.server import Server
from rehearsal.conftest import Rehearse

SLOW = "SELECT pg_sleep(0.15);"


def table(found: Measured, name: str) -> TableForecast:
    return next(
        (one for one in found.forecast.tables if one.table == name),
        TableForecast(table=name, reads_seconds=0, writes_seconds=0),
    )


def test_an_exclusive_lock_blocks_everybody_until_the_transaction_ends(rehearse: Rehearse) -> None:
    found = rehearse(f"ALTER TABLE orders ADD COLUMN a int; {SLOW}")

    assert table(found, "orders").reads_seconds > 0.14
    assert found.forecast.dangerous
    assert "reads of orders blocked" in found.forecast.says
    felt = next(one for one in found.blocked if one.table == "orders")
    assert felt.reads_seconds > 0.1
    assert felt.writes_seconds > 0.1
    assert felt.probes > 0


def test_building_an_index_blocks_writes_and_lets_reads_pass(rehearse: Rehearse) -> None:
    found = rehearse(f"CREATE INDEX slow ON orders (note); {SLOW}")

    assert table(found, "orders").reads_seconds == 0
    assert table(found, "orders").writes_seconds > 0.14
    assert found.statements[0].indexes_built == ("slow",)
    share = [lock for lock in found.statements[0].locks if lock.mode == "Share"]
    assert [(lock.table, lock.blocks) for lock in share] == [("orders", Blocks.WRITES)]


def test_an_index_built_concurrently_blocks_nobody(rehearse: Rehearse) -> None:
    found = rehearse("CREATE INDEX CONCURRENTLY slow ON orders (note)")

    assert not found.forecast.dangerous
    assert found.forecast.says.startswith("nobody waits longer than")
    assert found.statements[0].indexes_built == ("slow",)
    assert found.statements[0].growth is Growth.FREE


def test_a_lock_taken_by_code_is_found_by_the_lock_itself(rehearse: Rehearse) -> None:
    found = rehearse(
        "DO $$ BEGIN EXECUTE 'ALTER TABLE cust' || 'omers ADD COLUMN a int'; "
        "PERFORM pg_sleep(0.15); END $$"
    )

    assert table(found, "customers").reads_seconds > 0.14
    felt = next(one for one in found.blocked if one.table == "customers")
    assert felt.reads_seconds > 0.1


def test_a_foreign_key_blocks_writes_of_both_tables(rehearse: Rehearse) -> None:
    found = rehearse(
        f"ALTER TABLE orders ADD FOREIGN KEY (customer) REFERENCES customers (id); {SLOW}"
    )

    assert table(found, "orders").writes_seconds > 0.14
    assert table(found, "customers").writes_seconds > 0.14
    assert table(found, "customers").reads_seconds == 0


def test_a_locked_partition_blocks_those_who_read_the_whole(rehearse: Rehearse) -> None:
    found = rehearse(f"ALTER TABLE events_old ALTER COLUMN v SET NOT NULL; {SLOW}")

    assert table(found, "events").reads_seconds > 0.14


def test_a_locked_index_blocks_the_readers_of_its_table(rehearse: Rehearse) -> None:
    found = rehearse(f"REINDEX INDEX orders_pkey; {SLOW}")

    assert table(found, "orders").reads_seconds > 0.14
    assert next(one for one in found.blocked if one.table == "orders").reads_seconds > 0.1


def test_refreshing_blocks_readers_of_the_materialized_view_only(rehearse: Rehearse) -> None:
    found = rehearse(f"REFRESH MATERIALIZED VIEW totals; {SLOW}")

    assert table(found, "totals").reads_seconds > 0.14
    assert table(found, "totals").writes_seconds == 0
    assert table(found, "orders").writes_seconds == 0


def test_changed_rows_block_their_writers_until_the_end(rehearse: Rehearse) -> None:
    found = rehearse(f"UPDATE orders SET note = 'x'; {SLOW}")

    assert table(found, "orders").reads_seconds == 0
    assert table(found, "orders").writes_seconds > 0.14
    assert found.statements[0].rows_changed == {"orders": 20_000}
    assert found.statements[0].growth is Growth.BLOCKING
    assert found.forecast.rows_changed == 20_000


def test_rows_changed_by_code_are_found_by_the_lock_on_their_table(rehearse: Rehearse) -> None:
    found = rehearse(
        "DO $$ BEGIN EXECUTE 'DELETE FROM cust' || 'omers'; PERFORM pg_sleep(0.2); END $$"
    )

    assert table(found, "customers").writes_seconds > 0.19
    felt = next(one for one in found.blocked if one.table == "customers")
    assert (felt.writes_seconds > 0.05, felt.reads_seconds) == (True, 0)


def test_a_rewritten_table_is_named_with_what_it_wrote(rehearse: Rehearse) -> None:
    found = rehearse("ALTER TABLE orders ALTER COLUMN id TYPE bigint")

    assert found.statements[0].rewritten == ("orders",)
    assert found.statements[0].wal_bytes > 1_000_000
    assert found.forecast.rows_rewritten == 20_000
    assert "20,000 rows rewritten" in found.forecast.says


def test_a_new_table_blocks_nobody(rehearse: Rehearse) -> None:
    found = rehearse(f"CREATE TABLE fresh (id int); CREATE INDEX ON fresh (id); {SLOW}")

    assert found.forecast.tables == ()


def test_work_grows_with_the_rows_and_a_look_does_not(rehearse: Rehearse) -> None:
    production = {"orders": 20_000_000, "customers": 500}
    found = rehearse(
        "ALTER TABLE customers ADD COLUMN a int; ALTER TABLE orders ALTER COLUMN id TYPE bigint",
        Ground(rows=production),
    )

    look, work = found.statements
    assert (look.growth, look.factor) == (Growth.CONSTANT, 1.0)
    assert (work.growth, work.factor) == (Growth.BLOCKING, 1000.0)
    assert table(found, "orders").reads_seconds > work.seconds * 900
    assert table(found, "orders").rows == 20_000_000


def test_a_slower_production_takes_longer(rehearse: Rehearse) -> None:
    found = rehearse(f"ALTER TABLE orders ADD COLUMN a int; {SLOW}", Ground(pace=3.0))

    assert table(found, "orders").reads_seconds > 0.44


def test_a_failing_statement_is_named_without_the_data_of_people(rehearse: Rehearse) -> None:
    found = rehearse(
        "ALTER TABLE orders ADD COLUMN a int;\n"
        "ALTER TABLE orders ADD CONSTRAINT few UNIQUE (customer);"
    )

    assert found.failed is not None
    assert (found.failed.line, found.failed.sqlstate) == (2, "23505")
    assert "could not create unique index" in found.failed.message
    assert "few" in found.failed.on
    assert "(customer)=(…)" in found.failed.detail


def test_the_migration_may_only_what_its_role_may(rehearse: Rehearse, shop: str) -> None:
    with psycopg.connect(shop, autocommit=True) as session:
        session.execute("DROP ROLE IF EXISTS weak_of_rehearsal")
        session.execute("CREATE ROLE weak_of_rehearsal")

    found = rehearse("ALTER TABLE orders ADD COLUMN a int", Ground(role="weak_of_rehearsal"))

    assert found.failed is not None
    assert found.failed.sqlstate == "42501"
    with psycopg.connect(shop, autocommit=True) as session:
        session.execute("DROP ROLE weak_of_rehearsal")


def test_probes_leave_every_row_as_it_was(rehearse: Rehearse, shop: str) -> None:
    asked = "SELECT sum(hashtextextended(o::text, 0)), count(*), max(xmin::text) FROM orders o"
    with psycopg.connect(shop) as session:
        before = session.execute(asked).fetchone()

    found = rehearse(f"COMMENT ON TABLE orders IS 'x'; {SLOW}")

    assert next(one for one in found.blocked if one.table == "orders").probes > 1
    with psycopg.connect(shop) as session:
        assert session.execute(asked).fetchone() == before


def test_probes_give_way_when_they_and_the_migration_wait_for_each_other(
    rehearse: Rehearse, shop: str
) -> None:
    with psycopg.connect(shop, autocommit=True) as session:
        session.execute(
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "PERFORM pg_sleep(0.02); UPDATE customers SET email = email WHERE id = 1; "
            "RETURN new; END $$;"
            "CREATE TRIGGER note BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION note()"
        )

    found = rehearse(
        "ALTER TABLE customers ADD COLUMN a int; SELECT pg_sleep(0.1);"
        "ALTER TABLE orders ADD COLUMN a int"
    )

    assert found.failed is None
    assert found.forecast.deadlocks == ("orders",)


def test_a_stronger_lock_after_changed_rows_is_a_deadlock_with_their_writers(
    rehearse: Rehearse,
) -> None:
    found = rehearse(
        "UPDATE orders SET note = 'x'; SELECT pg_sleep(0.3);"
        "ALTER TABLE orders ALTER COLUMN note SET NOT NULL"
    )

    assert found.failed is None
    assert found.forecast.deadlocks == ("orders",)
    assert "deadlocks with writers of orders" in found.forecast.says


def test_a_run_that_was_taken_over_stops_between_two_statements(shop: str) -> None:
    asked: list[int] = []

    def still_mine() -> None:
        asked.append(1)
        if len(asked) > 1:
            raise Refused("another worker has the run")

    units = units_of(read_script("ALTER TABLE orders ADD COLUMN a int; SELECT 1").statements)
    effect = Effect(key="r-1/2.1", still_mine=still_mine)

    with pytest.raises(Refused, match="another worker"):
        measure(Server(lambda: shop, "the copy"), units, effect, Ground())

    with psycopg.connect(shop) as session:
        found = session.execute("SELECT count(*) FROM orders").fetchone()
    assert found == (20_000,)


def test_a_dropped_table_and_a_dropped_column_do_not_disturb_the_load(rehearse: Rehearse) -> None:
    found = rehearse(
        f"DROP VIEW notes; ALTER TABLE orders DROP COLUMN note; DROP TABLE events; {SLOW}"
    )

    assert found.failed is None
    assert table(found, "events").reads_seconds > 0.14
