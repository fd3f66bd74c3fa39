"""One environment of the range: its Postgres, its booking database and its app."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from drillbook.local.private_file import write_private
from drillbook.local.server import PostgresServer
from drillbook.range.booking.database import BookingData, make_booking_database
from drillbook.range.booking.process import BookingApp
from drillbook.range.status import PartStatus

DATABASE = "booking"
APP_LOGIN = "booking_app"
# Publications and slots need it, and it is what hosted Postgres has.
SETTINGS = {"wal_level": "logical"}


@dataclass(frozen=True, slots=True)
class Environment:
    """Everything of one environment lies in its folder, so that any process can take it up."""

    name: str
    folder: Path

    @property
    def server(self) -> PostgresServer:
        """The environment's Postgres."""
        return self._server(durable=True)

    @property
    def app(self) -> BookingApp:
        """The environment's app."""
        return BookingApp(self.folder)

    def up(self, data: BookingData, *, tied: bool) -> tuple[str, ...]:
        """Start what does not run; return what was done, in words."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Tied data goes with this process, so it need not outlive the machine.
        server, app = self._server(durable=not tied), self.app
        ran = server.identity() is not None
        started = server.start(tied=tied)
        done = [f"Postgres {'ran already' if ran else 'started'} (pid {started.pid})"]
        made = make_booking_database(server, DATABASE, data)
        done.append(f"booking data {f'made, scale {data.scale:g}' if made else 'is there already'}")
        self._write_urls(server)
        ran = app.identity() is not None
        process = app.start(tied=tied)
        done.append(f"app {'ran already' if ran else 'started'} at {app.url} (pid {process.pid})")
        return tuple(done)

    def down(self) -> tuple[str, ...]:
        """Stop what runs; return what was stopped."""
        done = []
        if self.app.stop():
            done.append("app stopped")
        if self.server.stop():
            done.append("Postgres stopped")
        return tuple(done)

    def status(self) -> tuple[PartStatus, ...]:
        """Look at the parts without touching them."""
        found = self.server.status()
        app, process = self.app, self.app.identity()
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
            PartStatus(
                name=f"{self.name} app",
                running=process is not None,
                pid=process.pid if process else None,
                port=app.port,
                version="",
                size_bytes=app.log.stat().st_size if app.log.exists() else 0,
                says=app.url if app.port else "never started",
            ),
        )

    def _server(self, *, durable: bool) -> PostgresServer:
        return PostgresServer(self.folder / "postgres", durable=durable, settings=SETTINGS)

    def _write_urls(self, server: PostgresServer) -> None:
        write_private(self.folder / "database.url", server.url(DATABASE))
        secret = self.folder / "app.password"
        if not secret.exists():
            write_private(secret, secrets.token_urlsafe(24))
        password = secret.read_text(encoding="utf-8")
        statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(
            sql.Identifier(APP_LOGIN), sql.Literal(password)
        )
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("SET log_statement = 'none'; SET log_min_error_statement = 'panic'")
            connection.execute(statement)
        address = f"{APP_LOGIN}:{quote(password)}@127.0.0.1:{server.port}/{DATABASE}"
        write_private(self.folder / "app-database.url", f"postgresql://{address}")
