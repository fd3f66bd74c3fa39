"""A small repository behind the GitHub twin, really listening: its people, its weather, its git."""

import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import uvicorn

from drillbook.local.sockets import listen
from drillbook.providers.github import GitHub
from drillbook.range.cloud import OWNER, REPOSITORY, Cloud
from drillbook.range.twins.github import make_app, token_of
from drillbook.range.twins.serving import CuttableProtocol
from drillbook.range.twins.weather import (
    FAIR,
    App,
    Forecast,
    Weather,
    Weathered,
    set_weather,
    weather_file,
)

Around = Callable[[App], App]
WORKFLOW = """\
name: CI
on:
  push:
  pull_request:
  workflow_dispatch:
jobs:
  test:
    runs-on: ubuntu-latest
    timeout-minutes: 0.05
    steps:
      - uses: actions/checkout@v5
      - name: Install
        run: exit 9
      - name: Test
        run: sh ./check.sh
"""
GREEN = "test -f check.sh && echo all well"
RED = "echo one test fell; exit 3"


@dataclass
class Hub:
    """The twin and what tests do around it."""

    cloud: Cloud
    address: str
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    def person(self, login: str) -> httpx.Client:
        """Return somebody who speaks to the API."""
        if login not in self.clients:
            headers = {"Authorization": f"Bearer {token_of(self.cloud, login)}"}
            base = f"{self.address}/repos/{OWNER}/{REPOSITORY}"
            self.clients[login] = httpx.Client(base_url=base, headers=headers, verify=False)  # noqa: S501 - no TLS here
        return self.clients[login]

    def provider(self, branch: str = "develop", token: str = "") -> GitHub:
        """Return the provider under test."""
        return GitHub(
            api=self.address,
            token=lambda: token or self.cloud.token("github"),
            repository=f"{OWNER}/{REPOSITORY}",
            branch=branch,
        )

    def commit(
        self,
        branch: str,
        files: Mapping[str, str],
        message: str = "Change something",
        *,
        onto: str = "",
        by: str = "dana",
    ) -> str:
        """Put a commit on a branch, as a push would; a new branch begins at `onto`."""
        start = self.sha(branch) or (self.sha(onto) if onto else "")
        lines = [f"commit refs/heads/{branch}"]
        lines += [
            f"{role} {by} <{by}@example.com> 1790000000 +0000" for role in ("author", "committer")
        ]
        lines += [_data(message), *([f"from {start}"] if start else [])]
        for path, text in files.items():
            lines += [f"M 100644 inline {path}", _data(text)] if text else [f"D {path}"]
        self.git("fast-import", "--quiet", text="\n".join(lines) + "\n")
        return self.sha(branch)

    def sha(self, ref: str) -> str:
        """Return the commit of a ref, or nothing."""
        done = self._git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        return done.stdout.strip()

    def git(self, *words: str, text: str = "") -> str:
        """Let git do something in the bare repository."""
        done = self._git(*words, text=text)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def propose(self, branch: str, base: str = "develop", by: str = "dana") -> int:
        """Open a pull request."""
        said = {"title": f"About {branch}", "head": branch, "base": base}
        reply = self.person(by).post("/pulls", json=said)
        assert reply.status_code == 201, reply.text
        return int(reply.json()["number"])

    def review(self, number: int, by: str = "riku", event: str = "APPROVE") -> None:
        """Say what somebody thinks of a pull request."""
        reply = self.person(by).post(f"/pulls/{number}/reviews", json={"event": event})
        assert reply.status_code == 200, reply.text

    def check(self, sha: str, conclusion: str = "success", name: str = "test") -> None:
        """Let another program say something of a commit."""
        said = {"name": name, "head_sha": sha, "conclusion": conclusion}
        reply = self.person("build-bot").post("/check-runs", json=said)
        assert reply.status_code == 201, reply.text

    @contextmanager
    def weather(self, weather: Weather) -> Iterator[None]:
        """Let the platform behave so for a while."""
        set_weather(self.cloud.weather, "github", weather)
        try:
            yield
        finally:
            set_weather(self.cloud.weather, "github", FAIR)

    def _git(self, *words: str, text: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["git", "--git-dir", str(self.cloud.repository), *words],
            input=text, capture_output=True, text=True, check=False,
        )  # fmt: skip


@contextmanager
def a_hub(folder: Path, *, ci: bool = False, around: Around | None = None) -> Iterator[Hub]:
    """
    Serve a repository with one commit on main and develop; with `ci` its pipeline runs.

    `around` wraps the twin, below its weather: a contract, for instance.
    """
    cloud = Cloud(folder)
    cloud.folder.mkdir(parents=True)
    subprocess.run(
        ["git", "init", "--quiet", "--bare", "--initial-branch=main", str(cloud.repository)],
        check=True,
    )
    with serving(cloud, ci=ci, around=around) as hub:
        hub.commit("main", {".github/workflows/ci.yml": WORKFLOW, "check.sh": GREEN}, "Begin")
        hub.git("update-ref", "refs/heads/develop", hub.sha("main"))
        yield hub


@contextmanager
def serving(cloud: Cloud, *, ci: bool, around: Around | None = None) -> Iterator[Hub]:
    """Serve what a folder holds, in this process, behind the weather."""
    twin = make_app(cloud, runs_pipeline=ci)
    app = Weathered(
        around(twin) if around else twin, Forecast(weather_file(cloud.weather, "github"))
    )
    config = uvicorn.Config(
        app, http=CuttableProtocol, ws="none", lifespan="on", log_level="warning", interface="asgi3"
    )
    server = uvicorn.Server(config)
    with listen(cloud.port("github")) as handle:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [handle]}, daemon=True)
        thread.start()
        hub = Hub(cloud, f"http://127.0.0.1:{handle.getsockname()[1]}")
        try:
            yield hub
        finally:
            for client in hub.clients.values():
                client.close()
            server.should_exit = True
            thread.join(10)


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}"
