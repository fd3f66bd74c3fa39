"""Proofs of physical backups, and a restore in place to a named point that can be taken back."""

from collections.abc import Iterator

import psycopg
import pytest

from drillbook.core.effect import Effect
from drillbook.core.errors import Failed
from drillbook.ports.backups import Manifest, Wanted
from drillbook.providers.postgres.restores import PostgresRestores
from drillbook.providers.postgres.verifying import PostgresVerifier
from physical.parts import Production, an_effect


def verifier(production: Production) -> PostgresVerifier:
    return PostgresVerifier(
        production.server, production.store, production.room, production.commands
    )


def rows(production: Production, table: str) -> int:
    with psycopg.connect(production.running.url("app")) as session:
        row = session.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_a_physical_backup_is_proven_equal_to_the_source(
    production: Production, full: Manifest
) -> None:
    proven = verifier(production).verify(full.id, an_effect("verify"))

    assert proven.level == 4
    assert (full.timeline, full.superuser) == (1, "postgres")
    assert proven.rows == sum(full.rows.values())
    assert production.store.proofs(full.id)[-1].level == 4


@pytest.fixture
def index_that_lacks_rows(production: Production) -> Iterator[str]:
    """An index without the rows of its table, as a changed collation or a bug leaves it."""
    production.execute("CREATE TABLE looked_up AS SELECT n FROM generate_series(1, 500) n")
    production.execute("CREATE INDEX looked_up_n ON looked_up (n)")
    production.execute(
        "UPDATE pg_index SET indisready = false, indisvalid = false "
        "WHERE indexrelid = 'looked_up_n'::regclass"
    )
    production.execute("INSERT INTO looked_up SELECT n FROM generate_series(501, 700) n")
    production.execute(
        "UPDATE pg_index SET indisready = true, indisvalid = true "
        "WHERE indexrelid = 'looked_up_n'::regclass"
    )
    yield "looked_up_n"
    production.execute("DROP TABLE looked_up")


def test_an_index_that_lacks_rows_is_named_by_the_proof(
    production: Production, index_that_lacks_rows: str
) -> None:
    taken = production.take()

    with pytest.raises(Failed, match=index_that_lacks_rows):
        verifier(production).verify(taken.id, an_effect("verify"))

    production.store.remove(taken.id)  # other tests go back to the full one, as the newest


def test_a_restore_in_place_to_a_named_point_loses_what_came_after_and_can_be_taken_back(
    production: Production, full: Manifest
) -> None:
    restores = PostgresRestores(
        production.server, production.store, production.commands, production.points
    )
    production.execute("CREATE TABLE orders AS SELECT n FROM generate_series(1, 10) n")
    production.points.mark("good", an_effect("mark"))
    production.execute("DELETE FROM orders WHERE n > 3")
    production.execute("INSERT INTO customers (name) VALUES ('late')")
    effect, wanted = Effect("run-pit/1/restore"), Wanted(point="good")
    serving = restores.serving()

    restored = restores.restore(wanted, effect)
    after = rows(production, "orders"), rows(production, "customers")
    restores.take_back(wanted, serving, effect)

    assert "good" in restored.says + restored.backup
    assert restored.point <= restored.at
    assert {lost.table: lost.rows for lost in restored.lost}["public.customers"] == 1
    assert after == (10, 200)
    assert (rows(production, "orders"), rows(production, "customers")) == (3, 201)
    assert restored.kept_as not in {"", "app"}
