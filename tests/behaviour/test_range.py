"""The sample migrations that break something are found out, and the healthy ones are not."""

from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from uuid import uuid4

import psycopg
import pytest

from drillbook.analysis.behaviour import compared
from drillbook.analysis.changes import reading_of
from drillbook.analysis.dropping import dropped_by
from drillbook.analysis.statements import read_script
from drillbook.core.behaviour import Behaviours, Compared
from drillbook.core.files import File
from drillbook.local.server import PostgresServer
from drillbook.providers.postgres.behaviour import behaviours, usage, used_between
from drillbook.providers.postgres.server import Server
from drillbook.range.booking.database import BookingData, make_booking_database

FLAWED = BookingData(scale=0.1, today=date(2026, 1, 5), flawed=True)
BREAKING = {
    "0005_deposits.sql": {("insert", "public.bookings"), ("call", "public.book_slot")},
    "0011_notes_required.sql": {("insert of the least", "public.bookings")},
    "0017_claims_not_settings.sql": {("read", "public.bookings")},
    "0021_cancel_with_reason.sql": {("call", "public.cancel_booking")},
    "0022_only_the_service_books.sql": {("call", "public.book_slot")},
}
HEALTHY = [
    "0002_reviews.sql", "0006_forget_provider_references.sql", "0024_mail_instead_of_phone.sql",
]  # fmt: skip


@pytest.fixture(scope="module")
def template(postgres_server: PostgresServer) -> Iterator[str]:
    name = f"flawed_{uuid4().hex[:8]}"
    make_booking_database(postgres_server, name, FLAWED)
    yield name
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name}".encode())


@pytest.fixture(scope="module")
def before(postgres_server: PostgresServer, template: str) -> Behaviours:
    return behaviours(Server(lambda: postgres_server.url(template), "production"))


@pytest.fixture
def copy_url(postgres_server: PostgresServer, template: str, before: Behaviours) -> Iterator[str]:
    assert before.behaviours
    name = f"{template}_copy"
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        yield postgres_server.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def migrated(
    url: str, before: Behaviours, name: str, used: dict[str, str] | None = None
) -> Compared:
    text = (files("drillbook.range") / "migrations" / name).read_text(encoding="utf-8")
    file = File(name=name, sha256="", text=text)
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in read_script(text).statements:
            connection.execute(statement.text.encode())
    after = behaviours(Server(lambda: url, "production"), reading_of(file).tables, like=before)
    return compared(before, after, dropped=dropped_by(file), used=used or {})


@pytest.mark.parametrize("name", BREAKING)
def test_what_a_migration_breaks_is_named(copy_url: str, before: Behaviours, name: str) -> None:
    found = migrated(copy_url, before, name)

    named = {(one.operation, one.subject.partition("(")[0]) for one in found.broken}
    assert BREAKING[name] <= named
    assert all(one.error and one.role for one in found.broken)


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_migration_breaks_nothing(copy_url: str, before: Behaviours, name: str) -> None:
    assert migrated(copy_url, before, name).broken == ()


def test_a_dropped_table_is_broken_only_where_others_still_use_it(
    copy_url: str, before: Behaviours
) -> None:
    server = Server(lambda: copy_url, "production")
    earlier = usage(server)
    with psycopg.connect(copy_url) as app:
        app.execute("INSERT INTO internal.heartbeats DEFAULT VALUES")
        app.rollback()
    used = used_between(earlier, usage(server))
    assert list(used) == ["internal.heartbeats"]

    found = migrated(copy_url, before, "0035_forget_heartbeats.sql", used)
    unused = compared(before, behaviours(server, like=before), dropped=["internal.heartbeats"])

    said = [one.says for one in found.broken]
    assert "insert on internal.heartbeats as service: it is gone, and others used it 1 times" in (
        " ".join(said)
    )
    assert unused.broken == ()


def test_trying_leaves_no_row_and_no_object_behind(copy_url: str, before: Behaviours) -> None:
    def state() -> list[tuple[object, ...]]:
        with psycopg.connect(copy_url) as connection:
            return connection.execute(
                "SELECT c.oid::regclass::text, query_to_xml(format('SELECT count(*),"
                " sum(hashtext(t::text)) FROM %s t', c.oid::regclass), true, true, '')::text"
                "  FROM pg_class c WHERE c.relkind IN ('r', 'v', 'm')"
                "   AND c.relnamespace::regnamespace::text IN ('public', 'internal') ORDER BY 1"
            ).fetchall()

    then = state()
    behaviours(Server(lambda: copy_url, "production"), like=before)

    assert state() == then
