"""The range as a whole: up, looked at, killed, up again, down."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from drillbook.actions import checks
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, NotFound, Refused
from drillbook.core.files import read_file
from drillbook.core.process_identity import (
    ProcessIdentity,
    children_of,
    identify,
    running_with,
    send_signal,
    wait_until_gone,
)
from drillbook.ports.checked_systems import CheckedSystems
from drillbook.range import practice
from drillbook.range.environment import Environment
from drillbook.range.repository import git
from drillbook.range.status import RangeStatus
from drillbook.range.twins.vercel.values import get_values
from drillbook.stack.stack import load_stack
from range.customers import Customer, app_port, ask

SCALE = 0.1


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a range of the test's own, ended and removed after it."""
    above = Path(tempfile.mkdtemp(prefix="drillbook-range-"))
    folder = above / "range"
    yield folder
    if (folder / practice.MARK).exists():
        practice.down(folder, remove=True)
    shutil.rmtree(above)


@pytest.fixture(scope="module")
def lasting() -> Iterator[Path]:
    """A folder for a range that is not tied; what one test left of it the next one takes up."""
    above = Path(tempfile.mkdtemp(prefix="drillbook-range-"))
    folder = above / "range"
    yield folder
    if (folder / practice.MARK).exists():
        practice.down(folder, remove=True)
    shutil.rmtree(above)


def processes(found: RangeStatus) -> list[ProcessIdentity]:
    named = [identify(part.pid) for part in found.parts if part.pid is not None]
    return [process for process in named if process is not None]


def test_range_runs_production_and_staging_that_answer(practice_range: RangeStatus) -> None:
    assert practice_range.running
    assert [part.name for part in practice_range.parts] == [
        "production Postgres",
        "production Valkey",
        "staging Postgres",
        "staging Valkey",
        "production app",
        "staging app",
        "edge",
        "twins",
    ]
    for name in ("production", "staging"):
        status, said = ask(app_port(practice_range, name), "/api/health")
        assert status == 200
        assert said["status"] == "ok"
        assert said["database"]["writable"] is True


def test_customer_books_pays_and_cancels_at_what_the_edge_serves(
    practice_range: RangeStatus,
) -> None:
    customer = Customer(practice_range, "staging")
    _, slots = customer.ask("/api/slots")

    wanted = {"slot_id": slots["slots"][0]["id"], "note": "by the window"}
    status, made = customer.ask("/api/bookings", "POST", wanted)
    paid, _ = customer.ask(f"/api/bookings/{made['reference']}/pay", "POST", {})
    _, listed = customer.ask("/api/bookings")
    taken, _ = customer.ask("/api/bookings", "POST", wanted)
    cancelled, _ = customer.ask(f"/api/bookings/{made['reference']}/cancel", "POST")

    assert (status, paid, taken, cancelled) == (201, 200, 409, 200)
    assert made["reference"] in [booking["reference"] for booking in listed["bookings"]]
    charges = (practice_range.folder / "cloud/payments.jsonl").read_text().splitlines()
    assert made["reference"] in [json.loads(line)["reference"] for line in charges]


def test_request_sent_again_with_its_key_books_once(practice_range: RangeStatus) -> None:
    customer = Customer(practice_range, "staging")

    first = customer.ask("/api/bookings", "POST", {}, key="a key of this test")
    second = customer.ask("/api/bookings", "POST", {}, key="a key of this test")
    other = customer.ask("/api/bookings", "POST", {}, key="another key")

    assert first == second
    assert first[0] == 201
    assert other[1]["reference"] != first[1]["reference"]
    for _, made in (first, other):
        assert customer.ask(f"/api/bookings/{made['reference']}/cancel", "POST")[0] == 200


def test_tried_booking_leaves_no_row(practice_range: RangeStatus) -> None:
    environment = practice.environment_of(practice_range.folder, "production")
    customer = Customer(practice_range, "production")
    count = "SELECT count(*) FROM bookings"

    with psycopg.connect(environment.server.url("booking")) as connection:
        before = connection.execute(count).fetchone()
        status, tried = customer.ask("/api/bookings/try")
        after = connection.execute(count).fetchone()

    assert status == 200
    assert tried["kept"] is False
    assert before == after


def test_production_runs_mains_head_and_staging_develops(practice_range: RangeStatus) -> None:
    repository = practice.cloud_of(practice_range.folder).repository

    for name, branch in (("production", "main"), ("staging", "develop")):
        _, said = ask(app_port(practice_range, name), "/api/version")
        assert said["commit"] == git(repository, "rev-parse", branch).strip()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("POST", "/api/bookings", ["no object"], 400),
        ("POST", "/api/bookings", {"slot_id": "x"}, 400),
        ("POST", "/api/bookings", {"slot_id": [1]}, 400),
        ("POST", "/api/bookings", {"slot_id": 10**18}, 404),
        ("POST", "/api/bookings", {"note": "\0"}, 400),
        ("POST", "/api/bookings/B-1/cancel", None, 404),
    ],
)
def test_app_answers_wrong_requests_with_the_status_that_means_it(
    practice_range: RangeStatus, method: str, path: str, body: object, status: int
) -> None:
    answered, said = Customer(practice_range, "staging").ask(path, method, body)

    assert answered == status
    assert said["error"]


