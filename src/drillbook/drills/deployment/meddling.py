"""What happens to a deployment in the drill: platforms in bad weather, people, and bad luck."""

import time
from collections.abc import Callable

from drillbook.core.errors import Failed
from drillbook.drills.deployment.ground import Ground
from drillbook.range.cloud import OWNER, REPOSITORY, TEAM, VERCEL_PROJECT_ID
from drillbook.range.history.changes import change
from drillbook.range.proposals import approve
from drillbook.range.repository import git
from drillbook.range.twins.github import token_of
from drillbook.range.twins.weather import Mode, Weather, set_weather
from drillbook.remote.api import JsonApi

Act = Callable[[Ground], None]
WRITES = ("POST", "PUT", "PATCH")
PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 0.05
FAIR = Weather()
# With these words GitHub starts no run for a commit.
LATE_CHANGE = "One more thought after the review [skip ci]"
AUTHOR = ("-c", "user.name=Ana", "-c", "user.email=ana@booking.example")


def weather(listener: str, mode: Mode, **more: object) -> Act:
    """Let a platform's API behave like this from now on."""
    set_to = Weather(mode, **more)  # type: ignore[arg-type]  # the fields of Weather, by name
    return lambda ground: set_weather(ground.cloud.weather, listener, set_to)


def weather_for(seconds: float, listener: str, mode: Mode, **more: object) -> Act:
    """Let a platform's API behave like this for a time, and well again afterwards."""

    def act(ground: Ground) -> None:
        weather(listener, mode, **more)(ground)
        ground.later(seconds, lambda: set_weather(ground.cloud.weather, listener, FAIR))

    return act


def fault(name: str) -> Act:
    """Let the hosting play a fault on its users, of which its API tells nothing."""

    def act(ground: Ground) -> None:
        vercel = ground.cloud.documents("vercel")
        with vercel.locked():
            vercel.put("fault", name, {})

    return act


def pushed_after_green(ground: Ground) -> None:
    """Wait until the change is green, push one more commit that CI never sees, and approve it."""
    proposed = ground.proposal
    hub = JsonApi("the range's GitHub", ground.cloud.url("github"), lambda: _team(ground))
    path = f"/repos/{OWNER}/{REPOSITORY}/commits/{proposed.commit}/check-runs"
    _until(lambda: _is_green(hub.get(path)), "the checks of the change")
    bare = ground.cloud.repository
    tree = f"{proposed.commit}^{{tree}}"
    words = ("commit-tree", tree, "-p", proposed.commit, "-m", LATE_CHANGE)
    newer = git(bare, *AUTHOR, *words).strip()
    git(bare, "update-ref", f"refs/heads/{proposed.branch}", newer)
    _until(lambda: _head(hub, proposed.number) == newer, "the proposal to move")
    approve(ground.cloud, proposed.number, newer, by=change(ground.change).reviewer)


def rolled_back_by_hand(ground: Ground) -> None:
    """Go back to an earlier release as a person does in the dashboard: assignment is off then."""
    _roll_back(ground)
    ground.good = ground.serving_commit()


def _roll_back(ground: Ground) -> None:
    vercel = ground.cloud.documents("vercel")
    alias = vercel.get("alias", "production") or {}
    builds = {each["id"]: each for each in vercel.all("deployment") if each["state"] == "READY"}
    serving = builds[alias.get("deploymentId")]
    before = [
        each
        for each in builds.values()
        if each["target"] == "production" and each["created"] < serving["created"]
    ]
    earlier = max(before, key=lambda each: int(each["created"]))["id"]
    api = JsonApi(
        "the range's hosting", ground.cloud.url("vercel"), lambda: ground.cloud.token("vercel")
    )
    path = f"/v1/projects/{VERCEL_PROJECT_ID}/rollback/{earlier}"
    api.send("POST", path, query={"teamId": TEAM})
    _until(lambda: not ground.automatic(), "the rollback by hand")


def migrated_first(ground: Ground) -> None:
    """Let the runbook Database Migration apply what the change brings, as it should be done."""
    folder = ground.folder / "proposed"
    folder.mkdir(exist_ok=True)
    for path, text in change(ground.change).migrations.items():
        file = folder / path.rpartition("/")[2]
        file.write_text(text, encoding="utf-8")
        ground.migrations[file.name] = ground.carried(
            "Database Migration", {"migration": str(file), "watching": "1s"}
        )


def _team(ground: Ground) -> str:
    return token_of(ground.cloud, "ana")


def _is_green(said: object) -> bool:
    runs = said.get("check_runs") if isinstance(said, dict) else None
    return bool(runs) and all(each.get("conclusion") == "success" for each in runs or ())


def _head(hub: JsonApi, number: int) -> str:
    said = hub.get(f"/repos/{OWNER}/{REPOSITORY}/pulls/{number}")
    head = said.get("head") if isinstance(said, dict) else None
    return str(head.get("sha")) if isinstance(head, dict) else ""


def _until(holds: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > ends:
            raise Failed(f"{what} did not come within {PATIENCE_SECONDS:g} s")
        time.sleep(LOOK_SECONDS)  # processes of the range have no event in common with us
