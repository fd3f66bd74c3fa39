"""Live traffic: what the clients met is known without asking the app or its database."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any, ClassVar

import psycopg
import pytest

from drillbook.core.errors import NotFound, Refused, Unavailable
from drillbook.core.process_identity import send_signal, wait_until_gone
from drillbook.range import practice
from drillbook.range.status import RangeStatus
from drillbook.range.traffic.client import Client, Step
from drillbook.range.traffic.pace import Pace
from drillbook.range.traffic.process import Traffic
from drillbook.range.traffic.record import Met, TrafficRecord, read_record, read_requests
from drillbook.range.traffic.recorder import Recorder
from drillbook.range.traffic.shape import Flow, Shape, flow_from, flow_said

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_clients_note_answers_stalls_and_failures_of_any_window(
    practice_range: RangeStatus,
) -> None:
    folder, stall = practice_range.folder, 0.6
    url = (folder / "staging/database.url").read_text()
    before = datetime.now(UTC)

    running = practice.start_traffic(folder, on="staging", rate=100, tied=True)
    again = practice.start_traffic(folder, on="staging", rate=100, tied=True)
    calm = wait_for(folder, since=before, requests=30)
    locked = datetime.now(UTC)
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE bookings IN ACCESS EXCLUSIVE MODE")
        time.sleep(stall)  # the stall itself is what is made here
    freed = datetime.now(UTC)
    wait_for(folder, since=freed, requests=10)
    stopped = practice.stop_traffic(folder, on="staging")
    twice = practice.stop_traffic(folder, on="staging")

    assert [part.name for part in running.parts][-1] == "staging traffic"
    assert running.parts[-1].pid == again.parts[-1].pid
    assert (stopped, twice) == (True, False)
    assert (calm.failed, calm.success_rate) == (0, 1.0)
    met = practice.traffic_record(folder, on="staging", since=locked, until=freed)
    assert met.longest_stall_seconds >= stall - 0.2
    assert met.longest_write_seconds > 0
    assert practice.traffic_record(folder, on="staging", until=before).requests == 0
    assert practice.status(folder).running
    with psycopg.connect(url) as connection:
        booked = connection.execute("SELECT count(*) FROM bookings WHERE note = 'by live traffic'")
        assert booked.fetchone() != (0,)


def wait_for(folder: Path, *, since: datetime, requests: int) -> TrafficRecord:
    for _ in range(1000):
        met = practice.traffic_record(folder, on="staging", since=since)
        if met.requests - met.waiting >= requests:
            return met
        time.sleep(0.02)  # the clients tell nobody but their record
    raise AssertionError(met)


def test_users_log_in_book_and_pay_and_note_which_release_answered(
    practice_range: RangeStatus,
) -> None:
    folder, since = practice_range.folder, datetime.now(UTC)
    practice.start_traffic(folder, on="staging", rate=150, readers=1, writers=5, tied=True)
    try:
        record = practice.environment_of(folder, "staging").traffic.record
        paths = {"POST /api/login", "POST /api/bookings/…/pay", "POST /api/bookings/…/cancel"}
        while not paths <= {met.what for met in since_then(record, since) if met.ok is True}:
            time.sleep(0.02)  # as above
        changed = practice.change_traffic(folder, on="staging", rate=30, shape="daily")
    finally:
        practice.stop_traffic(folder, on="staging")

    met = practice.traffic_record(folder, on="staging", since=since)
    assert (met.failed, set(met.releases)) == (0, {"1.5.0"})
    assert met.requests >= len(paths)
    assert (changed.rate, changed.shape, changed.writers) == (30, Shape.DAILY, 5)
    with pytest.raises(Unavailable, match="nobody uses the app of staging now"):
        practice.change_traffic(folder, on="staging", shape="spike")


def since_then(record: Path, since: datetime) -> list[Met]:
    return [met for met in read_requests(record) if met.begun >= since]


def test_day_has_its_hours_and_a_spike_brings_more_users_who_ask_no_faster() -> None:
    day = Flow(rate=10, shape=Shape.DAILY, day_seconds=24)
    spike = Flow(rate=10, shape=Shape.SPIKE, since=100)
    hours = [day.factor(hour) for hour in range(24)]

    assert abs(sum(hours) / 24 - 1) < 0.01
    assert (hours.index(max(hours)), hours.index(min(hours))) == (20, 3)
    assert day.factor(20.5 + 24) == day.factor(20.5)
    assert (spike.active(99), spike.active(103)) == (4, 32)
    assert spike.even_seconds(99) == spike.even_seconds(103) == 0.4


def test_low_traffic_is_two_to_ten_a_minute_by_chance_and_the_same_for_a_seed() -> None:
    flow = Flow.wanted(rate=None, shape="low", seed=7)
    flow.check()

    assert flow.rate == 0.1
    with pytest.raises(Refused, match="low traffic of 60 requests a minute"):
        Flow(rate=1, shape=Shape.LOW).check()
    with pytest.raises(Refused, match="no shape 'wild'"):
        Flow.wanted(rate=None, shape="wild")
    assert flow_from(json.loads(json.dumps(flow_said(flow)))) == flow


def test_client_of_a_seed_does_the_same_each_time(tmp_path: Path) -> None:
    def first_steps(seed: int) -> list[str]:
        (tmp_path / "traffic.jsonl").unlink(missing_ok=True)
        with (tmp_path / "traffic.jsonl").open("a") as file:
            pace = Pace(Flow(seed=seed))
            client = Client(tmp_path, Recorder(file), pace, 3, Random(f"{seed}/3"))  # noqa: S311 - the same each time
            life, said = client.life(), {"token": "t", "slots": [{"id": 1}], "reference": "B-1"}
            steps = [next(life)] + [life.send(said) for _ in range(60)]
        return [f"{step.method} {step.path} {step.body}" for step in steps]

    assert first_steps(1) == first_steps(1)
    assert first_steps(1) != first_steps(2)


def test_traffic_that_cannot_be_is_refused_with_what_can(
    practice_range: RangeStatus, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match="0 requests a second by 2 readers and 2 writers"):
        practice.start_traffic(practice_range.folder, on="staging", rate=0)
    with pytest.raises(Refused, match="by 0 readers and 0 writers"):
        practice.start_traffic(practice_range.folder, on="staging", readers=0, writers=0)
    with pytest.raises(NotFound, match="no environment 'moon'"):
        practice.start_traffic(practice_range.folder, on="moon")
    with pytest.raises(NotFound, match="there is no range in"):
        practice.traffic_record(tmp_path)
    (tmp_path / practice.MARK).touch()
    with pytest.raises(Unavailable, match="the app of production does not run"):
        practice.start_traffic(tmp_path)


@pytest.fixture
def deserted(tmp_path: Path) -> Iterator[Traffic]:
    """Clients of an app that is not there."""
    (tmp_path / "app.port").write_text("1")
    (tmp_path / "customers.password").write_text("nobody asks")
    traffic = Traffic(tmp_path)
    yield traffic
    traffic.stop()


def test_requests_to_an_app_that_is_gone_are_failures(deserted: Traffic) -> None:
    deserted.start(Flow(rate=200), tied=True)
    while read_record(deserted.record).failed < 3:
        time.sleep(0.02)  # as above

    met = read_record(deserted.record)

    assert met.success_rate == 0.0
    assert set(met.errors) == {"ConnectionRefusedError"}


class Speaks(BaseHTTPRequestHandler):
    """A platform that answers in the app's place, once in each way."""

    protocol_version = "HTTP/1.1"
    answers: ClassVar = [
        (502, b"An error occurred", "NO_RESPONSE_FROM_FUNCTION"),
        (200, b"<h1>Hello</h1>", ""),
        (200, b"[1]", ""),
        (503, b'{"error": "no database"}', ""),
        (200, b'{"slots": []}', ""),
    ]

    def do_GET(self) -> None:
        status, body, code = self.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if code:
            self.send_header("x-vercel-error", code)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_client_notes_what_the_platform_says_in_the_place_of_the_app(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Speaks) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        (tmp_path / "app.port").write_text(str(server.server_port))
        with (tmp_path / "traffic.jsonl").open("a") as file:
            client = Client(tmp_path, Recorder(file), Pace(Flow()), 3, Random(1))  # noqa: S311 - of no matter
            said = [client.ask(Step("reads", "GET", "/api/slots")) for _ in range(5)]
        server.shutdown()

    met = [(one.status, one.ok, one.error) for one in read_requests(tmp_path / "traffic.jsonl")]
    assert met == [
        (502, False, "502 NO_RESPONSE_FROM_FUNCTION"),
        (200, False, "200 no JSON object"),
        (200, False, "200 no JSON object"),
        (503, False, "503 no database"),
        (200, True, ""),
    ]
    assert said == [{}, {}, {}, {}, {"slots": []}]


