"""A hosting, a repository and a database as a team has them: small, real, and its own."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep

from drillbook.core.effect import Effect
from drillbook.core.errors import Failed
from drillbook.ports.migrations import Change, Migrations
from drillbook.range.cloud import (
    OWNER,
    REPOSITORY,
    TEAM,
    VERCEL_PROJECT,
    Cloud,
)
from drillbook.range.edge.process import Edge
from drillbook.range.hosting.app_process import AppProcess
from drillbook.range.repository import make_repository
from drillbook.range.twins.process import CloudProcess
from drillbook.range.twins.vercel.founding import found
from drillbook.range.twins.vercel.records import ENDED, Hosting
from drillbook.stack.stack import Stack, load_stack

SECONDS = 30.0
LOOK_SECONDS = 0.02
VALUES = {
    "LOGIN": "off", "PAYMENTS_URL": "http://127.0.0.1:9", "PAYMENTS_KEY": "sk_first",
    "AUTH_URL": "http://127.0.0.1:9", "AUTH_JWKS_URL": "http://127.0.0.1:9/keys",
    "VALKEY_URL": "", "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing",
}  # fmt: skip
PEOPLE = ("-c", "user.name=Ana", "-c", "user.email=ana@booking.example")

STACK = """\
[environments.{name}.database]
provider = "postgres"
url = "file:{name}.database-url"

[environments.{name}.app]
provider = "vercel"
url = "{app}"
health = "/api/health"
release = "/api/version"
project = "{project}"
team = "{team}"
token = "file:cloud/vercel.token"
api = "{vercel}"

