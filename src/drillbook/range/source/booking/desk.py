"""The booking desk: what is done in the database, each request in one transaction."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from booking.pool import Connection, Pool, Row
from booking.problems import ConflictError, NothingError

MOST_ROWS = 20

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
_HISTORY = """
SELECT at, table_name, action, after ->> 'status' AS status
  FROM audit_log
 WHERE (table_name, row_id) IN (
           SELECT 'bookings', id::text FROM bookings WHERE id = %(booking)s
           UNION ALL
           SELECT 'payments', id::text FROM payments WHERE booking_id = %(booking)s)
 ORDER BY at, id
 LIMIT %(most)s
"""
_DUE = """
SELECT p.id, p.amount_cents, p.currency, p.status, p.created_at
  FROM payments AS p
  JOIN bookings AS b ON b.id = p.booking_id
 WHERE b.reference = %s
"""
_SETTLE = """
UPDATE payments
   SET status = %s::payment_status, provider_reference = coalesce(%s, provider_reference)
 WHERE id = %s AND status <> 'paid'
"""
_REMEMBER = "INSERT INTO internal.requests (key, answer) VALUES (%s, %s)"
_ANSWERED = "SELECT answer FROM internal.requests WHERE key = %s"


@dataclass(frozen=True, slots=True)
class Customer:
    """Who asks: by the id of a token, or by an address where nobody signs in."""

    email: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer wants to book; no slot means the next open one."""

    customer: Customer
    slot: int | None = None
    note: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """The app's work in its database."""

    pool: Pool

    def health(self) -> Row:
        """Write a row and take it back: a database that only answers is not healthy."""
        begun = time.monotonic()
        with self.pool.transaction("service") as connection:
            one(connection, "INSERT INTO internal.heartbeats DEFAULT VALUES RETURNING id")
            found = one(connection, "SELECT current_setting('server_version') AS version")
            connection.rollback()
        milliseconds = round((time.monotonic() - begun) * 1000, 1)
        database = {"writable": True, "version": found["version"], "milliseconds": milliseconds}
        return {"status": "ok", "database": database}

    def slots(self) -> Row:
        """Return the next open slots, as anybody sees them."""
        with self.pool.transaction("anon") as connection:
            return {"slots": connection.execute(_SLOTS, (MOST_ROWS,)).fetchall()}

    def bookings(self, customer: Customer) -> Row:
        """Return a customer's latest bookings, as she sees them."""
        with self._signed_in(customer) as connection:
            return {"bookings": connection.execute(_BOOKINGS, (MOST_ROWS,)).fetchall()}

    def history(self, customer: Customer, reference: str) -> Row:
        """Return what happened to a customer's booking and its payment."""
        with self._signed_in(customer) as connection:
            query = "SELECT id FROM bookings WHERE reference = %s"
            booking = one(connection, query, reference)["id"]
            connection.execute("SET LOCAL ROLE service")
            wanted = {"booking": booking, "most": MOST_ROWS}
            return {"history": connection.execute(_HISTORY, wanted).fetchall()}

    def attempt(self, wish: Wish) -> Row:
        """Book and take it back at once: nothing is changed, and everything was tried."""
        with self._signed_in(wish.customer) as connection:
            made = _book(connection, wish)
            connection.rollback()
        return made | {"kept": False}

    def book(self, wish: Wish) -> Row:
        """Book a slot; a request sent again with its key is answered as before."""
        with self._signed_in(wish.customer) as connection:
            before = _answered_before(connection, wish.key)
            if before is not None:
                return before
            made = _book(connection, wish) | {"kept": True}
            if wish.key:
                connection.execute("SET LOCAL ROLE service")
                connection.execute(_REMEMBER, (wish.key, json.dumps(made)))
        return made

    def cancel(self, customer: Customer, reference: str) -> Row:
        """Cancel a customer's booking."""
        with self._signed_in(customer) as connection:
            return one(connection, "SELECT reference, status FROM cancel_booking(%s)", reference)

    def due(self, customer: Customer, reference: str) -> Row:
        """Return what a customer has to pay for a booking; a conflict when it is nothing."""
        with self._signed_in(customer) as connection:
            found = one(connection, _DUE, reference)
        if found["status"] not in ("due", "failed"):
            raise ConflictError(f"the payment of {reference} is {found['status']}")
        return found

    def settle(self, customer: Customer, payment: int, status: str, charge: str | None) -> None:
        """Note what became of a payment."""
        with self._signed_in(customer) as connection:
            connection.execute("SET LOCAL ROLE service")
            connection.execute(_SETTLE, (status, charge, payment))

    @contextmanager
    def _signed_in(self, customer: Customer) -> Iterator[Connection]:
        with self.pool.transaction("service") as connection:
            if customer.id:
                user = one(connection, "SELECT id FROM users WHERE id = %s::uuid", customer.id)
            else:
                query = "SELECT id FROM users WHERE lower(email) = lower(%s)"
                user = one(connection, query, customer.email)
            connection.execute("SELECT set_config('request.user', %s, true)", (str(user["id"]),))
            connection.execute("SET LOCAL ROLE authenticated")
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


def one(connection: Connection, query: str, *values: object) -> Row:
    """Return the one row of a query."""
    row = connection.execute(query.encode(), values).fetchone()
    if row is None:
        raise NothingError("nothing of that kind is there")
    return row
