"""The lane of deployments: a small cloud of its own, whose parts are killed as the worker is."""

import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from random import Random

from benchmarks.campaign.cases import Blow, Case, Moment
from benchmarks.campaign.site import Site, WorkerProcess, end
from benchmarks.campaign.variants import Variant
from drillbook.core.plan import Plan
from drillbook.core.process_identity import send_signal
from drillbook.drills.demo_stage import Stage
from drillbook.drills.deployment.ground import Ground
from drillbook.range import practice
from drillbook.range.edge.process import Edge
from drillbook.range.hosting.alias import read_alias
from drillbook.range.hosting.app_process import AppProcess
from drillbook.range.repository import propose
from drillbook.range.twins.process import CloudProcess
from drillbook.range.twins.vercel.records import ENDED, Hosting
from drillbook.range.twins.weather import Mode, Weather, set_weather
from drillbook.stack.stack import load_stack

LANE = "deployments"
FIRST = 100_000  # their numbers lie apart, so that `--only` can name them
RUNBOOK, CHANGE = "Application Deployment", "changelog-line"
SCALE = 0.02
REST_SECONDS = 60.0
LOOK_SECONDS = 0.05
WRITES = ("POST", "PUT", "PATCH")
PLATFORMS = ("github", "vercel")
FAILS = """   - See what cannot be so `@deployment.probe on=production as last`
     - expect: `!last.users_ok`
"""
# The journal's events around each write, and the moments between asking and knowing.
EVENTS = (
    "run.started", "task.done 1.1", "task.remembered 2.1", "task.acting 2.1", "task.done 2.1",
    "task.done 2.2", "task.done 2.3", "task.remembered 3.3", "task.acting 3.3", "task.done 3.3",
    "task.started 3.4", "task.done 3.4",
)  # fmt: skip
BACK_EVENTS = (
    "wayback.started", "task.done 5.1", "task.remembered 5.2", "task.acting 5.2", "task.done 5.2",
    "task.remembered 5.6", "task.acting 5.6", "task.done 5.6",
)  # fmt: skip
VARIANTS = (
    Variant("deployed", 5, ("done",), command="deploy"),
    Variant("deployed-and-back", 6, ("partly taken back",), command="deploy", drift=True),
)
SERVERS = (("cloud",), ("cloud",), ("app",), ("edge",), ("cloud", "app", "edge"))


def draw_deployment(seed: int, index: int) -> Case:
    """Return the deployment with this number; the same for the same seed."""
    random = Random(f"{seed}/deployment/{index}")
    variant = random.choices(VARIANTS, [each.weight for each in VARIANTS])[0]
    blows = tuple(_blow(random, variant, again=at > 0) for at in range(random.choice((1, 1, 2))))
    return Case(index, LANE, variant, blows, in_undo=False)


def _blow(random: Random, variant: Variant, *, again: bool) -> Blow:
    events = EVENTS + (BACK_EVENTS * 2 if variant.drift else ())
    moment = Moment("event", random.choice(events), random.choice((0.0, random.uniform(0, 0.4))))
    if again:
        moment = Moment("entries", str(random.randint(0, 9)), random.uniform(0, 0.3))
    kind = random.choice(("worker", "servers", "both", "answers"))
    return Blow(
        moment,
        worker="kill" if kind in {"worker", "both"} else "nothing",
        servers=random.choice(SERVERS) if kind in {"servers", "both"} else (),
        line=random.choice(("cut", "silence")) if kind == "answers" else "",
        down_seconds=random.choice((0.0, 0.5, 2.0)) if kind != "worker" else 0.0,
        worker_first=random.random() < 0.5,
        upgrade=random.random() < 0.2,
    )