[environments.{name}.repository]
provider = "github"
repository = "{owner}/{repository}"
branch = "{branch}"
token = "file:cloud/github.token"
api = "{github}"
"""
BRANCHES = {"production": "main", "staging": "develop"}


@dataclass
class Site:
    """One team's cloud, and what its people do there."""

    cloud: Cloud
    process: CloudProcess
    edge: Edge
    base: str = ""

    @property
    def hosting(self) -> Hosting:
        """What the hosting knows, as the range sees it."""
        return Hosting(self.cloud)

    @property
    def first(self) -> str:
        """The build that served when the site was made."""
        builds = [one for one in self.hosting.deployments() if one["commit"] == self.base]
        return str(builds[-1]["id"])

    def stack(self, database_url: str = "") -> Stack:
        """Write the stack and read it."""
        texts = []
        for name, branch in BRANCHES.items():
            url = self.cloud.range / f"{name}.database-url"
            url.write_text(database_url or "postgresql://nobody@127.0.0.1:9/nothing")
            url.chmod(0o600)
            texts.append(
                STACK.format(
                    name=name, branch=branch, app=self.cloud.app_url(name), team=TEAM,
                    project=VERCEL_PROJECT, vercel=self.cloud.url("vercel"), owner=OWNER,
                    repository=REPOSITORY, github=self.cloud.url("github"),
                )
            )  # fmt: skip
        path = self.cloud.range / "stack.toml"
        path.write_text("\n".join(texts))
        return load_stack(path)

    def commit(
        self, files: Mapping[str, str | None], message: str, branch: str = "main", onto: str = ""
    ) -> str:
        """Push a commit past all gates, CI left out; `onto` is another commit to stand on."""
        self._git("fetch", "--quiet", "origin")
        self._git("checkout", "--quiet", "--detach", onto or f"origin/{branch}")
        for path, text in files.items():
            file = self.cloud.clone / path
            if text is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
        self._git("add", "--all")
        self._git(*PEOPLE, "commit", "--quiet", "--allow-empty", "-m", f"{message}\n\n[skip ci]")
        self._git("push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{branch}")
        return self._git("rev-parse", "HEAD")

    def read(self, path: str, branch: str = "main") -> str:
        """Return a file of a branch."""
        return self._git("show", f"origin/{branch}:{path}")

    def built(self, commit: str) -> str:
        """Wait until a commit's newest build has ended and return its id."""
        return str(self._wait(lambda: self._ended(commit), f"{commit[:7]} to be built"))

    def serving(self, commit: str, environment: str = "production") -> str:
        """Wait until a commit serves and return its build's id."""
        build = self.built(commit)
        if "READY" not in (state := self._state(build)):
            raise Failed(f"{build} of {commit[:7]} cannot serve: {state}")
        return self.gives_users(build, environment)

    def deploy(self, files: Mapping[str, str | None], message: str, onto: str = "") -> str:
        """Push a release of production and wait until it serves; return its build's id."""
        return self.serving(self.commit(files, message, onto=onto))

    def gives_users(self, build: str, environment: str = "production") -> str:
        """Wait until a build serves, and return it."""
        self._wait(
            lambda: (self.hosting.alias(environment) or {}).get("deploymentId") == build,
            f"{build} to serve",
            lambda: f"{self._state(build)}, switches: {self._switches()}",
        )
        return build

    def paths(self, branch: str = "main") -> set[str]:
        """Return the files of a branch."""
        return set(self._git("ls-tree", "-r", "--name-only", f"origin/{branch}").splitlines())

    def migrate(self, stack: Stack, name: str, sql: str, down: str = "") -> Change:
        """Apply a migration as a runbook does."""
        change = Change(name=name, sha256=sha256(sql.encode()).hexdigest(), text=sql, down=down)
        stack.port("production", Migrations).apply(change, Effect(key=f"site:{name}"))  # type: ignore[type-abstract]  # a port is a Protocol
        return change

    def take_back(self, stack: Stack, change: Change) -> None:
        """Take a migration back as a runbook does."""
        effect = Effect(key=f"site:{change.name}")
        stack.port("production", Migrations).take_back(change, effect)  # type: ignore[type-abstract]  # as above

    def _ended(self, commit: str) -> str:
        for found_ in self.hosting.deployments():
            if found_["commit"] == commit:
                return str(found_["id"]) if found_["state"] in ENDED else ""
        return ""

    def _state(self, build: str) -> str:
        return f"it is {(self.hosting.deployment(build) or {}).get('state')}"

    def _switches(self) -> str:
        jobs = self.hosting.documents.all("switch")
        return ", ".join(
            f"{one['type']} to {one['toDeploymentId']} {one['jobStatus']}" for one in jobs
        )

    def _wait(self, look: Callable[[], object], what: str, seen: Callable[[], str] = str) -> object:
        until = monotonic() + SECONDS
        while monotonic() < until:
            if found_ := look():
                return found_
            sleep(LOOK_SECONDS)
        raise Failed(f"waited {SECONDS:g} s in vain for {what}: {seen()}".removesuffix(": "))

    def _git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.cloud.clone), *words],
            capture_output=True, text=True, check=False, timeout=SECONDS,
            env={"PATH": os.environ["PATH"], "HOME": str(self.cloud.range)},
        )  # fmt: skip
        if done.returncode:
            raise Failed(f"git {' '.join(words[:3])}: {done.stderr.strip()}")
        return done.stdout.strip()


@contextmanager
def a_site(folder: Path, releases: int = 2) -> Iterator[Site]:
    """Make a cloud with the latest releases of the app, the newest serving; end it all after."""
    cloud = Cloud(folder)
    make_repository(cloud)
    edge, process = Edge(cloud), CloudProcess(cloud)
    try:
        edge.start(tied=True)
        log = subprocess.run(
            ["git", "--git-dir", str(cloud.repository), "log", "--first-parent", "--format=%H",
             f"-{releases}", "main"],
            capture_output=True, text=True, check=True, timeout=SECONDS,
        )  # fmt: skip
        develop = subprocess.run(
            ["git", "--git-dir", str(cloud.repository), "rev-parse", "develop"],
            capture_output=True, text=True, check=True, timeout=SECONDS,
        )  # fmt: skip
        found(
            cloud,
            values={"production": VALUES, "staging": VALUES},
            production=log.stdout.split()[::-1],
            staging=develop.stdout.strip(),
        )
        for reference in ("vercel", "github", "supabase"):
            cloud.token(reference)
        process.start(tied=True)
        yield Site(cloud, process, edge, base=log.stdout.split()[0])
    finally:
        process.stop()
        edge.stop()
        for left in Hosting(cloud).deployments():
            AppProcess(cloud.deployments / str(left["id"])).stop()
