"""One environment of the range: its Postgres and booking database, its Valkey, its logins."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from drillbook.local.private_file import write_private
from drillbook.local.server import PostgresServer
from drillbook.local.unprivileged import give
from drillbook.local.wal_archive import archive_settings
from drillbook.range.booking.database import BookingData, make_booking_database
from drillbook.range.status import PartStatus
from drillbook.range.traffic.process import Traffic
from drillbook.range.traffic.record import read_record
from drillbook.range.twins.auth.database import LOGIN as AUTH_LOGIN
from drillbook.range.twins.auth.database import make_auth
from drillbook.range.valkey import ValkeyServer

DATABASE = "booking"
APP_LOGIN, APP_URL = "booking_app", "app-database.url"
REPLICATION_LOGIN = "booking_replication"
VALKEY_URL = "valkey.url"
ARCHIVED = "production"
# Publications and slots need it, and it is what hosted Postgres has.
# As Supabase sets it: every change of the schema is in the log.
SETTINGS = {"wal_level": "logical", "log_statement": "ddl"}
SUMMARIES_SINCE = 17
LATELY_SECONDS = 60
MAKE_REPLICATION_LOGIN = f"""
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{REPLICATION_LOGIN}') THEN
        CREATE ROLE {REPLICATION_LOGIN} LOGIN REPLICATION;
    END IF;
END
$$
"""


@dataclass(frozen=True, slots=True)
class Environment:
    """Everything of one environment lies in its folder, so that any process can take it up."""

    name: str
    folder: Path

    @property
    def server(self) -> PostgresServer:
        """The environment's Postgres."""
        return self._server(durable=True, archiving=self._archived_before)

    @property
    def traffic(self) -> Traffic:
        """The clients who use the environment's app, when there is traffic."""
        return Traffic(self.folder)

    @property
    def wal(self) -> Path:
        """The folder that the environment's WAL is archived to, when it is."""
        return self.folder / "wal"

    @property
    def _archived_before(self) -> bool:
        return self.name == ARCHIVED and self.wal.exists()

    @property
    def valkey(self) -> ValkeyServer:
        """Where the environment's app counts its users' requests."""
        return ValkeyServer(self.folder / "valkey")

    @property
    def log(self) -> Path:
        """What the environment's app writes about each request."""
        return self.folder / "app.log"

    def up(self, data: BookingData, *, tied: bool) -> tuple[str, ...]:
        """Start what does not run; return what was done, in words."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Tied data goes with this process, so it need not outlive the machine.
        server, done = self._start_postgres(data, tied=tied)
        make_auth(server.url(DATABASE), password=self._password("customers.password"))
        self._write_urls(server)
        ran = self.valkey.identity() is not None
        process = self.valkey.start(tied=tied)
        write_private(self.folder / VALKEY_URL, self.valkey.url)
        done.append(f"Valkey {'ran already' if ran else 'started'} (pid {process.pid})")
        return tuple(done)

    def _start_postgres(self, data: BookingData, *, tied: bool) -> tuple[PostgresServer, list[str]]:
        # Tied data goes with this process, so it need not outlive the machine.
        durable, archiving = not tied, self.name == ARCHIVED
        # What loading a million rows writes is in every later base backup: it is not archived.
        early = archiving and (data.scale <= 1 or self._archived_before)
        plain = self._server(durable=durable, archiving=early)
        ran = plain.identity() is not None
        started = plain.start(tied=tied)
        made = make_booking_database(plain, DATABASE, data)
        done = [f"booking data {f'made, scale {data.scale:g}' if made else 'is there already'}"]
        server = self._server(durable=durable, archiving=archiving)
        if archiving and not self._archives(server):
            plain.stop()
            started = server.start(tied=tied)
            done += [] if made else ["Postgres started again, so that it archives its WAL"]
        done = [f"Postgres {'ran already' if ran else 'started'} (pid {started.pid})", *done]
        return server, done

    def down(self) -> tuple[str, ...]:
        """Stop what runs; return what was stopped."""
        done = []
        if self.valkey.stop():
            done.append("Valkey stopped")
        if self.server.stop():
            done.append("Postgres stopped")
        return tuple(done)

    def status(self) -> tuple[PartStatus, ...]:
        """Look at the parts without touching them."""
        found = self.server.status()
        return (
            PartStatus(
                name=f"{self.name} Postgres",
                running=found.running,
                pid=found.pid,
                port=found.port,
                version=found.version,
                size_bytes=found.size_bytes,
                says=f"data in {found.folder}",
            ),
            self.valkey.status(f"{self.name} Valkey"),
        )

    def traffic_status(self) -> tuple[PartStatus, ...]:
        """Look at the clients: a range is whole without, so there is a part only where some are."""
        clients = self.traffic.identity()
        if clients is None:
            return ()
        record = self.traffic.record
        lately = datetime.now(UTC) - timedelta(seconds=LATELY_SECONDS)
        part = PartStatus(
            name=f"{self.name} traffic",
            running=True,
            pid=clients.pid,
            port=None,
            version="",
            size_bytes=record.stat().st_size if record.exists() else 0,
            says=f"in the last {LATELY_SECONDS} s {read_record(record, since=lately).says}",
        )
        return (part,)

    def _server(self, *, durable: bool, archiving: bool) -> PostgresServer:
        folder = self.folder / "postgres"
        settings = dict(SETTINGS)
        if archiving:
            settings = archive_settings(self.wal) | settings
            if PostgresServer(folder).tools.major >= SUMMARIES_SINCE:
                settings["summarize_wal"] = "on"  # for incremental backups
        return PostgresServer(folder, durable=durable, settings=settings)

    def _archives(self, server: PostgresServer) -> bool:
        # The archiver runs as the server's account, which may not be ours.
        give(self.wal, server.data.stat().st_uid)
        with psycopg.connect(server.url()) as connection:
            found = connection.execute("SHOW archive_mode").fetchone()
        return found == ("on",)

    def _write_urls(self, server: PostgresServer) -> None:
        write_private(self.folder / "database.url", server.url(DATABASE))
        self._let_in(server, APP_LOGIN, "app.password", APP_URL)
        self._let_in(server, AUTH_LOGIN, "auth.password", "auth-database.url")
        if self.name == ARCHIVED:
            with psycopg.connect(server.url(), autocommit=True) as connection:
                connection.execute(MAKE_REPLICATION_LOGIN)
            self._let_in(server, REPLICATION_LOGIN, "replication.password", "replication.url")

    def _let_in(self, server: PostgresServer, login: str, password_file: str, url: str) -> None:
        password = self._password(password_file)
        statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(
            sql.Identifier(login), sql.Literal(password)
        )
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("SET log_statement = 'none'; SET log_min_error_statement = 'panic'")
            connection.execute(statement)
        address = f"{login}:{quote(password)}@127.0.0.1:{server.port}/{DATABASE}"
        write_private(self.folder / url, f"postgresql://{address}")

    def _password(self, name: str) -> str:
        file = self.folder / name
        if not file.exists():
            write_private(file, secrets.token_urlsafe(24))
        return file.read_text(encoding="utf-8")
