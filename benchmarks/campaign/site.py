"""A lane of the campaign: its servers and databases, its stack, its store and its workers."""

import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.campaign.proxy import Proxy
from benchmarks.campaign.variants import (
    DRIFT,
    FLAWS,
    SEED,
    Variant,
    backup_book,
    command_book,
    migration_book,
)
from drillbook.actions import CATALOG
from drillbook.compiler import compile_plan
from drillbook.core.files import File, read_file
from drillbook.core.plan import Plan
from drillbook.engine.store import Store
from drillbook.local.server import PostgresServer
from drillbook.local.wal_archive import archive_settings
from drillbook.stack.books import BookFile
from drillbook.stack.stack import load_stack

DATABASE = "app"
TEMPLATE = "app_template"
SETTLED_SECONDS = 10.0
DISK_BYTES = 512 << 20
FILLER = ".filler"
PROGRAM = Path(__file__).with_name("effect_program.py")
STACK = """
[environments.production.database]
provider = "postgres"
url = "file:production.url"
[environments.production.backups]
folder = "backups"
wal_archive = "wal"
[environments.staging.database]
provider = "postgres"
url = "file:staging.url"
[policy]
production = {{ write = "auto", destroy = "auto" }}
[commands.count]
argv = ["{python}", "{program}", "{counts}", "again"]
idempotent = true
[commands.count_once]
argv = ["{python}", "{program}", "{counts}", "once"]
"""


@dataclass
class WorkerProcess:
    """A real worker, started as a user would."""

    process: subprocess.Popen[bytes]
    upgraded: bool
    started: float = field(default_factory=time.monotonic)

    @property
    def pid(self) -> int:
        """Its process number."""
        return self.process.pid

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None


class SmallDisk:
    """The folder of backups, on a file system of its own where this user may mount one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_small = False

    def open(self) -> None:
        """Make the folder."""
        self.folder.mkdir(parents=True)
        if os.geteuid() == 0:
            size = ("-o", f"size={DISK_BYTES},mode=0700")
            mounted = subprocess.run(
                ["mount", "-t", "tmpfs", *size, "none", str(self.folder)], check=False
            )
            self.is_small = mounted.returncode == 0

    def fill(self) -> None:
        """Leave no byte free."""
        with suppress(OSError), (self.folder / FILLER).open("ab") as filler:
            while True:
                filler.write(bytes(1 << 20))
                filler.flush()

    def relieve(self) -> None:
        """Give the room back."""
        (self.folder / FILLER).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove all backups."""
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def close(self) -> None:
        """Give the file system back."""
        if self.is_small:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)
            self.is_small = False


