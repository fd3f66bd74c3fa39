"""A server as production is: WAL archived and summarized."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from drillbook.local.server import PostgresServer
from drillbook.local.wal_archive import archive_settings
from drillbook.ports.backups import Manifest
from drillbook.providers.postgres.scratch import ScratchRoom
from drillbook.providers.postgres.server import Server
from drillbook.providers.postgres.storage.folder import FolderStore
from drillbook.providers.process.commands import ProcessCommands
from physical.parts import Production

TABLES = """
CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, notes jsonb);
CREATE TABLE visits (id bigserial PRIMARY KEY, customer int REFERENCES customers, at timestamptz);
CREATE UNLOGGED TABLE sessions (id int);
INSERT INTO customers (name) SELECT 'c' || n FROM generate_series(1, 200) n;
INSERT INTO visits (customer, at) SELECT n % 200 + 1, now() FROM generate_series(1, 2000) n;
INSERT INTO sessions VALUES (1);
CREATE INDEX ON visits (customer);
"""


@pytest.fixture(scope="session")
def production() -> Iterator[Production]:
    """One server for all tests of a worker; each test leaves it as whole as it was."""
    folder = Path(tempfile.mkdtemp(prefix="drillbook-test-"))
    archive = folder / "wal"
    settings = archive_settings(archive) | {"summarize_wal": "on"}
    running = PostgresServer(folder / "server", durable=False, settings=settings)
    try:
        running.start(tied=True)
        with psycopg.connect(running.url(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE app")
        with psycopg.connect(running.url("app"), autocommit=True) as connection:
            connection.execute(TABLES)
        yield Production(
            running, Server(running.url, "production", "app"), archive,
            FolderStore(folder / "backups"), ScratchRoom(folder / "scratch"),
            ProcessCommands(folder / "commands"),
        )  # fmt: skip
    finally:
        running.end_at_once()  # an orderly end would archive first
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def full(production: Production) -> Manifest:
    """A full backup; nobody changes its files."""
    return production.take()
