"""The booking schema and its data: what it promises, tried on a real database."""

from datetime import date

import psycopg
import pytest
from psycopg import errors

from drillbook.local.server import PostgresServer
from drillbook.range.booking.database import BookingData, load_booking, make_booking_database

TODAY = date(2026, 1, 5)
EVERYTHING = """
SELECT string_agg(relname || ':' || query_to_xml(
           'SELECT count(*) AS n, sum(hashtextextended(t::text, 0)) AS s FROM '
           || relname || ' AS t', false, false, '')::text, ',' ORDER BY relname)
  FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm')
"""
A_SLOT = "SELECT id FROM open_slots WHERE starts_at > '2026-01-06' ORDER BY starts_at, id LIMIT 1"


def value(connection: psycopg.Connection, query: str, *values: object) -> object:
    row = connection.execute(query.encode(), values).fetchone()
    assert row is not None
    return row[0]


def sign_in(connection: psycopg.Connection, number: int) -> None:
    user = value(connection, "SELECT md5(%s)::uuid::text", f"user {number}")
    connection.execute("SELECT set_config('request.user', %s, true)", (user,))
    connection.execute("SET LOCAL ROLE authenticated")


def test_schema_holds_every_kind_of_object_a_migration_may_meet(booking_url: str) -> None:
    with psycopg.connect(booking_url) as connection:
        kinds = {
            "enum types": "SELECT count(*) FROM pg_type WHERE typtype = 'e'",
            "domains": "SELECT count(*) FROM pg_type WHERE typtype = 'd' AND typname ~ 'mail'",
            "views": "SELECT count(*) FROM pg_views WHERE schemaname = 'public'",
            "materialized views": "SELECT count(*) FROM pg_matviews",
            "identities": "SELECT count(*) FROM pg_attribute WHERE attidentity = 'a'",
            "partial indexes": "SELECT count(*) FROM pg_index WHERE indpred IS NOT NULL",
            "expression indexes": "SELECT count(*) FROM pg_index WHERE indexprs IS NOT NULL",
            "exclusions": "SELECT count(*) FROM pg_constraint WHERE contype = 'x'",
            "cascades": "SELECT count(*) FROM pg_constraint WHERE confdeltype = 'c'",
            "policies": "SELECT count(*) FROM pg_policies",
            "triggers": "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal",
            "plpgsql functions": "SELECT count(*) FROM pg_proc JOIN pg_language AS l "
            "ON l.oid = prolang WHERE lanname = 'plpgsql'",
            "comments": "SELECT count(*) FROM pg_description "
            "WHERE objoid IN ('public.bookings'::regclass, 'public.book_slot'::regproc)",
            "publications": "SELECT count(*) FROM pg_publication",
        }
        missing = [name for name, query in kinds.items() if not value(connection, query)]

    assert not missing


def test_data_is_the_same_for_the_same_settings_and_other_for_others(
    postgres_server: PostgresServer, database_url: str, booking_url: str
) -> None:
    load_booking(database_url, BookingData(today=TODAY))

    with psycopg.connect(database_url) as one, psycopg.connect(booking_url) as other:
        assert value(one, EVERYTHING) == value(other, EVERYTHING)
        assert value(one, "SELECT count(*) FROM bookings") == 2000


def test_scale_multiplies_the_bookings(database_url: str) -> None:
    load_booking(database_url, BookingData(scale=0.1, today=TODAY))

    with psycopg.connect(database_url) as connection:
        assert value(connection, "SELECT count(*) FROM bookings") == 200
        assert value(connection, "SELECT count(*) FROM users") == 50


def test_flawed_data_has_shared_phones_and_no_deposits_and_sound_data_has_not(
    database_url: str, booking_url: str
) -> None:
    load_booking(database_url, BookingData(today=TODAY, flawed=True))
    shared = "SELECT count(phone) - count(DISTINCT phone) FROM users"
    without = "SELECT count(*) FROM businesses WHERE NOT settings ? 'deposit_percent'"

    with psycopg.connect(database_url) as flawed, psycopg.connect(booking_url) as sound:
        assert value(flawed, shared) == 2
        assert value(flawed, without) == 8
        assert value(sound, shared) == 0
        assert value(sound, without) == 0


def test_load_that_fails_leaves_nothing_behind(database_url: str) -> None:
    with pytest.raises(psycopg.Error):
        load_booking(database_url, BookingData(scale=-1, today=TODAY))

    with psycopg.connect(database_url) as connection:
        assert value(connection, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0


def test_database_cut_short_is_made_anew_and_a_whole_one_left_alone(
    postgres_server: PostgresServer,
) -> None:
    data = BookingData(scale=0.05, today=TODAY)
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE again_unfinished")

        made = make_booking_database(postgres_server, "again", data)
        made_twice = make_booking_database(postgres_server, "again", data)

        assert (made, made_twice) == (True, False)
        connection.execute("DROP DATABASE again")


def test_customer_books_an_open_slot_once_and_it_is_audited_and_to_be_paid(
    booking_url: str,
) -> None:
    with psycopg.connect(booking_url) as connection:
        slot = value(connection, A_SLOT)
        sign_in(connection, 5)

        reference = value(connection, "SELECT reference FROM book_slot(%s)", slot)
        with pytest.raises(errors.ExclusionViolation), connection.transaction():
            connection.execute("SELECT book_slot(%s)", (slot,))

        connection.execute("RESET ROLE")
        booked = value(connection, "SELECT id FROM bookings WHERE reference = %s", reference)
        audit = (
            "SELECT count(*) FROM audit_log WHERE table_name = 'bookings' AND row_id = %s::text "
            "AND action = 'insert' AND actor = md5('user 5')::uuid::text"
        )
        assert value(connection, audit, booked) == 1
        paid = "SELECT status::text FROM payments WHERE booking_id = %s"
        assert value(connection, paid, booked) == "due"


def test_cancelled_slot_can_be_booked_again_and_only_its_customer_cancels(
    booking_url: str,
) -> None:
    with psycopg.connect(booking_url) as connection:
        slot = value(connection, A_SLOT)
        sign_in(connection, 5)
        reference = value(connection, "SELECT reference FROM book_slot(%s)", slot)

        sign_in(connection, 6)
        with pytest.raises(errors.NoDataFound), connection.transaction():
            connection.execute("SELECT cancel_booking(%s)", (reference,))
        sign_in(connection, 5)
        status = value(connection, "SELECT status::text FROM cancel_booking(%s)", reference)
        again = value(connection, "SELECT status::text FROM book_slot(%s)", slot)

    assert (status, again) == ("cancelled", "confirmed")


def test_row_level_security_shows_customers_their_own_and_visitors_nothing(
    booking_url: str,
) -> None:
    with psycopg.connect(booking_url) as connection:
        every = value(connection, "SELECT count(*) FROM bookings")
        theirs = value(
            connection, "SELECT count(*) FROM bookings WHERE customer_id = md5('user 5')::uuid"
        )
        sign_in(connection, 5)
        seen = value(connection, "SELECT count(*) FROM bookings")
        connection.execute("SET LOCAL ROLE anon")
        open_slots = value(connection, "SELECT count(*) FROM open_slots")
        with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
            connection.execute("SELECT count(*) FROM bookings")
        with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
            connection.execute("SELECT book_slot(1)")

    assert seen == theirs
    assert isinstance(seen, int)
    assert isinstance(every, int)
    assert 0 < seen < every
    assert open_slots
