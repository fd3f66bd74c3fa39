"""The booking desk: what the app does in its database, each request in one transaction."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import DictRow, dict_row

CONNECT_SECONDS = 3
STATEMENT_MILLISECONDS = 5000
MOST_ROWS = 20

Row = DictRow
Connection = psycopg.Connection[Row]

_SLOTS = """
SELECT id, business, service, price_cents, starts_at, ends_at
  FROM open_slots
 WHERE starts_at > now()
 ORDER BY starts_at, id
 LIMIT %s
"""
_BOOKINGS = """
SELECT reference, status, lower(during) AS starts_at, upper(during) AS ends_at, note
  FROM bookings
 ORDER BY lower(during) DESC, id DESC
 LIMIT %s
"""


_REMEMBER = "INSERT INTO internal.requests (key, answer) VALUES (%s, %s)"
_ANSWERED = "SELECT answer FROM internal.requests WHERE key = %s"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer wants to book; no slot means the next open one."""

    email: str
    slot: int | None = None
    note: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """The app's work; the URL is read for each request, so that it may change."""

    url_file: Path

    def health(self) -> Row:
        """Write a row and take it back: a database that only answers is not healthy."""
        begun = time.monotonic()
        with self._as("service") as connection:
            one(connection, "INSERT INTO internal.heartbeats DEFAULT VALUES RETURNING id")
            found = one(connection, "SELECT current_setting('server_version') AS version")
            connection.rollback()
        milliseconds = round((time.monotonic() - begun) * 1000, 1)
        database = {"writable": True, "version": found["version"], "milliseconds": milliseconds}
        return {"status": "ok", "database": database}

    def slots(self) -> Row:
        """Return the next open slots, as anybody sees them."""
        with self._as("anon") as connection:
            return {"slots": connection.execute(_SLOTS, (MOST_ROWS,)).fetchall()}

    def bookings(self, email: str) -> Row:
        """Return a customer's latest bookings, as she sees them."""
        with self._signed_in(email) as connection:
            return {"bookings": connection.execute(_BOOKINGS, (MOST_ROWS,)).fetchall()}

    def attempt(self, wish: Wish) -> Row:
        """Book and take it back at once: nothing is changed, and everything was tried."""
        with self._signed_in(wish.email) as connection:
            made = _book(connection, wish)
            connection.rollback()
        return made | {"kept": False}

    def book(self, wish: Wish) -> Row:
        """Book a slot; a request sent again with its key is answered as before."""
        with self._signed_in(wish.email) as connection:
            before = _answered_before(connection, wish.key)
            if before is not None:
                return before
            made = _book(connection, wish) | {"kept": True}
            if wish.key:
                connection.execute("SET LOCAL ROLE service")
                connection.execute(_REMEMBER, (wish.key, json.dumps(made)))
        return made

    def cancel(self, email: str, reference: str) -> Row:
        """Cancel a customer's booking."""
        with self._signed_in(email) as connection:
            return one(connection, "SELECT reference, status FROM cancel_booking(%s)", reference)

    @contextmanager
    def _signed_in(self, email: str) -> Iterator[Connection]:
        with self._as("service") as connection:
            user = one(connection, "SELECT id FROM users WHERE lower(email) = lower(%s)", email)
            connection.execute("SELECT set_config('request.user', %s, true)", (str(user["id"]),))
            connection.execute("SET LOCAL ROLE authenticated")
            yield connection

    @contextmanager
    def _as(self, role: str) -> Iterator[Connection]:
        with psycopg.connect(
            self.url_file.read_text(encoding="utf-8").strip(),
            row_factory=dict_row,
            connect_timeout=CONNECT_SECONDS,
            application_name="booking app",
            options=f"-c statement_timeout={STATEMENT_MILLISECONDS}",
        ) as connection:
            connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
            yield connection


def _book(connection: Connection, wish: Wish) -> Row:
    wanted = wish.slot or one(connection, _SLOTS, 1)["id"]
    query = "SELECT reference, slot_id, status FROM book_slot(%s, nullif(%s, ''))"
    return one(connection, query, wanted, wish.note)


def _answered_before(connection: Connection, key: str) -> Row | None:
    if not key:
        return None
    connection.execute("SET LOCAL ROLE service")
    # Two requests of one key wait for each other, then the second finds the first's answer.
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (key,))
    found = connection.execute(_ANSWERED, (key,)).fetchone()
    connection.execute("SET LOCAL ROLE authenticated")
    return found["answer"] if found else None


class Nothing(LookupError):
    """What was asked for is not there."""


def one(connection: Connection, query: str, *values: object) -> Row:
    """Return the one row of a query."""
    row = connection.execute(query.encode(), values).fetchone()
    if row is None:
        raise Nothing("nothing of that kind is there")
    return row