class Site:
    """Everything one lane needs; `close` leaves nothing running and nothing on disk."""

    def __init__(self, folder: Path, store_kind: str, upgraded_source: Path) -> None:
        self.folder = folder
        self.upgraded_source = upgraded_source
        self.on_postgres = store_kind == "postgres"
        self.counts = folder / "counts"
        self.home = folder / "home"
        archiving = archive_settings(folder / "wal") | {"summarize_wal": "on"}
        self.servers = {
            name: PostgresServer(
                folder / name, durable=False, settings=archiving if name == "production" else {}
            )
            for name in ("production", "staging", *(("store",) if self.on_postgres else ()))
        }
        self.disk = SmallDisk(folder / "backups")
        self.proxy = Proxy(0)
        self.workers: list[WorkerProcess] = []
        self.fleet_index = -1  # how far the record of who took over from whom was read
        self.known_left: set[str] = set()
        self._stores = 0
        self._started = 0
        self._plans: dict[str, Plan] = {}

    @property
    def wanted_workers(self) -> int:
        """How many workers share the store."""
        return 2 if self.on_postgres else 1

    def open(self) -> None:
        """Start the servers and write what a user would write."""
        self.counts.mkdir(parents=True)
        self.disk.open()
        for server in self.servers.values():
            server.start(tied=True)
        self._template("production", FLAWS)
        self._template("staging")
        self.proxy = Proxy(self.servers["production"].port)
        self.proxy.__enter__()
        for name in ("production", "staging"):
            path = self.folder / f"{name}.url"
            path.touch(mode=0o600)
            path.write_text(self.servers[name].url(DATABASE))
        # The product reaches production through the proxy; the campaign looks past it.
        address = self.servers["production"].url(DATABASE)
        ports = (str(self.servers["production"].port), str(self.proxy.port))
        (self.folder / "production.url").write_text(address.replace(*(f":{p}/" for p in ports)))
        stack = STACK.format(python=sys.executable, program=PROGRAM, counts=self.counts)
        (self.folder / "stack.toml").write_text(stack)
        self.new_store()

    def new_store(self) -> None:
        """Begin with an empty store: the old one may hold a run that never ends."""
        for worker in self.workers:
            end(worker)
        self.workers = []
        self._stores += 1
        self.fleet_index = -1
        self.home = self.folder / f"home-{self._stores}"
        self.home.mkdir(mode=0o700)
        if self.on_postgres:
            self._execute("store", "CREATE DATABASE {}", f"store_{self._stores}")

    @property
    def store(self) -> Store:
        """The store of the runs now."""
        url = f"sqlite:///{self.home}/store.db"
        if self.on_postgres:
            url = self.servers["store"].url(f"store_{self._stores}")
        return Store(url, self.home)

    def close(self) -> None:
        """End everything this lane started."""
        for worker in self.workers:
            end(worker)
        for server in self.servers.values():
            with suppress(Exception):
                server.kill()
            shutil.rmtree(server.sockets, ignore_errors=True)
        if self.proxy.port:
            self.proxy.__exit__(None, None, None)
        self.disk.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_worker(self, *, upgraded: bool = False) -> WorkerProcess:
        """Start a worker; an upgraded one runs on another version of the source."""
        env = {**os.environ, "DRILLBOOK_HOME": str(self.home), "DRILLBOOK_USER": "ana@example.com"}
        env.pop("DRILLBOOK_STORE", None)
        if self.on_postgres:
            env["DRILLBOOK_STORE"] = self.store.url
        if upgraded:
            env["PYTHONPATH"] = str(self.upgraded_source)
        # A worker of another host cannot be killed when it froze: it must find out by itself.
        before = elsewhere() if self.on_postgres and self._started % 2 else ()
        self._started += 1
        with (self.folder / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [*before, *_ended_with_us(), sys.executable, "-m", "drillbook", "worker"],
                cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        worker = WorkerProcess(process, upgraded)
        self.workers.append(worker)
        return worker

    def keep_workers(self, *, upgraded: bool = False) -> list[int]:
        """Start what is missing of the wanted workers; return how those that ended did."""
        ended = [worker for worker in self.workers if not worker.lives]
        self.workers = [worker for worker in self.workers if worker.lives]
        while len(self.workers) < self.wanted_workers:
            self.start_worker(upgraded=upgraded)
        return [worker.process.returncode for worker in ended]

    def has_settled_peer(self, worker: WorkerProcess) -> bool:
        """Whether another worker is there that has long begun."""
        settled = time.monotonic() - SETTLED_SECONDS
        return any(
            peer is not worker and peer.lives and peer.started < settled for peer in self.workers
        )

    def reset(self, variant: Variant) -> None:
        """Give the run databases that nobody touched."""
        for name in ("production", "staging"):
            self.fresh(name, DATABASE)
        if variant.drift:
            self.run_sql("production", DATABASE, DRIFT)
        self.disk.clear()
        if variant.blocked:
            self._block("production", 3.0)

    def _block(self, server: str, seconds: float) -> None:
        """Leave a transaction open that has read a table, as a forgotten session does."""
        opened = psycopg.connect(self.servers[server].url(DATABASE), application_name="campaign")
        opened.execute("SELECT count(*) FROM people")
        ends = threading.Timer(seconds, opened.close)
        ends.daemon = True
        ends.start()

    def fresh(self, server: str, database: str) -> None:
        """Make a database from the template, and drop whatever came of an earlier one."""
        for name in self.databases(server):
            if name == database or (name.startswith(f"{database}_") and name != TEMPLATE):
                self._execute(server, "DROP DATABASE {} WITH (FORCE)", name)
        self._execute(server, "CREATE DATABASE {} TEMPLATE {}", database, TEMPLATE)

    def databases(self, server: str) -> list[str]:
        """Return the databases of a server."""
        found = self.rows(server, "postgres", "SELECT datname FROM pg_database")
        return sorted(str(row[0]) for row in found)

    def rows(
        self, server: str, database: str, query: str, *values: object
    ) -> list[tuple[object, ...]]:
        """Ask a database by a session of the campaign's own."""
        url = self.servers[server].url(database)
        with psycopg.connect(url, autocommit=True, application_name="campaign") as connection:
            return connection.execute(query.encode(), values or None).fetchall()

    def run_sql(self, server: str, database: str, *statements: str) -> None:
        """Carry statements out, each by itself."""
        url = self.servers[server].url(database)
        with psycopg.connect(url, autocommit=True, application_name="campaign") as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def plan(self, variant: Variant) -> Plan:
        """Compile a variant as `drillbook run` would."""
        if variant.name not in self._plans:
            self._plans[variant.name] = self._compiled(variant)
        return self._plans[variant.name]

    def _compiled(self, variant: Variant) -> Plan:
        if variant.is_migration:
            runbook, text = "Database Migration", migration_book(variant)
        elif variant.steps:
            runbook, text = "Backups", backup_book(variant)
        else:
            runbook, text = "Count", command_book(variant)
        path = self.folder / f"{variant.name}.md"
        path.write_text(text)
        inputs: dict[str, str] = {}
        for name, content in (("migration", variant.up), ("down", variant.down)):
            if content:
                (self.folder / f"{variant.name}.{name}.sql").write_text(content)
                inputs[name] = f"{variant.name}.{name}.sql"
        plan = self.compiled(path, runbook, inputs)
        # Nobody learns later how a command ended: looking again for half a minute shows nothing.
        waits = {"undo_wait_seconds": 0.1} if variant.command else {}
        return plan.model_copy(update=waits)

    def compiled(self, path: Path, runbook: str, inputs: dict[str, str]) -> Plan:
        """Compile a book for the lane's stack."""
        book = BookFile(path.name, path.read_bytes(), path)

        def read(name: str) -> File:
            return read_file(self.folder / name)

        stack = load_stack(self.folder / "stack.toml").facts()
        return compile_plan(
            book.book, runbook, text=book.text, stack=stack, catalog=lambda: CATALOG,
            files=read, inputs=inputs,
        )  # fmt: skip

    def _template(self, server: str, *more: str) -> None:
        self._execute(server, "CREATE DATABASE {}", TEMPLATE)
        self.run_sql(server, TEMPLATE, SEED, *more, "ANALYZE")

    def _execute(self, server: str, statement: str, *names: str) -> None:
        url = self.servers[server].url()
        with psycopg.connect(url, autocommit=True, application_name="campaign") as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@lru_cache(maxsize=1)
def elsewhere() -> tuple[str, ...]:
    """Return what goes before a command so that it runs under another host's name, if it can."""
    name = ("sh", "-c", 'hostname elsewhere && exec "$@"', "sh")
    for words in (("unshare", "--uts"), ("unshare", "--user", "--map-root-user", "--uts")):
        with suppress(OSError):
            probe = [*words, "--", *name, "true"]
            if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
                return (*words, "--", *name)
    return ()


def _ended_with_us() -> tuple[str, ...]:
    """Return what goes before a command so that it ends when the campaign itself is killed."""
    return ("setpriv", "--pdeathsig", "KILL", "--") if shutil.which("setpriv") else ()


def end(worker: WorkerProcess) -> None:
    """End a worker for good, frozen or not."""
    worker.process.kill()
    worker.process.wait()
