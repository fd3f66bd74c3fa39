"""A server as production is: WAL archived and summarized, and a login that may only replicate."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from drillbook.core.effect import Effect
from drillbook.local.server import PostgresServer
from drillbook.local.wal_archive import archive_settings
from drillbook.ports.backups import BackupKind, Manifest
from drillbook.providers.postgres.physical.opening import PhysicalOpening
from drillbook.providers.postgres.physical.points import PhysicalPoints
from drillbook.providers.postgres.physical.taking import PhysicalTaking
from drillbook.providers.postgres.scratch import ScratchRoom
from drillbook.providers.postgres.server import Server
from drillbook.providers.postgres.storage.folder import FolderStore
from drillbook.providers.process.commands import ProcessCommands

TABLES = """
CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, notes jsonb);
CREATE TABLE visits (id bigserial PRIMARY KEY, customer int REFERENCES customers, at timestamptz);
CREATE UNLOGGED TABLE sessions (id int);
INSERT INTO customers (name) SELECT 'c' || n FROM generate_series(1, 200) n;
INSERT INTO visits (customer, at) SELECT n % 200 + 1, now() FROM generate_series(1, 2000) n;
INSERT INTO sessions VALUES (1);
CREATE INDEX ON visits (customer);
"""


@dataclass(frozen=True)
class Production:
    """A running server and everything that takes and opens its backups."""

    running: PostgresServer
    server: Server
    archive: Path
    store: FolderStore
    room: ScratchRoom
    commands: ProcessCommands

    @property
    def taking(self) -> PhysicalTaking:
        return PhysicalTaking(self.server, self.store, self.commands)

    @property
    def opening(self) -> PhysicalOpening:
        return PhysicalOpening(self.store, self.room, self.commands, self.archive)

    @property
    def points(self) -> PhysicalPoints:
        return PhysicalPoints(self.server, self.store, self.room, self.commands, self.archive)

    def execute(self, statement: str) -> None:
        with self.server.session() as session:
            session.execute(statement.encode())

    def take(self, kind: BackupKind = BackupKind.PHYSICAL, key: str = "") -> Manifest:
        effect = Effect(key or f"run-{uuid4().hex[:8]}/1/take")
        unfinished = self.store.unfinished(effect.key)
        return self.store.finish(unfinished, self.taking.take(kind, "", effect, unfinished))


def an_effect(name: str = "open") -> Effect:
    return Effect(f"run-{uuid4().hex[:8]}/1/{name}")


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
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def full(production: Production) -> Manifest:
    """A full backup; nobody changes its files."""
    return production.take()
