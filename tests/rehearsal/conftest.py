"""A database with something to wait for, and a way to rehearse on it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from drillbook.analysis.statements import read_script
from drillbook.analysis.units import units_of
from drillbook.core.effect import Effect
from drillbook.local.server import PostgresServer
from drillbook.providers.postgres.copies import Copies
from drillbook.providers.postgres.rehearsal.accounting import Ground, Measured
from drillbook.providers.postgres.rehearsal.measuring import measure
from drillbook.providers.postgres.scratch import ScratchRoom
from drillbook.providers.postgres.server import Server
from drillbook.providers.process.commands import ProcessCommands

EFFECT = Effect(key="r-1/2.1", run="r-1")
SHOP = """
    CREATE TABLE customers (id int PRIMARY KEY, email text);
    INSERT INTO customers SELECT g, 'c' || g FROM generate_series(1, 500) g;
    CREATE TABLE orders (id int PRIMARY KEY, customer int, note text, ref text);
    INSERT INTO orders SELECT g, 1 + g % 500, 'note ' || g, md5(g::text)
      FROM generate_series(1, 20000) g;
    CREATE TABLE events (id int, v int) PARTITION BY RANGE (id);
    CREATE TABLE events_old PARTITION OF events FOR VALUES FROM (0) TO (1000);
    INSERT INTO events SELECT g, g FROM generate_series(1, 900) g;
    CREATE MATERIALIZED VIEW totals AS SELECT customer, count(*) FROM orders GROUP BY 1;
    CREATE VIEW notes AS SELECT note FROM orders;
    ANALYZE;
"""
TEMPLATE = "shop_template"


@pytest.fixture(scope="module")
def shop_template(postgres_server: PostgresServer) -> Iterator[str]:
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}".encode())
    with psycopg.connect(postgres_server.url(TEMPLATE), autocommit=True) as connection:
        connection.execute(SHOP.encode())
    yield TEMPLATE
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {TEMPLATE} WITH (FORCE)".encode())


@pytest.fixture
def shop(postgres_server: PostgresServer, shop_template: str) -> Iterator[str]:
    """The URL of a shop of the test's own: 20,000 orders of 500 customers."""
    name = f"shop_{uuid4().hex[:12]}"
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {shop_template}".encode())
        yield postgres_server.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


Rehearse = Callable[..., Measured]


@pytest.fixture
def rehearse(shop: str) -> Rehearse:
    """Apply a file to the shop and measure."""
    server = Server(lambda: shop, "the copy")

    def go(text: str, ground: Ground | None = None) -> Measured:
        return measure(server, units_of(read_script(text).statements), EFFECT, ground or Ground())

    return go


@pytest.fixture
def copies(booking_url: str, tmp_path: Path) -> Copies:
    """A maker of copies of a booking database."""
    return Copies(
        Server(lambda: booking_url, "production"),
        ScratchRoom(tmp_path / "scratch"),
        ProcessCommands(tmp_path / "commands"),
    )
