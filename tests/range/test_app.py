"""The booking app by itself, on a real database, a real Valkey and the payment company's twin."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import LiteralString
from uuid import uuid4

import psycopg
import pytest
from benchmarks.booking_app import (
    COMMIT,
    Answer,
    BookingApp,
    app_url,
    listening,
    serving,
    token_of,
    uuid_of,
    values_for,
)
from psycopg import sql

from drillbook.local.server import PostgresServer
from drillbook.range.booking.database import BookingData, make_booking_database
from drillbook.range.cloud import Cloud
from drillbook.range.history.releases import past, source_tree
from drillbook.range.twins.payments import make_app
from drillbook.range.valkey import ValkeyServer

QUOTA = 30


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="drillbook-app-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> Iterator[str]:
    name = f"app_{uuid4().hex[:12]}"
    make_booking_database(postgres_server, name, BookingData(scale=0.1))
    yield name
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def valkey(folder: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(folder / "valkey")
    server.start(tied=True)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def app(
    folder: Path, postgres_server: PostgresServer, database: str, valkey: ValkeyServer
) -> Iterator[BookingApp]:
    cloud = Cloud(folder / "range")
    cloud.folder.mkdir(parents=True)
    with listening(make_app(cloud)) as payments:
        values = values_for(
            app_url(postgres_server, database),
            folder / "app.log",
            VALKEY_URL=valkey.url,
            PAYMENTS_URL=payments,
            PAYMENTS_KEY=cloud.token("payments"),
            CRON_SECRET="the cron's",
            POOL_SIZE="2",
            POOL_WAIT_MILLISECONDS="300",
            RATE_LIMIT_PER_MINUTE=str(QUOTA),
        )
        with serving(folder, source_tree(), values) as running:
            yield running


@pytest.fixture
def ana(app: BookingApp) -> BookingApp:
    """The app, for a customer who has sent no request yet."""
    customer = next(_CUSTOMERS)
    return BookingApp(app.process, app.log, app.port, token_of(customer), customer=customer)


_CUSTOMERS = iter(range(1, 40))


@pytest.fixture
def connection(postgres_server: PostgresServer, database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_server.url(database), autocommit=True) as made:
        yield made


def test_a_customer_books_pays_and_cancels_and_sees_it_in_the_audit_log(ana: BookingApp) -> None:
    made = ana.ask("POST", "/api/bookings", {"note": "by the window"})
    booking = f"/api/bookings/{made.json['reference']}"
    paid = ana.ask("POST", f"{booking}/pay", {})
    twice = ana.ask("POST", f"{booking}/pay", {})
    cancelled = ana.ask("POST", f"{booking}/cancel", {})
    history = ana.ask("GET", f"{booking}/history").json["history"]

    assert (made.status, paid.status, twice.status, cancelled.status) == (201, 200, 409, 200)
    assert paid.json["status"] == "paid"
    assert [(row["table_name"], row["action"], row["status"]) for row in history] == [
        ("bookings", "insert", "confirmed"),
        ("payments", "insert", "due"),
        ("payments", "update", "paid"),
        ("bookings", "update", "cancelled"),
        ("payments", "update", "refunded"),
    ]


def test_nobody_sees_or_touches_the_bookings_of_others(app: BookingApp, ana: BookingApp) -> None:
    reference = ana.ask("POST", "/api/bookings", {}).json["reference"]
    other = BookingApp(app.process, app.log, app.port, token_of(49))

    assert other.ask("GET", f"/api/bookings/{reference}/history").status == 404
    assert other.ask("POST", f"/api/bookings/{reference}/pay", {}).status == 404
    assert other.ask("POST", f"/api/bookings/{reference}/cancel", {}).status == 404
    assert app.ask("GET", "/api/bookings").status == 401
    expired = BookingApp(app.process, app.log, app.port, token_of(5, seconds=-60))
    assert expired.ask("GET", "/api/bookings").status == 401
    assert ana.ask("POST", f"/api/bookings/{reference}/cancel", {}).status == 200


def test_one_request_too_many_is_told_when_to_come_again_and_others_go_on(
    app: BookingApp, ana: BookingApp
) -> None:
    answers = [ana.ask("GET", "/nothing") for _ in range(QUOTA)]
    over = ana.ask("GET", "/nothing")

    if over.status == 404:  # a new minute began in between
        over = [ana.ask("GET", "/nothing") for _ in range(QUOTA)][-1]
    assert {answer.status for answer in answers} == {404}
    assert answers[0].headers["ratelimit-policy"] == f'"requests";q={QUOTA};w=60'
    assert answers[0].headers["ratelimit"].startswith(f'"requests";r={QUOTA - 1};t=')
    assert over.status == 429
    assert 0 < int(over.headers["retry-after"]) <= 60
    assert app.ask("GET", "/api/slots").status == 200
    assert ana.ask("GET", "/api/health").status == 200


def test_while_valkey_is_down_nobody_is_limited_and_the_log_says_so(
    app: BookingApp, ana: BookingApp, valkey: ValkeyServer
) -> None:
    counted = ana.ask("GET", "/api/slots")
    valkey.kill()
    uncounted = ana.ask("GET", "/api/slots")
    valkey.start(tied=True)
    until = time.monotonic() + 20
    again = ana.ask("GET", "/api/slots")
    while "ratelimit" not in again.headers and time.monotonic() < until:
        time.sleep(0.1)  # the app asks Valkey again after a second
        again = ana.ask("GET", "/api/slots")

    assert "ratelimit" in counted.headers
    assert uncounted.status == 200
    assert "ratelimit" not in uncounted.headers
    assert "ratelimit" in again.headers
    (warning,) = (line for line in app.lines() if line["level"] == "warning")
    assert warning["message"] == "requests are not counted"


def test_out_of_connections_is_said_and_over_when_they_come_back(
    app: BookingApp, ana: BookingApp, connection: psycopg.Connection
) -> None:
    with connection.transaction():
        connection.execute("LOCK TABLE bookings IN ACCESS EXCLUSIVE MODE")
        waiting = [_begin(ana, "/api/bookings") for _ in range(2)]
        _until(connection, "SELECT count(*) = 2 FROM pg_locks WHERE NOT granted")
        health = app.ask("GET", "/api/health")
    answers = [answer.result(20) for answer in waiting]

    assert health.status == 503
    assert health.json["error"] == "no database connection was free within 0.3 s"
    assert [answer.status for answer in answers] == [200, 200]
    assert app.ask("GET", "/api/health").status == 200
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
        ("booking app",),
    )
    assert app.ask("GET", "/api/health").status == 200


def _begin(app: BookingApp, path: str) -> "Future[Answer]":
    return _POOL.submit(app.ask, "GET", path)


_POOL = ThreadPoolExecutor(2)


def _until(connection: psycopg.Connection, query: LiteralString) -> None:
    until = time.monotonic() + 20
    while connection.execute(query).fetchone() != (True,):
        assert time.monotonic() < until, query
        time.sleep(0.01)  # the database tells nobody


def test_each_request_has_a_line_with_its_id_release_commit_and_user(ana: BookingApp) -> None:
    answer = ana.ask("GET", "/api/bookings", X_Request_Id="of-this-test")
    ana.ask("POST", "/api/login", {"email": "a@b.example", "password": "secret of ana"})

    (line,) = (line for line in ana.lines() if line.get("request_id") == "of-this-test")
    assert answer.headers["x-request-id"] == "of-this-test"
    assert answer.headers["x-release"] == line["release"] == "1.5.0"
    assert (line["commit"], line["user"]) == (COMMIT[:7], uuid_of(ana.customer))
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/bookings", 200)
    (failed,) = (line for line in ana.lines() if line.get("path") == "/api/login")
    assert (failed["status"], failed["level"]) == (500, "error")
    assert failed["message"] == "AUTH_URL is not set"
    assert failed["stack"].endswith("MissingSettingError: AUTH_URL is not set\n")
    assert "secret of ana" not in ana.log.read_text()


def test_reminders_go_out_once_however_often_the_cron_runs(
    app: BookingApp, connection: psycopg.Connection
) -> None:
    cron = {"Authorization": "Bearer the cron's"}
    refused = app.ask("GET", "/api/cron/reminders")
    first = app.ask("GET", "/api/cron/reminders", **cron)
    second = app.ask("GET", "/api/cron/reminders", **cron)
    _until(
        connection,
        "SELECT bool_and(answer ->> 'state' = 'sent') FROM internal.requests "
        "WHERE key LIKE 'reminder:%'",
    )

    sent = [line["reference"] for line in app.lines() if line["message"] == "reminder sent"]
    assert refused.status == 401
    assert first.json["queued"] == len(sent) > 0
    assert second.json["queued"] == 0
    assert len(set(sent)) == len(sent)


def test_the_release_before_serves_the_same_routes(
    folder: Path, postgres_server: PostgresServer, database: str
) -> None:
    trees = {patch.headers.get("Release"): tree for patch, tree in past() if patch}
    url = app_url(postgres_server, database)

    with serving(folder, trees["1.3.0"], values_for(url, folder / "old.log")) as old:
        old.token = token_of(45)
        made = old.ask("POST", "/api/bookings", {})
        said = {path: old.ask("GET", path).status for path in ("/api/health", "/api/bookings")}
        version = old.ask("GET", "/api/version")

    assert made.status == 201
    assert set(said.values()) == {200}
    assert version.json == {"release": "1.3.0", "commit": COMMIT, "deployment": "dpl_test"}
    assert version.headers["x-release"] == "1.3.0"
