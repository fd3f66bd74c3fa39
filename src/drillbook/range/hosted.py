"""What runs in the range's cloud: the twins, the edge, and the apps behind it."""

import http.client
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from drillbook.core.errors import Failed
from drillbook.core.process_identity import ProcessIdentity
from drillbook.range.app_values import follow, values_of
from drillbook.range.cloud import BRANCHES, ENVIRONMENTS, Cloud
from drillbook.range.edge.process import Edge
from drillbook.range.environment import Environment
from drillbook.range.hosting.alias import read_alias
from drillbook.range.hosting.app_process import AppProcess
from drillbook.range.repository import git
from drillbook.range.status import PartStatus
from drillbook.range.twins.process import CloudProcess
from drillbook.range.twins.vercel.founding import found

# The serving release and the two before it are there to go back to.
RELEASES = 3
HEALTH = "/api/health"
HEALTH_SECONDS = 30.0
LOOK_SECONDS = 0.05


def up(cloud: Cloud, environments: tuple[Environment, ...], *, tied: bool) -> Iterator[str]:
    """Make what is missing and start what does not run; say what was done."""
    # The hosting is founded first: a twin that runs would build what it finds, without its values.
    made = _found(cloud, environments)
    yield f"deployments {'made' if made else 'are there already'}"
    for name, process in (("edge", Edge(cloud)), ("twins", CloudProcess(cloud))):
        ran = process.identity() is not None
        pid = process.start(tied=tied).pid
        yield f"{name} {'ran already' if ran else 'started'} (pid {pid})"
    if moved := follow_moved(cloud, environments):
        yield f"values follow what moved: {', '.join(moved)}"


def follow_moved(cloud: Cloud, environments: tuple[Environment, ...]) -> list[str]:
    """Let values and builds follow parts whose ports others have taken; return which values did."""
    return sorted({key for each in environments for key in follow(cloud, each)})


def _found(cloud: Cloud, environments: tuple[Environment, ...]) -> bool:
    values = {each.name: values_of(cloud, each) for each in environments}
    latest = f"-{RELEASES}"
    mains = git(cloud.repository, "rev-list", "--first-parent", latest, BRANCHES["production"])
    staging = git(cloud.repository, "rev-parse", BRANCHES["staging"]).strip()
    return found(cloud, values=values, production=tuple(reversed(mains.split())), staging=staging)


def see_health(cloud: Cloud) -> None:
    """Return when every environment's app answers its users and says that it is well."""
    # The first request starts an app: both start side by side.
    with ThreadPoolExecutor(len(ENVIRONMENTS)) as pool:
        for done in [pool.submit(_see_health_of, cloud, name) for name in ENVIRONMENTS]:
            done.result()


def _see_health_of(cloud: Cloud, name: str) -> None:
    until = time.monotonic() + HEALTH_SECONDS
    status, said = _ask(cloud, name, HEALTH)
    while status != http.client.OK and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
        status, said = _ask(cloud, name, HEALTH)
    if status != http.client.OK:
        raise Failed(
            f"the app of {name} is not healthy: {said[:300]}",
            hint=f"See {cloud.environment(name)}/app.log and {cloud.folder}/*.errors.",
        )


def serves(cloud: Cloud, name: str) -> bool:
    """Tell whether an environment's users are let in: the app itself starts on demand."""
    return Edge(cloud).identity() is not None and read_alias(cloud.environment(name)) is not None


def status(cloud: Cloud) -> list[PartStatus]:
    """Look at the parts without touching them."""
    edge, parts = Edge(cloud), []
    for name in ENVIRONMENTS:
        alias = read_alias(cloud.environment(name))
        process = AppProcess(cloud.deployments / alias.deployment).identity() if alias else None
        log = cloud.environment(name) / "app.log"
        serving = f"{cloud.app_url(name)}, {alias.deployment}" if alias else "never started"
        size_bytes = log.stat().st_size if log.exists() else 0
        parts.append(_part(f"{name} app", process, edge.port(name), serving, size_bytes))
    parts.append(_part("edge", edge.identity(), None, "where the users of both come to"))
    listeners = ", ".join(f"{name} {port}" for name, port in cloud.ports().items())
    parts.append(_part("twins", CloudProcess(cloud).identity(), None, listeners or "never started"))
    return parts


def stop(cloud: Cloud) -> Iterator[str]:
    """Stop what runs; say what was stopped."""
    # The edge first: it would start an app again for whoever still comes.
    if Edge(cloud).stop():
        yield "edge stopped"
    if CloudProcess(cloud).stop():
        yield "twins stopped"
    stopped = sum(AppProcess(folder).stop() for folder in cloud.deployments.glob("dpl_*"))
    if stopped:
        yield f"{stopped} apps stopped" if stopped > 1 else "app stopped"


def _part(
    name: str, process: ProcessIdentity | None, port: int | None, says: str, size_bytes: int = 0
) -> PartStatus:
    pid = process.pid if process else None
    return PartStatus(name, process is not None, pid, port, "", size_bytes, says)


def _ask(cloud: Cloud, name: str, path: str) -> tuple[int, str]:
    port = Edge(cloud).port(name)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HEALTH_SECONDS)
    try:
        with closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error) or type(error).__name__
