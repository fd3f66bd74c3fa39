"""A small shop on a server of its own, with backups, a WAL archive and a stack file."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psycopg

from drillbook.core.postgres_tools import find_server
from drillbook.local.server import PostgresServer
from drillbook.local.wal_archive import archive_settings
from drillbook.providers.postgres.backups import PostgresBackups
from drillbook.providers.postgres.scratch import ScratchRoom
from drillbook.providers.postgres.server import Server
from drillbook.providers.postgres.storage.folder import FolderStore
from drillbook.providers.postgres.verifying import PostgresVerifier
from drillbook.providers.process.commands import ProcessCommands

DATABASE = "shop"
OWNER = "shop_owner"
MOST_SECONDS = 300
SCHEMA = f"""
CREATE ROLE {OWNER};
CREATE EXTENSION pg_trgm;
CREATE TYPE state AS ENUM ('open', 'paid');
CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL,
    notes jsonb, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE orders (id bigserial PRIMARY KEY, customer bigint NOT NULL REFERENCES customers,
    price numeric(12, 2) NOT NULL CHECK (price >= 0), state state NOT NULL DEFAULT 'open',
    created_at timestamptz NOT NULL DEFAULT now());
ALTER TABLE orders OWNER TO {OWNER};
CREATE INDEX orders_customer ON orders (customer);
CREATE INDEX customers_name ON customers USING gin (name gin_trgm_ops);
CREATE VIEW unpaid AS SELECT id FROM orders WHERE state = 'open';
GRANT SELECT ON orders TO PUBLIC;
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON customers USING (id > 0);
INSERT INTO customers (name, notes)
    SELECT 'customer ' || md5(g::text), jsonb_build_object('n', g) FROM generate_series(1, 5000) g;
INSERT INTO orders (customer, price) SELECT 1 + g % 5000, g % 97 FROM generate_series(1, 20000) g;
"""
STACK = """
[environments.production.database]
provider = "postgres"
url = "env:SHOP_URL"
[environments.production.backups]
folder = "backups"
wal_archive = "wal"
scratch = "scratch"
[policy]
production = { write = "auto", destroy = "auto" }
"""


class Shop:
    """Production, its backups, and the command line that operates on it."""

    def __init__(self, folder: Path, *, has_checksums: bool = True) -> None:
        self.folder = folder
        self.stack = folder / "stack"
        self.stack.mkdir(parents=True)
        (self.stack / "stack.toml").write_text(STACK)
        self.archive = self.stack / "wal"
        self.tools = find_server()
        self.server = PostgresServer(
            folder / "server",
            tools=self.tools,
            durable=False,
            settings=archive_settings(self.archive) | {"max_prepared_transactions": "0"},
        )
        self.server.create()
        if not has_checksums:
            self._tool("pg_checksums", "--disable", "-D", str(self.server.data))
        self.server.start(tied=True)
        self.execute(f"CREATE DATABASE {DATABASE}", database="postgres")
        self.execute(SCHEMA)
        self.database = Server(lambda: self.server.url(DATABASE), "production")
        self.store = FolderStore(self.stack / "backups")
        self.commands = ProcessCommands(folder / "commands")
        self.room = ScratchRoom(folder / "room")
        self.backups = PostgresBackups(self.database, self.store, self.commands)
        self.verifier = PostgresVerifier(self.database, self.store, self.room, self.commands)

    def execute(self, text: str, *, database: str = DATABASE) -> list[tuple[Any, ...]]:
        """Run statements; return the rows of the last one."""
        with psycopg.connect(self.server.url(database), autocommit=True) as session:
            cursor = session.execute(text.encode())
            while cursor.nextset():
                continue
            return cursor.fetchall() if cursor.description else []

    def do(self, action: str, *values: str) -> "Ended":
        """Run one action by the command line, as a run of its own."""
        argv = [sys.executable, "-m", "drillbook", "do", action, "on=production", *values, "--json"]
        ended = subprocess.run(
            argv,
            cwd=self.stack,
            env={**os.environ, "SHOP_URL": self.server.url(DATABASE), "DRILLBOOK_HOME": "home"},
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def backup(self, kind: str = "logical") -> str:
        """Take a backup by the command line; return its name."""
        ended = self.do("backup.create", f"kind={kind}")
        if ended.code:
            raise RuntimeError(f"the backup to be harmed was not taken: {ended.says}")
        return str(self.store.all()[0].id)

    def files(self, backup: str) -> Path:
        """Return where the files of a backup lie."""
        return self.store.path / backup / "data"

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Have the server stopped while the block harms its files."""
        self.server.stop()
        try:
            yield
        finally:
            self.server.start(tied=True)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Have three writers at work while the block runs."""
        ended = Event()
        writers = [Thread(target=self._write, args=(ended, number)) for number in range(3)]
        for writer in writers:
            writer.start()
        try:
            yield
        finally:
            ended.set()
            for writer in writers:
                writer.join()

    def _write(self, ended: Event, number: int) -> None:
        with psycopg.connect(self.server.url(DATABASE), autocommit=True) as session:
            session.execute(f"SET synchronous_commit = {'off' if number else 'on'}")
            while not ended.wait(0.002):
                session.execute("INSERT INTO orders (customer, price) VALUES (1, random() * 9)")
                session.execute(
                    "UPDATE customers SET notes = jsonb_build_object('n', random()) WHERE id = %s",
                    [number * 50 + 1],
                )
                session.execute("DELETE FROM orders WHERE id = (SELECT min(id) FROM orders)")

    def _tool(self, name: str, *arguments: str) -> None:
        subprocess.run([self.tools.folder / name, *arguments], check=True, capture_output=True)


class Ended:
    """How a command of Drillbook ended."""

    def __init__(self, code: int, output: str, errors: str) -> None:
        self.code = code
        self.output = output
        self.errors = errors

    @property
    def says(self) -> str:
        """Its last words, on one line."""
        return " ".join(f"{self.output} {self.errors}".split())

    @property
    def result(self) -> dict[str, Any]:
        """What it printed."""
        found = json.loads(self.output)
        return found if isinstance(found, dict) else {}
