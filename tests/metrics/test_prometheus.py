"""Prometheus itself scrapes an app of the test's, and we count what it saw."""

# mypy: disable-error-code="type-abstract"

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from drillbook.actions import metrics as actions
from drillbook.core.errors import Failed, NotFound, Refused, SettingsInvalid, Unavailable
from drillbook.local.sockets import free_port
from drillbook.ports.metrics import Metrics
from drillbook.providers.prometheus import PrometheusMetrics
from drillbook.stack import outside_proofs
from drillbook.stack.stack import Stack, load_stack
from remote.platform import Says
from remote.platform import platform as platform_that

SECOND = timedelta(seconds=1)
RANGE = '{"status": "success", "data": {"resultType": "matrix", "result": []}}'


@dataclass
class App:
    """An app that tells its counters."""

    counts: dict[str, int] = field(default_factory=lambda: {"200": 1000})
    waiting: int = 3
    url: str = ""

    def told(self) -> str:
        lines = [f'http_requests_total{{status="{k}"}} {v}' for k, v in self.counts.items()]
        return "\n".join([*lines, f"queue_waiting {self.waiting}", ""])


@contextmanager
def app() -> Iterator[App]:
    made = App()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = made.told().encode()
            self.send_response_only(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        made.url = f"127.0.0.1:{server.server_address[1]}"
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Watched:
    """The app, Prometheus' address, and a stack that names it."""

    app: App
    url: str
    stack: Stack

    def until(self, so: Callable[[], bool]) -> None:
        for _ in range(200):
            if so():
                return
            time.sleep(0.05)
        raise AssertionError("it never was so")


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed here (Debian: prometheus)")
    folder: Path = tmp_path_factory.mktemp("prometheus")
    port = free_port()
    with app() as target:
        (folder / "prometheus.yml").write_text(
            "scrape_configs:\n- job_name: app\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n"
            f"  static_configs:\n  - targets: ['{target.url}']\n"
        )
        words = [
            program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
        ]  # fmt: skip
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        try:
            found = Watched(target, f"http://127.0.0.1:{port}", _stack(folder, port))
            found.until(lambda: _scraped(found))
            yield found
        finally:
            process.kill()
            process.wait()


def _scraped(watched: Watched) -> bool:
    try:
        asked = {"query": "count_over_time(queue_waiting[1m])"}
        said = httpx.get(f"{watched.url}/api/v1/query", params=asked).json()
    except httpx.HTTPError:
        return False
    # Two steps at least: the first is what the second is compared with.
    return any(int(one["value"][1]) > 7 for one in said["data"]["result"])


def _stack(folder: Path, port: int) -> Stack:
    (folder / "stack.toml").write_text(
        f"""
[environments.production.metrics]
url = "http://127.0.0.1:{port}"
requests = 'http_requests_total'
errors = 'http_requests_total{{status=~"5.."}}'
[environments.production.metrics.values]
waiting = 'sum(queue_waiting)'
wrong = 'sum(('
nothing = 'no_such_metric'
"""
    )
    return load_stack(folder / "stack.toml")


def test_requests_and_errors_are_counted_as_they_came_the_first_error_included(
    watched: Watched,
) -> None:
    at = watched.stack.port("production", Metrics)
    before = actions.counts.do(at, since=timedelta(seconds=30), step=SECOND)
    watched.app.counts |= {"200": watched.app.counts["200"] + 90, "503": 10}

    watched.until(
        lambda: actions.counts.do(at, since=timedelta(seconds=30), step=SECOND).errors > 0
    )
    after = actions.counts.do(at, since=timedelta(seconds=30), step=SECOND)

    assert (before.errors, before.silent) == (0, False)
    assert (after.requests, after.errors, after.rate) == (100, 10, 0.1)
    assert "10 of 100 requests failed" in after.says
    assert timedelta(0) < after.known < timedelta(seconds=30)


def test_a_named_value_is_read_and_one_without_samples_is_not_nothing(watched: Watched) -> None:
    at = watched.stack.port("production", Metrics)

    waiting = actions.value.do(at, name="waiting", since=timedelta(seconds=5), step=SECOND)
    nothing = actions.value.do(at, name="nothing", since=timedelta(seconds=5), step=SECOND)

    assert (waiting.value, waiting.lowest, waiting.highest) == (3, 3, 3)
    assert nothing.value is None
    assert "no samples, which is not 0" in nothing.says
    with pytest.raises(NotFound, match="no value 'hidden'"):
        actions.value.do(at, name="hidden")
    with pytest.raises(Refused, match="refused sum") as caught:
        actions.value.do(at, name="wrong")
    assert "parse error" in str(caught.value)


def test_what_nobody_scrapes_is_silent_and_not_zero(watched: Watched) -> None:
    lost = PrometheusMetrics(
        address=lambda: watched.url, requests="no_such_total", errors="no_such_total", values={}
    )
    end = datetime.now(UTC)

    found = lost.counts(end - timedelta(seconds=10), end, SECOND)
    told = actions.counts.do(lost)

    assert (found.counts, found.newest, found.silent) == ((), None, True)
    assert told.rate is None
    assert told.says.startswith("silent, which is not 0 errors")


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (Says(503, ""), Unavailable, "answered 503"),
        (Says(drop=True), Unavailable, "the connection broke"),
        (Says(401, "no"), Refused, "gives no reason"),
        (Says(200, "<html>"), Failed, "no range of its API"),
        (Says(200, RANGE.replace("matrix", "vector")), Failed, "no range of its API"),
        (Says(200, " " * 1_000_001), Refused, "more than 1 MB"),
    ],
)
def test_what_answers_otherwise_is_told_and_the_token_is_not(
    answer: Says, error: type[Exception], says: str
) -> None:
    with platform_that() as site:
        site.says = [answer]
        asked = PrometheusMetrics(
            address=lambda: site.url, requests="r", errors="e", values={},
            token=lambda: "token-of-metrics",
        )  # fmt: skip
        end = datetime.now(UTC)
        with pytest.raises(error, match=says) as caught:
            asked.counts(end - timedelta(minutes=1), end, SECOND)

    assert site.heard[0][3] == "Bearer token-of-metrics"
    assert "token-of-metrics" not in str(caught.value)


def test_the_doctor_tells_metrics_that_select_nothing(tmp_path: Path) -> None:
    with platform_that() as site:
        site.says = [Says(200, RANGE)]
        (tmp_path / "stack.toml").write_text(
            f'[environments.p.metrics]\nurl = "{site.url}"\nrequests = "r"\nerrors = "e"\n'
        )
        with pytest.raises(Failed, match="no samples: the query selects nothing") as caught:
            outside_proofs.metrics(load_stack(tmp_path / "stack.toml"), "p")

    assert "[environments.p.metrics]" in caught.value.hint


def test_a_time_that_cannot_be_counted_and_a_query_that_hides_restarts_are_refused(
    tmp_path: Path,
) -> None:
    asked = PrometheusMetrics(
        address=lambda: "http://127.0.0.1:1", requests="r", errors="e", values={}
    )
    end = datetime.now(UTC)
    with pytest.raises(Refused, match="more than 2000"):
        asked.counts(end - timedelta(days=1), end, SECOND)
    with pytest.raises(Refused, match="without length"):
        asked.counts(end, end, SECOND)
    (tmp_path / "stack.toml").write_text(
        '[environments.p.metrics]\nurl = "http://x"\nrequests = "sum(rate(r[1m]))"\nerrors = "e"\n'
    )
    with pytest.raises(SettingsInvalid, match="the counter itself"):
        load_stack(tmp_path / "stack.toml")