def test_shipped_checks_pass_on_the_range(practice_range: RangeStatus) -> None:
    systems = load_stack(practice_range.stack_file).port("production", CheckedSystems)  # type: ignore[type-abstract]  # a Protocol is named by its class
    folder = practice_range.folder / "checks"

    read = checks.run.do(systems, file=read_file(folder / "booking.toml"))
    writes = read_file(folder / "booking-writes.toml")
    for _ in range(2):  # as after a crash, with the same key
        wrote = checks.exercise.do(systems, Effect(key="a key"), file=writes)

        assert (wrote.passed, wrote.failed) == (6, 0)

    assert (read.passed, read.failed) == (7, 0)


def test_shipped_checks_find_the_migration_that_breaks_booking(
    practice_range: RangeStatus,
) -> None:
    server = Environment("production", practice_range.folder / "production").server
    systems = load_stack(practice_range.stack_file).port("production", CheckedSystems)  # type: ignore[type-abstract]  # a Protocol is named by its class
    file = read_file(practice_range.folder / "checks/booking.toml")
    migrations = practice_range.folder / "migrations"

    with psycopg.connect(server.url("booking"), autocommit=True) as connection:
        connection.execute((migrations / "0005_deposits.sql").read_bytes())
        try:
            with pytest.raises(Failed, match=r"1 of 7 checks failed: a slot can be booked"):
                checks.run.do(systems, file=file)
        finally:
            connection.execute((migrations / "0005_deposits.down.sql").read_bytes())

    assert checks.run.do(systems, file=file).failed == 0


