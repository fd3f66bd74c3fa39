"""Fill a database with the booking schema and data that are the same for the same settings."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from drillbook.local.server import PostgresServer

FOLDER = Path(__file__).parent
PARTS = ("roles", "tables", "data", "constraints", "functions", "views", "security")
MIGRATIONS = FOLDER.parent / "migrations"


def _today() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class BookingData:
    """
    How much data, around which day, and whether it has the flaws of a real production.

    Scale 1 is 2,000 bookings, 8 is 1,024,000: above 1 the rows grow with the scale's third power.

    Flawed data has shared phones and businesses without deposits.
    """

    scale: float = 1.0
    today: date = field(default_factory=_today)
    flawed: bool = False


def load_booking(url: str, data: BookingData) -> None:
    """Make schema and data in an empty database, wholly or not at all."""
    with psycopg.connect(url) as connection:
        for name, value in (
            ("scale", str(data.scale)),
            ("today", f"{data.today.isoformat()}T00:00:00Z"),
            ("flawed", str(data.flawed).lower()),
        ):
            connection.execute("SELECT set_config(%s, %s, true)", (f"range.{name}", value))
        for part in PARTS:
            connection.execute((FOLDER / f"{part}.sql").read_bytes())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")


def make_booking_database(server: PostgresServer, name: str, data: BookingData) -> bool:
    """Make the database unless it is there; False: it was. One cut short is made anew."""
    unfinished = f"{name}_unfinished"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,))
        if found.fetchone() is not None:
            return False
        # The server may still be at the statement of somebody who was killed: wait for its end.
        connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (unfinished,))
        connection.execute(_named("DROP DATABASE IF EXISTS {} WITH (FORCE)", unfinished))
        connection.execute(_named("CREATE DATABASE {}", unfinished))
        load_booking(server.url(unfinished), data)
        connection.execute(_named("ALTER DATABASE {} RENAME TO {}", unfinished, name))
    return True


def _named(statement: str, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*map(sql.Identifier, names))
