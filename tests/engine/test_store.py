"""A store is ready when all of its tables are."""

from pathlib import Path

import psycopg
import pytest

from drillbook.engine.store import Store, _is_migrated, prepare


@pytest.fixture
def store(tmp_path: Path, database_url: str) -> Store:
    return Store(database_url, tmp_path / "home")


def test_a_store_another_process_is_still_making_does_not_pass_for_ready(store: Store) -> None:
    prepare(store)
    assert _is_migrated(store)

    with psycopg.connect(store.url) as connection:
        connection.execute("UPDATE dbos.dbos_migrations SET version = version - 1")

    assert not _is_migrated(store)