def test_log_has_a_line_with_the_status_of_each_request(practice_range: RangeStatus) -> None:
    ask(app_port(practice_range, "staging"), "/a-path-of-this-test")

    text = (practice_range.folder / "staging/app.log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    (found,) = (line for line in lines if line["path"] == "/a-path-of-this-test")
    assert (found["status"], found["level"], found["method"]) == (404, "info", "GET")
    assert found["timestamp"].endswith("+00:00")


def test_no_password_is_in_any_argument_list_or_in_the_stack_file(
    practice_range: RangeStatus,
) -> None:
    shown = practice_range.stack_file.read_text()
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            shown += process.read_bytes().decode(errors="replace")
        except OSError:
            continue

    for name in ("production", "staging"):
        folder = practice_range.folder / name
        assert Environment(name, folder).server.password not in shown
        assert (folder / "app.password").read_text() not in shown
        secrets = ["database.url", "app-database.url", "auth-database.url", "postgres/password"]
        for secret in (*secrets, "app.password", "customers.password", "valkey/password"):
            assert (folder / secret).stat().st_mode & 0o777 == 0o600
            assert (folder / secret).read_text() not in shown
    for token in practice_range.folder.glob("cloud/*.token"):
        assert token.stat().st_mode & 0o777 == 0o600
        assert token.read_text() not in shown


def test_range_killed_with_all_its_processes_comes_up_with_what_was_booked(lasting: Path) -> None:
    folder = lasting
    first = practice.up(folder, scale=SCALE)
    _, made = Customer(first, "staging").ask("/api/bookings", "POST", {})
    for name in practice.NAMES:
        Environment(name, folder / name).server.kill()
    for process in processes(practice.status(folder)):
        send_signal(process, signal.SIGKILL)
        assert wait_until_gone(process, 20)
    assert not any(part.running for part in practice.status(folder).parts)

    second = practice.up(folder, scale=SCALE)

    assert second.running
    _, listed = Customer(second, "staging").ask("/api/bookings")
    assert made["reference"] in [booking["reference"] for booking in listed["bookings"]]


def test_up_again_changes_nothing_and_down_keeps_the_data_unless_told(lasting: Path) -> None:
    folder, said = lasting, list[str]()
    first = practice.up(folder, scale=SCALE)
    stack = (folder / "stack.toml").read_text()
    _, made = Customer(first, "production").ask("/api/bookings", "POST", {})
    ran = processes(first)

    ran_on = processes(practice.up(folder, scale=SCALE, progress=said.append))
    stopped = practice.down(folder)
    for process in ran:
        assert wait_until_gone(process, 0)
    third = practice.up(folder, scale=SCALE)

    assert ran_on == ran
    assert len(ran) == len(first.parts) == 8
    assert len(said) == 10
    assert all("already" in line for line in said)
    assert not any(part.running for part in stopped.parts)
    assert third.running
    _, listed = Customer(third, "production").ask("/api/bookings")
    assert made["reference"] in [booking["reference"] for booking in listed["bookings"]]
    assert (folder / "stack.toml").read_text() == stack
    practice.down(folder, remove=True)
    assert not folder.exists()
    for process in processes(third):
        assert wait_until_gone(process, 0)


def test_app_says_it_is_down_while_its_database_is(practice_range: RangeStatus) -> None:
    environment = practice.environment_of(practice_range.folder, "staging")
    port = app_port(practice_range, "staging")

    environment.server.kill()
    try:
        status, said = ask(port, "/api/health")
    finally:
        environment.server.start(tied=True)
    again, healthy = ask(port, "/api/health")

    assert status == 503
    assert said["error"]
    assert again == 200, healthy


def test_parts_whose_ports_were_taken_move_and_all_follow_and_keep_their_edits(
    folder: Path,
) -> None:
    found = practice.up(folder, scale=SCALE, tied=True)
    environment, cloud = (
        practice.environment_of(folder, "production"),
        practice.cloud_of(folder),
    )
    ports = (app_port(found, "production"), environment.server.port, environment.valkey.port)
    ports += (cloud.port("auth-production"), cloud.port("payments"), cloud.port("vercel"))
    # What mending puts back is of before, too.
    practice.break_(folder, "value-missing", tied=True)
    practice.down(folder)
    path = folder / "stack.toml"
    path.write_text(path.read_text().replace('destroy = "auto"', 'destroy = "confirm"', 1))

    said: list[str] = []
    with ExitStack() as others:
        for port in ports:
            other = others.enter_context(socket.socket())
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", port))
            other.listen()
        moved = practice.up(folder, scale=SCALE, tied=True, progress=said.append)
        customer = Customer(moved, "production")
        _, made = customer.ask("/api/bookings", "POST", {})
        paid, answer = customer.ask(f"/api/bookings/{made['reference']}/pay", "POST", {})

    new = app_port(moved, "production")
    assert (
        "cloud: values follow what moved: AUTH_JWKS_URL, AUTH_URL, DATABASE_URL,"
        " PAYMENTS_URL, VALKEY_URL"
    ) in said
    assert paid == 200, answer
    values = get_values(cloud, "production")
    assert (values["PAYMENTS_URL"], values["AUTH_URL"]) == (
        cloud.url("payments"),
        cloud.url("auth-production"),
    )
    assert values["PAYMENTS_KEY"] == cloud.token("payments")
    assert f"http://127.0.0.1:{new}" in path.read_text()
    assert not [port for port in ports if f":{port}" in path.read_text()]
    assert 'destroy = "confirm"' in path.read_text()


def test_tied_range_ends_with_its_owner(folder: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from drillbook.range import practice\n"
        f"found = practice.up(folder := Path({str(folder)!r}), scale={SCALE}, tied=True)\n"
        # Who was frozen does not see that the owner is gone.
        "practice.break_(folder, 'app-hangs', tied=True)\n"
        "print(*(part.pid for part in found.parts), flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdin is not None
    assert owner.stdout is not None
    ran = [identify(int(pid)) for pid in owner.stdout.readline().split()]
    guards = children_of(owner.pid)

    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdin.close()
    owner.stdout.close()

    assert len(ran) == 8
    for process in (*ran, *guards):
        assert process is not None
        assert wait_until_gone(process, 30)
    assert not (folder / "production/postgres").exists()


def test_up_that_was_killed_midway_is_finished_by_the_next(folder: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from drillbook.range import practice\n"
        f"practice.up(Path({str(folder)!r}), scale={SCALE}, progress=lambda says: "
        "print(says, file=sys.stderr, flush=True))"
    )
    for words in (1, 2, 3):
        killed = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)
        assert killed.stderr is not None
        for _ in range(words):
            assert killed.stderr.readline()
        killed.kill()
        killed.wait()
        killed.stderr.close()

    found = practice.up(folder, scale=SCALE)

    assert found.running
    for name in practice.NAMES:
        assert Customer(found, name).ask("/api/bookings/try")[0] == 200
    assert len(running_with("-m", "drillbook.range.twins.serving", "serve", str(folder))) == 1
    assert len(running_with("-m", "drillbook.range.edge.serving", str(folder))) == 1
    assert len([1 for found in folder.glob("cloud/deployments/*") if running_with(str(found))]) == 2


def test_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(Refused, match="holds other files and no range"):
        practice.up(tmp_path)
    with pytest.raises(NotFound, match="there is no range in"):
        practice.down(tmp_path, remove=True)
    with pytest.raises(NotFound, match="there is no range in"):
        practice.status(tmp_path)

    assert [found.name for found in tmp_path.iterdir()] == ["thesis.txt"]
