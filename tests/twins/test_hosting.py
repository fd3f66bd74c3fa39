import http.client
import json
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from drillbook.core.errors import Failed
from drillbook.core.process_identity import send_signal, wait_until_gone
from drillbook.range.cloud import Cloud
from drillbook.range.edge.process import Edge
from drillbook.range.hosting.alias import Alias, read_alias, write_alias
from drillbook.range.hosting.app_process import AppProcess
from drillbook.range.hosting.build import Order, build
from drillbook.range.twins.vercel.building import Wish, cancel, carry_out, make_deployment
from drillbook.range.twins.vercel.records import Hosting
from twins import standin


@dataclass(frozen=True, slots=True)
class Hosted:
    cloud: Cloud
    edge: Edge

    def ask(
        self, method: str = "GET", path: str = "/", body: str = "", **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.edge.port("production"), 20)
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        is_json = text.startswith(("{", "["))
        return answer.status, json.loads(text) if is_json else text, dict(answer.getheaders())

    def app(self, deployment: str) -> AppProcess:
        return AppProcess(self.cloud.deployments / deployment)

    def serve(self, alias: Alias) -> None:
        write_alias(self.cloud.environment("production"), alias)


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    cloud = Cloud(tmp_path_factory.mktemp("hosting"))
    cloud.deployments.mkdir(parents=True)
    standin.make_repository(cloud.repository)
    found = Hosted(cloud, Edge(cloud))
    for number in (1, 2):
        commit = standin.commit(cloud.repository, "main", f"{number}.0")
        values = {"GREETING": f"value {number}", "VERCEL_GIT_COMMIT_SHA": commit}
        folder = cloud.deployments / f"dpl_{number}"
        build(Order(cloud.repository, commit, values), folder, lambda _: None)
    try:
        found.edge.start(tied=True)
        yield found
    finally:
        found.edge.stop()
        for number in (1, 2):
            found.app(f"dpl_{number}").stop()


def test_the_edge_gives_users_what_the_alias_names_from_the_next_request_on(
    hosted: Hosted,
) -> None:
    hosted.serve(Alias("dpl_1"))
    status, first, headers = hosted.ask()

    hosted.serve(Alias("dpl_2"))
    _, second, _ = hosted.ask()

    assert (status, first["release"], first["GREETING"]) == (200, "1.0", "value 1")
    assert (second["release"], second["GREETING"]) == ("2.0", "value 2")
    assert first["address"] == "127.0.0.1"
    assert headers["x-vercel-id"].startswith("fra1::")
    assert read_alias(hosted.cloud.environment("production")) == Alias("dpl_2")


def test_a_kept_connection_carries_bodies_both_ways(hosted: Hosted) -> None:
    hosted.serve(Alias("dpl_1"))
    connection = http.client.HTTPConnection("127.0.0.1", hosted.edge.port("production"), 20)
    body = "x" * 100_000

    connection.request("POST", "/", body)
    posted = connection.getresponse()
    echoed = posted.read().decode()
    connection.request("POST", "/", iter([b"in ", b"chunks"]), encode_chunked=True)
    chunked = connection.getresponse().read()
    connection.request("HEAD", "/")
    missing = connection.getresponse()
    missing.read()
    connection.request("POST", "/", b"y" * 4_600_000)
    too_large = connection.getresponse()

    assert (posted.status, echoed) == (201, body)
    assert chunked == b"in chunks"
    assert missing.status == 501
    assert too_large.status == 413
    assert too_large.headers["x-vercel-error"] == "FUNCTION_PAYLOAD_TOO_LARGE"
    connection.close()


def test_a_body_that_the_app_leaves_unread_does_not_reach_the_next_users_request(
    hosted: Hosted,
) -> None:
    hosted.serve(Alias("dpl_1"))

    with_body = hosted.ask("GET", "/", "GET /smuggled HTTP/1.1")
    following = [hosted.ask()[0] for _ in range(3)]

    assert with_body[0] == 200
    assert following == [200, 200, 200]


def test_an_app_that_dies_costs_its_requests_and_the_next_one_starts_it_again(
    hosted: Hosted,
) -> None:
    hosted.serve(Alias("dpl_1"))
    before = hosted.ask()[1]["pid"]
    app = hosted.app("dpl_1")
    while time.time() - app.started_at() < 0.6:
        time.sleep(0.05)

    died = hosted.ask(path="/die")
    again = hosted.ask()

    assert (died[0], died[2]["x-vercel-error"]) == (502, "NO_RESPONSE_FROM_FUNCTION")
    assert again[0] == 200
    assert again[1]["pid"] != before
    running = app.identity()
    assert running is not None
    send_signal(running, signal.SIGKILL)
    assert wait_until_gone(running, 5)
    assert hosted.ask()[2]["x-vercel-error"] == "FUNCTION_INVOCATION_FAILED"