class HangsUp(BaseHTTPRequestHandler):
    """A server that keeps a connection open, and closes it when nobody has asked for a while."""

    protocol_version = "HTTP/1.1"
    timeout = 0.05
    closed: ClassVar = Event()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "13")
        self.end_headers()
        self.wfile.write(b'{"slots": []}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Closes(ThreadingHTTPServer):
    """Tells when it has closed a connection."""

    def shutdown_request(self, request: Any) -> None:  # Any: as the library has it
        super().shutdown_request(request)
        HangsUp.closed.set()


def test_client_whose_kept_connection_was_closed_while_it_rested_opens_another(
    tmp_path: Path,
) -> None:
    with Closes(("127.0.0.1", 0), HangsUp) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        (tmp_path / "app.port").write_text(str(server.server_port))
        with (tmp_path / "traffic.jsonl").open("a") as file:
            client = Client(tmp_path, Recorder(file), Pace(Flow()), 3, Random(1))  # noqa: S311 - of no matter
            client.ask(Step("reads", "GET", "/api/slots"))
            assert HangsUp.closed.wait(10)
            client.ask(Step("reads", "GET", "/api/slots"))
        server.shutdown()

    assert [one.error for one in read_requests(tmp_path / "traffic.jsonl")] == ["", ""]


def test_clients_end_with_whoever_wanted_them_tied(tmp_path: Path) -> None:
    (tmp_path / "app.port").write_text("1")
    script = (
        "import sys; from pathlib import Path\n"
        "from drillbook.range.traffic.process import Traffic\n"
        "from drillbook.range.traffic.shape import Flow\n"
        f"print(Traffic(Path({str(tmp_path)!r})).start(Flow(), tied=True).pid, flush=True)\n"
        "sys.stdin.read()"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdin is not None
    assert owner.stdout is not None
    assert owner.stdout.readline()
    clients = Traffic(tmp_path).identity()
    assert clients is not None

    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdin.close()
    owner.stdout.close()

    assert wait_until_gone(clients, 20)


def test_clients_killed_midway_leave_a_record_that_is_read_on(deserted: Traffic) -> None:
    killed = deserted.start(Flow(rate=200), tied=True)
    send_signal(killed, signal.SIGKILL)
    assert wait_until_gone(killed, 20)
    before = read_record(deserted.record).requests

    deserted.start(Flow(rate=200), tied=True)
    while read_record(deserted.record).requests <= before:
        time.sleep(0.02)  # as above

    assert deserted.identity() is not None


def line(number: int, second: float, kind: str = "reads") -> dict[str, object]:
    at = (AT + timedelta(seconds=second)).isoformat()
    return {"n": number, "kind": kind, "what": "GET /", "at": at}


def test_record_counts_what_touches_the_window_and_what_still_waits(tmp_path: Path) -> None:
    path = tmp_path / "traffic.jsonl"
    lines = [
        {"session": "began", "at": AT.isoformat()},
        line(1, 0),
        {"n": 1, "s": 1.0, "ok": True, "error": ""},
        line(2, 2, "writes"),
        {"n": 2, "s": 6.0, "ok": False, "error": "503 gone"},
        line(3, 9),
    ]
    torn = json.dumps({"n": 3, "s": 2.0})[:-4]
    path.write_text("".join(json.dumps(each) + "\n" for each in lines) + torn)

    whole = read_record(path, until=AT + timedelta(seconds=12))
    early = read_record(path, until=AT + timedelta(seconds=1.5))
    middle = read_record(path, since=AT + timedelta(seconds=3), until=AT + timedelta(seconds=4))
    path.write_text(path.read_text().removesuffix(torn))
    with path.open("a") as file:
        file.write(json.dumps({"session": "began", "at": AT.isoformat()}) + "\n")
    cut = read_record(path)

    assert (whole.requests, whole.failed, whole.waiting) == (3, 1, 1)
    assert whole.success_rate == 0.5
    assert (whole.longest_read_seconds, whole.longest_write_seconds) == (3.0, 6.0)
    assert whole.errors == {"503 gone": 1}
    assert (early.requests, early.longest_stall_seconds) == (1, 1.0)
    assert (middle.requests, middle.failed) == (1, 1)
    assert cut.longest_read_seconds == 1.0
    assert cut.says == "3 requests, 50.00% answered, longest wait 6.00 s"