def deployment_book(variant: Variant) -> str:
    """Return the shipped runbook without the time of watching; with `drift` it must go back."""
    shipped = files("drillbook.library").joinpath("application-deployment.md").read_text("utf-8")
    lines, dropping = [], False
    for line in shipped.splitlines(keepends=True):
        if line.startswith(("   - ", "- ")):
            dropping = re.search(r"@deployment\.watch|\$\{after\.", line) is not None
        elif not line.startswith(("     - ", "  - ")):
            dropping = False
        if not dropping and "after.verdict" not in line:
            lines.append(line)
    fails = FAILS if variant.drift else ""
    return "".join(lines).replace("\n5. **Rollback", f"{fails}\n5. **Rollback")


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the cloud, killed and started again as a server of the other lanes."""

    kill: Callable[[], object]
    begin: Callable[[], object]

    def start(self, *, tied: bool) -> None:  # noqa: ARG002 - as a server's; all is tied
        """Start it again."""
        self.begin()


@dataclass(frozen=True, slots=True)
class Answers:
    """The line to the platforms: answers of writes are lost, or nothing is carried out."""

    weather: Path
    port: int = 0

    def cut(self) -> None:
        """Let the next writes be carried out, and their answers be lost."""
        self._all(Weather(Mode.LOSING, methods=WRITES, first=1))

    def silence(self) -> None:
        """Let everything fail."""
        self._all(Weather(Mode.FAILING, status=503))

    def mend(self) -> None:
        """Let all be well."""
        self._all(Weather())

    def _all(self, weather: Weather) -> None:
        for platform in PLATFORMS:
            set_weather(self.weather, platform, weather)


class NoDisk:
    """Deployments fill no disk."""

    def relieve(self) -> None:
        """Have nothing to give back."""


class DeploymentSite(Site):
    """Everything the lane of deployments needs; `close` leaves nothing running."""

    def __init__(self, folder: Path, upgraded_source: Path) -> None:
        super().__init__(folder, "sqlite", upgraded_source)
        self.above, self.folder = folder, folder / "range"
        self.disk = NoDisk()
        self.servers = {}

    def open(self) -> None:
        """Bring a range up; its clients are not needed."""
        self.above.mkdir(parents=True, exist_ok=True)
        practice.up(self.folder, scale=SCALE, tied=True)
        self.cloud = practice.cloud_of(self.folder)
        self.twins, self.edge = CloudProcess(self.cloud), Edge(self.cloud)
        self.servers = {
            "cloud": Part(self.twins.kill, lambda: self.twins.start(tied=True)),
            "edge": Part(self._kill_edge, lambda: self.edge.start(tied=True)),
            "app": Part(self._kill_app, lambda: None),  # the edge starts it when somebody comes
        }
        self.proxy = Answers(self.cloud.weather)
        self.new_store()

    def reset(self, variant: Variant) -> None:  # noqa: ARG002 - as Site's
        """Bring everything to rest, and propose one more change."""
        self.proxy.mend()
        for part in self.servers.values():
            part.start(tied=True)
        self.rest()
        hosting = Hosting(self.cloud)
        hosting.change_project(autoAssignCustomDomains=True, lastRollbackTarget=None)
        github = self.cloud.documents("github")
        with github.locked():
            for issue in github.all("issue"):
                github.put("issue", str(issue["number"]), issue | {"state": "closed"})
        stage = Stage(self.above, self.store, load_stack(self.folder / "stack.toml"))
        self.ground = Ground(stage, None, CHANGE)
        self.proposed = propose(self.cloud, CHANGE)
        self.ground.remember()

    def rest(self) -> None:
        """Wait until the hosting has built and switched all that it was given."""
        hosting, ends = Hosting(self.cloud), time.monotonic() + REST_SECONDS
        while time.monotonic() < ends:
            builds = all(each["state"] in ENDED for each in hosting.deployments())
            jobs = hosting.documents.all("switch")
            if builds and all(each["jobStatus"] not in {"pending", "in-progress"} for each in jobs):
                return
            time.sleep(LOOK_SECONDS)  # the hosting has no event for others

    def plan(self, variant: Variant) -> Plan:
        """Compile the variant's book for the change that was proposed last."""
        path = self.folder / f"{variant.name}.md"
        path.write_text(deployment_book(variant))
        return self.compiled(path, RUNBOOK, {"change": str(self.proposed.number), "within": "60s"})

    def close(self) -> None:
        """End everything this lane started."""
        for worker in self.workers:
            end(worker)
        if (self.folder / practice.MARK).exists():
            practice.down(self.folder, remove=True)
        shutil.rmtree(self.above, ignore_errors=True)

    def start_worker(self, *, upgraded: bool = False) -> WorkerProcess:
        """Start a worker beside the range's stack file."""
        return super().start_worker(upgraded=upgraded)

    def _kill_edge(self) -> None:
        running = self.edge.identity()
        if running is not None:
            send_signal(running, 9)

    def _kill_app(self) -> None:
        alias = read_alias(self.cloud.environment("production"))
        app = AppProcess(self.cloud.deployments / alias.deployment).identity() if alias else None
        if app is not None:
            send_signal(app, 9)