def test_the_edge_killed_and_started_again_finds_its_port_and_the_running_app(
    hosted: Hosted,
) -> None:
    hosted.serve(Alias("dpl_2"))
    app, port = hosted.ask()[1]["pid"], hosted.edge.port("production")
    running = hosted.edge.identity()
    assert running is not None

    send_signal(running, signal.SIGKILL)
    assert wait_until_gone(running, 5)
    started = hosted.edge.start(tied=True)

    assert started != running
    assert hosted.edge.start() == started
    assert hosted.edge.port("production") == port
    assert hosted.ask()[1]["pid"] == app


def test_a_share_of_users_is_given_the_other_release_and_stays_there(hosted: Hosted) -> None:
    hosted.serve(Alias("dpl_1", "dpl_2", 0.5))
    hosted.app("dpl_1").start(tied=False)

    answers = [hosted.ask() for _ in range(40)]
    cookie = answers[0][2]["set-cookie"].partition(";")[0]
    sticky = {hosted.ask(Cookie=cookie)[1]["release"] for _ in range(10)}

    assert {answer[1]["release"] for answer in answers} == {"1.0", "2.0"}
    assert sticky == {answers[0][1]["release"]}
    assert hosted.ask(path="/?vcrrForceCanary=true")[1]["release"] == "2.0"
    assert hosted.ask(path="/?vcrrForceStable=true")[1]["release"] == "1.0"


def test_a_deployment_is_reached_by_its_own_host_and_a_missing_one_is_said(
    hosted: Hosted,
) -> None:
    hosts = hosted.cloud.deployments / "hosts"
    hosts.mkdir(exist_ok=True)
    (hosts / "booking-two.vercel.app").write_text("dpl_2")
    hosted.serve(Alias("dpl_1"))
    hosted.app("dpl_2").start(tied=False)

    assert hosted.ask(Host="booking-two.vercel.app")[1]["release"] == "2.0"
    hosted.serve(Alias("dpl_missing"))
    assert hosted.ask()[2]["x-vercel-error"] == "FUNCTION_INVOCATION_FAILED"


def test_an_app_takes_requests_when_the_wait_for_it_ends(hosted: Hosted) -> None:
    app = hosted.app("dpl_2")
    app.stop()
    assert app.identity() is None

    app.start(tied=False)
    app.wait_until_it_takes_requests()

    assert app.identity() is not None
    assert app.stop()
    assert not app.stop()
    with pytest.raises(Failed, match="takes no requests"):
        app.wait_until_it_takes_requests()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"booking/broken.py": "def f(:\n"}, 'Command "python -m compileall'),
        ({"vercel.json": '{"buildCommand": "echo no disk >&2; exit 3"}'}, "exited with 3"),
        ({"vercel.json": "{"}, "vercel.json is not JSON"),
    ],
)
def test_a_commit_that_cannot_be_built_fails_with_its_log(
    hosted: Hosted, tmp_path: Path, files: dict[str, str], words: str
) -> None:
    commit = standin.commit(hosted.cloud.repository, "broken", "9.9", files)
    lines: list[str] = []

    with pytest.raises(Failed, match=words):
        build(Order(hosted.cloud.repository, commit, {}), tmp_path / "dpl_9", lines.append)

    assert lines[0] == f"Cloning the repository at commit {commit[:7]}"
    if "exit 3" in str(files):
        assert "no disk" in lines
    with pytest.raises(Failed, match="cannot be read"):
        build(Order(hosted.cloud.repository, "0" * 40, {}), tmp_path / "dpl_8", lines.append)


def test_a_build_cancelled_before_its_command_runs_is_not_waited_for(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path)
    cloud.deployments.mkdir(parents=True)
    standin.make_repository(cloud.repository)
    settings = {"vercel.json": '{"buildCommand": "sleep 60"}'}
    commit = standin.commit(cloud.repository, "develop", "1.0", settings)
    hosting = Hosting(cloud)
    slow = make_deployment(hosting, Wish(commit, "develop", None))["id"]
    builder = Thread(target=carry_out, args=(hosting, slow), daemon=True)

    builder.start()
    while hosting.documents.all("deployment")[0]["state"] != "BUILDING":
        pass
    assert cancel(hosting, slow)
    builder.join(20)

    assert not builder.is_alive()
    assert hosting.documents.all("deployment")[0]["state"] == "CANCELED"
