"""The Vercel twin of a small range for tests: real builds of the stand-in app, a real edge."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from drillbook.range.cloud import TEAM, VERCEL_PROJECT_ID, Cloud
from drillbook.range.edge.process import Edge
from drillbook.range.hosting.app_process import AppProcess
from drillbook.range.twins.vercel import make_app
from drillbook.range.twins.vercel.founding import found
from twins import contract, standin

PROJECT = f"/v9/projects/{VERCEL_PROJECT_ID}"
VALUES = {
    "production": {"GREETING": "hello", "ONLY_HERE": "yes"},
    "staging": {"GREETING": "hello from staging"},
}
OFFICIAL = "vercel.openapi.json"
NEWER = {"/v7/deployments": "/v6/deployments"}


@dataclass
class VercelCloud:
    """The range's cloud as far as hosting needs it, its twin's URL and a client for it."""

    cloud: Cloud
    edge: Edge
    contract: contract.Contract
    commits: dict[str, str]
    url: str = ""
    client: httpx.Client = field(default_factory=httpx.Client)

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        return self.client.request(
            method,
            self.url + path,
            json=body,
            params={"teamId": TEAM, **query},
            headers={"Authorization": f"Bearer {self.cloud.token('vercel')}"},
        )

    def get(self, path: str, **query: Any) -> Any:
        answer = self.ask("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def deployment_of(self, commit: str, target: str = "production") -> str:
        """The newest deployment of a commit."""
        found = self.get("/v7/deployments", sha=commit, target=target, limit=1)["deployments"]
        return found[0]["uid"] if found else ""

    def until(self, claim: Callable[[], Any], seconds: float = 20.0) -> Any:
        """Return the first truth a claim gives; the twin's own threads make it so."""
        end = time.monotonic() + seconds
        while not (found := claim()):
            assert time.monotonic() < end, "it did not come to pass"
            time.sleep(0.02)
        return found

    def switched(self) -> dict[str, Any]:
        """The last promote or rollback, when it has ended."""

        def ended() -> Any:
            last = self.get(PROJECT, rollbackInfo="true")["lastAliasRequest"]
            return last if last["jobStatus"] not in {"pending", "in-progress"} else None

        return self.until(ended)

    def users(self, environment: str = "production") -> Any:
        """What the environment's users are answered."""
        return self.client.get(self.cloud.app_url(environment)).json()

    @contextmanager
    def running(self) -> Iterator[None]:
        """The twin served in this process."""
        app = self.contract.checked(make_app(self.cloud, tied=False))
        with contract.serve(app) as self.url:
            yield


@contextmanager
def vercel_cloud(
    folder: Path, *, serving: bool = True, values: Mapping[str, str] | None = None
) -> Iterator[VercelCloud]:
    """Two releases in production, the newer one serving, and staging's; all stopped at the end."""
    cloud = Cloud(folder)
    cloud.folder.mkdir(mode=0o700)
    standin.make_repository(cloud.repository)
    commits = {
        "1.0": standin.commit(cloud.repository, "main", "1.0"),
        "2.0": standin.commit(cloud.repository, "main", "2.0"),
        "staging": standin.commit(cloud.repository, "develop", "2.1"),
    }
    production = (commits["1.0"], commits["2.0"])
    given = VALUES | {"production": {**VALUES["production"], **(values or {})}}
    assert found(cloud, values=given, production=production, staging=commits["staging"])
    checker = contract.load("vercel", OFFICIAL, NEWER)
    twin = VercelCloud(cloud, Edge(cloud), checker, commits)
    try:
        twin.edge.start(tied=True)
        with twin.running() if serving else nullcontext():
            yield twin
    finally:
        twin.client.close()
        twin.edge.stop()
        for place in cloud.deployments.glob("dpl_*"):
            AppProcess(place).stop()
