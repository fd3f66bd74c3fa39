"""What the hosting and the repository are, so that they can be made so again after a fault."""

import shutil
import time
from typing import Any

from drillbook.core.errors import Unavailable
from drillbook.range.cloud import BRANCHES, ENVIRONMENTS, VERCEL_PROJECT_ID, Cloud
from drillbook.range.faults.fault import Saved
from drillbook.range.hosting.alias import Alias, write_alias
from drillbook.range.hosting.app_process import AppProcess
from drillbook.range.repository import git
from drillbook.range.twins.documents import Document
from drillbook.range.twins.vercel.building import Wish, cancel, make_deployment
from drillbook.range.twins.vercel.records import ENDED, Hosting, now_ms
from drillbook.range.twins.vercel.switching import (
    OPEN,
    ask_for_switch,
    give_all,
)

PROJECT_FIELDS = ("autoAssignCustomDomains", "lastRollbackTarget", "lastAliasRequest")
HOSTING = "hosting"  # what faults lie on that remember and restore it, whole or in part
SERVES_SECONDS = 60.0
LOOK_SECONDS = 0.05


def remember(cloud: Cloud) -> Saved:
    """Return which commits, values and releases there are, and who serves."""
    hosting = Hosting(cloud)
    project = hosting.project()
    return {
        "heads": {branch: tip(cloud, branch) for branch in BRANCHES.values()},
        "serving": {name: serving(cloud, name) for name in ENVIRONMENTS},
        "project": {name: project[name] for name in PROJECT_FIELDS},
        "deployments": [found["id"] for found in hosting.deployments()],
        "values": hosting.documents.all("value"),
    }


def restore(cloud: Cloud, saved: Saved) -> None:
    """Make commits, values and releases as they were, and let those serve that served."""
    hosting = Hosting(cloud)
    documents = hosting.documents
    kept = {*saved["deployments"], *saved["serving"].values()}
    with documents.locked():
        _call_off(hosting, kept)
        for branch, commit in saved["heads"].items():
            git(cloud.repository, "update-ref", f"refs/heads/{branch}", commit)
            documents.put("head", branch, {"commit": commit})
        for value in documents.all("value"):
            documents.remove("value", value["id"])
        for value in saved["values"]:
            documents.put("value", value["id"], value)
        for name, deployment in saved["serving"].items():
            if serving(cloud, name) != deployment:
                _give_users(hosting, name, deployment)
        hosting.change_project(**saved["project"])
    for found in hosting.deployments():
        if found["id"] not in kept:
            _forget(hosting, found)


def deploy(cloud: Cloud, commit: str, *, succeeds: bool = True) -> None:
    """Wait until production's users get what was made of a commit, or until its build failed."""
    hosting, until = Hosting(cloud), time.monotonic() + SERVES_SECONDS
    while time.monotonic() < until:
        made = [each for each in hosting.deployments() if each["commit"] == commit]
        ended = [each for each in made if each["state"] in ENDED]
        if not succeeds and ended:
            return
        if any(each["id"] == serving(cloud, "production") for each in made):
            return
        time.sleep(LOOK_SECONDS)
    raise _late(cloud, f"commit {commit[:7]}")


def redeploy(cloud: Cloud) -> None:
    """Build what production serves anew with the values of now, and give it the users."""
    hosting = Hosting(cloud)
    now = hosting.deployment(serving(cloud, "production")) or {}
    wish = Wish(now["commit"], BRANCHES["production"], "production", source="redeploy")
    made = make_deployment(hosting, wish)["id"]
    until = time.monotonic() + SERVES_SECONDS
    while serving(cloud, "production") != made:
        if time.monotonic() > until:
            raise _late(cloud, made)
        time.sleep(LOOK_SECONDS)


def _late(cloud: Cloud, what: str) -> Unavailable:
    return Unavailable(
        f"{what} does not serve after {SERVES_SECONDS:g} s",
        hint=f"See drillbook range faults, and {cloud.folder / 'cloud.errors'}.",
    )


def serving(cloud: Cloud, environment: str) -> str:
    """Return the deployment that an environment's alias names; empty for none."""
    alias = Hosting(cloud).documents.get("alias", environment)
    return str(alias["deploymentId"]) if alias else ""


def tip(cloud: Cloud, branch: str) -> str:
    """Return the commit a branch points to."""
    return git(cloud.repository, "rev-parse", "--verify", f"refs/heads/{branch}").strip()


def project_of(cloud: Cloud) -> dict[str, Any]:  # Any: a platform's JSON
    """Return the hosting's project."""
    return cloud.documents("vercel").get("project", VERCEL_PROJECT_ID) or {}


def _give_users(hosting: Hosting, environment: str, deployment: str) -> None:
    # What the hosting itself does not do while a fault of its own is on is done all the same.
    job = ask_for_switch(hosting, environment, deployment, "assign")
    give_all(hosting, environment, deployment)
    write_alias(hosting.cloud.environment(environment), Alias(deployment))
    ended = {"jobStatus": "succeeded", "endedAt": now_ms()}
    hosting.documents.put("switch", job["id"], job | ended)


def _call_off(hosting: Hosting, kept: set[str]) -> None:
    """Let no build and no switch under way bring back what is to go."""
    for found in hosting.deployments():
        if found["id"] not in kept:
            cancel(hosting, found["id"])
    for job in hosting.documents.all("switch"):
        if job["jobStatus"] in OPEN and job["toDeploymentId"] not in kept:
            hosting.documents.put("switch", job["id"], job | {"jobStatus": "skipped"})


def _forget(hosting: Hosting, found: Document) -> None:
    folder = hosting.folder(found["id"])
    AppProcess(folder).stop()
    hosting.documents.remove("deployment", found["id"])
    hosting.documents.remove("log", found["id"])
    shutil.rmtree(folder, ignore_errors=True)
    (hosting.cloud.deployments / "hosts" / found["url"]).unlink(missing_ok=True)
