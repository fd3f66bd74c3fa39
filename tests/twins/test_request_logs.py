"""The platform's record of requests, through the provider: real builds, a real edge, its twin."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from drillbook.core.effect import Deadline, deadline
from drillbook.core.errors import Refused
from drillbook.ports.logs import LogLine, Logs, LogSpan
from drillbook.providers.vercel.request_logs import VercelRequestLogs
from drillbook.range.cloud import TEAM, TEAM_SLUG
from drillbook.range.hosting.app_process import AppProcess
from drillbook.stack.stack import load_stack
from twins.vercel_cloud import VercelCloud, vercel_cloud

MINUTES = timedelta(minutes=10)


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VercelCloud]:
    with vercel_cloud(tmp_path_factory.mktemp("vercel")) as running:
        yield running
        violations = running.contract.violations
        assert not violations, "\n".join(sorted(set(violations)))


def this_millisecond() -> datetime:
    """The time as the platform writes it: a request of now is not before now."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def logs_of(twin: VercelCloud, team: str = TEAM) -> VercelRequestLogs:
    return VercelRequestLogs(
        api=twin.url,
        token=lambda: twin.cloud.token("vercel"),
        project="booking",
        team=team,
        target="production",
    )


def told(logs: VercelRequestLogs, start: datetime) -> list[LogLine]:
    fetched = logs.fetch(start, datetime.now(UTC) + timedelta(seconds=1), 10.0)
    assert fetched.start == start
    assert deadline.get() == Deadline()  # the caller's own time is left as it was
    return sorted(fetched.lines, key=lambda line: line.at)


def test_the_record_tells_of_requests_that_no_app_answered(twin: VercelCloud) -> None:
    serving = twin.users()["VERCEL_DEPLOYMENT_ID"]
    start = this_millisecond()
    url = twin.cloud.app_url("production")

    twin.client.get(f"{url}/api/slots?day=1", headers={"Connection": "close"})
    twin.client.get(f"{url}/die", headers={"Connection": "close"})

    # Both may have come in the same millisecond.
    good, dead = sorted(told(logs_of(twin, TEAM_SLUG), start), key=lambda line: line.path)
    assert (good.status, good.method, good.path, good.level) == (200, "GET", "/api/slots", "info")
    assert (dead.status, dead.path, dead.level) == (502, "/die", "fatal")
    assert "without an answer" in dead.message
    for line in (good, dead):
        assert (line.source, line.deployment, line.region) == ("platform", serving, "fra1")
        assert line.commit == twin.commits["2.0"]
        assert line.address == "127.0.0.1"
        assert line.request.startswith("fra1::")
        assert line.milliseconds is not None


def test_what_a_dying_app_said_last_stands_with_its_request(twin: VercelCloud) -> None:
    serving = twin.deployment_of(twin.commits["2.0"])
    twin.until(lambda: twin.client.get(twin.cloud.app_url("production")).status_code == 200)
    start = this_millisecond()
    errors = AppProcess(twin.cloud.deployments / serving).errors
    errors.write_text("Traceback (most recent call last):\nImportError: no module named pay\n")

    twin.client.get(f"{twin.cloud.app_url('production')}/die", headers={"Connection": "close"})

    (dead,) = told(logs_of(twin), start)
    assert dead.stack.endswith("ImportError: no module named pay")


def test_a_client_that_left_and_one_by_a_builds_own_address(twin: VercelCloud) -> None:
    host = twin.get("/v7/deployments", limit=1)["deployments"][0]["url"]
    url = urlsplit(twin.cloud.app_url("production"))
    start = this_millisecond()

    twin.client.get(url.geturl(), headers={"Host": host})
    with socket.create_connection((url.hostname, url.port)) as connection:
        connection.sendall(b"GET /left HTTP/1.1\r\nHost: x\r\n\r\n")
    logs = logs_of(twin)

    # Who looks at a build by its own address is no user; who left before the answer is one.
    twin.until(lambda: [line.path for line in told(logs, start)] == ["/left"])


def test_many_requests_come_page_by_page_and_none_twice(twin: VercelCloud) -> None:
    start = this_millisecond()
    for number in range(120):
        twin.client.get(f"{twin.cloud.app_url('production')}/{number}")

    # The record is by the millisecond.
    lines = told(logs_of(twin), start - timedelta(milliseconds=2))
    some = logs_of(twin).fetch(start - MINUTES, datetime.now(UTC) + MINUTES, 10.0).lines
    none = logs_of(twin).fetch(start, datetime.now(UTC), 0.0)

    numbers = [int(line.path[1:]) for line in lines if line.path[1:].isdigit()]
    assert sorted(numbers) == list(range(120))
    assert len({line.request for line in some}) == len(some) >= 120
    assert none.lines == ()
    assert none.start > start


def test_a_token_of_nobody_is_refused(twin: VercelCloud) -> None:
    logs = VercelRequestLogs(twin.url, lambda: "nobodys-token", "booking", TEAM, "production")

    with pytest.raises(Refused, match="Vercel does not let this token"):
        logs.fetch(datetime.now(UTC) - MINUTES, datetime.now(UTC), 5.0)


def test_app_and_platform_are_one_log_of_the_stack(twin: VercelCloud, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(twin.cloud.token("vercel"))
    (tmp_path / "key").write_text("a key for this test's pseudonyms")
    (tmp_path / "stack.toml").write_text(
        f'[environments.production.app]\nprovider = "vercel"\nurl = "http://127.0.0.1:9"\n'
        f'project = "booking"\nteam = "{TEAM}"\ntoken = "file:token"\napi = "{twin.url}"\n'
        '[environments.production.logs]\npseudonyms = "file:key"\n'
        '[environments.production.logs.app]\npath = "app.log"\n'
        '[environments.production.logs.platform]\nprovider = "vercel"\n'
    )
    app = twin.cloud.app_url("production")
    twin.until(lambda: twin.client.get(app).status_code == 200)  # whoever made it die before
    start = this_millisecond()
    answer = twin.client.get(f"{app}/pay")
    line = {"ts": datetime.now(UTC).timestamp(), "status": 200, "path": "/pay", "user": "u-4711"}
    line |= {"request_id": answer.headers["x-vercel-id"], "msg": "paid for u-4711"}
    (tmp_path / "app.log").write_text(f"{json.dumps(line)}\n")
    twin.client.get(f"{app}/die", headers={"Connection": "close"})

    def read() -> LogSpan:
        stack = load_stack(tmp_path / "stack.toml")
        return stack.port("production", Logs).between(start, datetime.now(UTC))  # type: ignore[type-abstract]  # a Protocol, as everywhere

    span = read()
    twin.until(lambda: {"/pay", "/die"} <= {line.path for line in read().lines})

    lines = {line.path: line for line in read().lines}
    paid, dead = lines["/pay"], lines["/die"]
    assert (paid.status, paid.source, dead.status) == (200, "platform", 502)
    assert paid.user.startswith("user-")
    assert paid.message == f"paid for {paid.user}"
    assert {state.name: state.kind for state in span.sources} == {
        "app": "file",
        "platform": "vercel",
    }
