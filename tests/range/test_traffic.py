"""Live traffic: what the clients met is known without asking the app or its database."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from drillbook.core.errors import NotFound, Refused, Unavailable
from drillbook.core.process_identity import send_signal, wait_until_gone
from drillbook.range import practice
from drillbook.range.status import RangeStatus
from drillbook.range.traffic.process import Traffic
from drillbook.range.traffic.record import TrafficRecord, read_record
from drillbook.range.traffic.shape import Flow

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
