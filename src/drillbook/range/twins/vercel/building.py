"""Builds: a deployment is made, its values frozen, it is built, and then perhaps given users."""

import subprocess
from contextlib import suppress
from dataclasses import dataclass

from drillbook.core.errors import Failed
from drillbook.range.cloud import OWNER, REPOSITORY, TEAM_SLUG, VERCEL_PROJECT
from drillbook.range.hosting.build import Order, build, stop_building
from drillbook.range.twins.documents import Document
from drillbook.range.twins.vercel.records import (
    ENDED,
    REPOSITORY_ID,
    USER,
    Hosting,
    environment_of,
    new_id,
    now_ms,
)
from drillbook.range.twins.vercel.switching import ask_for_switch, gives_by_itself
from drillbook.range.twins.vercel.values import Sealing, Values, open_all, seal_all

GIT_SECONDS = 10.0
_ABOUT = "%H%x00%an%x00%ae%x00%s"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to be deployed."""

    commit: str
    ref: str
    target: str | None
    source: str = "git"
    meta: tuple[tuple[str, str], ...] = ()
    of: str = ""


def make_deployment(hosting: Hosting, wish: Wish) -> Document:
    """Make a queued deployment; its values are those of this moment."""
    made = _described(hosting, wish)
    sealing = Sealing(hosting.cloud)
    with hosting.documents.locked():
        given = Values(hosting.documents, sealing).given(wish.target or "preview", wish.ref)
        newest = hosting.deployments()[:1]
        # Lists are paged by the time of making: no two deployments have the same.
        created = max([now_ms(), *(each["created"] + 1 for each in newest)])
        made |= {"created": created, "sealed": seal_all(sealing, given), "env": sorted(given)}
        hosting.documents.put("deployment", made["id"], made)
    hosts = hosting.cloud.deployments / "hosts"
    hosts.mkdir(parents=True, exist_ok=True, mode=0o700)
    (hosts / made["url"]).write_text(made["id"], encoding="utf-8")
    hosting.queued.set()
    return made


def _described(hosting: Hosting, wish: Wish) -> Document:
    commit, author, email, subject = commit_words(hosting, wish.commit)
    name = new_id("", 9).lower()
    meta = {
        "githubCommitAuthorName": author,
        "githubCommitAuthorEmail": email,
        "githubCommitMessage": subject,
        "githubCommitOrg": OWNER,
        "githubCommitRef": wish.ref,
        "githubCommitRepo": REPOSITORY,
        "githubCommitSha": commit,
        "githubDeployment": "1",
        "githubOrg": OWNER,
        "githubRepo": REPOSITORY,
        "githubRepoId": str(REPOSITORY_ID),
    }
    return {
        "id": new_id("dpl_"),
        "name": VERCEL_PROJECT,
        "url": f"{VERCEL_PROJECT}-{name}-{TEAM_SLUG}.vercel.app",
        "state": "QUEUED",
        "substate": None,
        "target": wish.target,
        "source": wish.source,
        "meta": meta | dict(wish.meta),
        "commit": commit,
        "ref": wish.ref,
        "environment": environment_of(wish.target, wish.ref),
        "of": wish.of,
        "creator": USER,
        "crons": [],
        "aliasAssigned": None,
        "aliasError": None,
    }


def commit_words(hosting: Hosting, commit: str) -> tuple[str, str, str, str]:
    """Return a commit's full name, author, address and subject; Failed when it is not there."""
    repository = str(hosting.cloud.repository)
    done = subprocess.run(
        [
            "git",
            "--git-dir",
            repository,
            "show",
            "-s",
            f"--format={_ABOUT}",
            f"{commit}^{{commit}}",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=GIT_SECONDS,
    )
    words = done.stdout.rstrip("\n").split("\0")
    if done.returncode or len(words) != 4:  # noqa: PLR2004 - as the format has
        raise Failed(f"there is no commit {commit}")
    return words[0], words[1], words[2], words[3]


def carry_out(hosting: Hosting, deployment: str) -> None:
    """Build a queued deployment, or one whose builder was killed; one that has ended is left."""
    with hosting.documents.locked():
        found = hosting.documents.get("deployment", deployment) or {}
        if not found or found.get("state") in ENDED:
            return
        hosting.change_deployment(deployment, state="BUILDING", buildingAt=now_ms())
        hosting.documents.remove("log", deployment)
    log = BuildLog(hosting, deployment)
    order = Order(hosting.cloud.repository, found["commit"], _environment(hosting, found))
    try:
        built = build(
            order,
            hosting.folder(deployment),
            log.say,
            lambda pid: _began(hosting, deployment, pid),
        )
    except (Failed, OSError) as error:
        log.say(f"Error: {error}")
        _end(hosting, deployment, state="ERROR", errorCode="BUILD_FAILED", errorMessage=str(error))
    else:
        crons = [{"path": path, "schedule": schedule} for path, schedule in built.crons]
        _end(hosting, deployment, state="READY", crons=crons)
    finally:
        hosting.builds.pop(deployment, None)


def _began(hosting: Hosting, deployment: str, pid: int) -> None:
    hosting.builds[deployment] = pid
    # Whoever cancelled it before this found no command to stop.
    if (hosting.documents.get("deployment", deployment) or {}).get("state") != "BUILDING":
        stop_building(pid)


def _environment(hosting: Hosting, found: Document) -> dict[str, str]:
    given = open_all(Sealing(hosting.cloud), found["sealed"])
    return given | {
        "VERCEL": "1",
        "VERCEL_ENV": found["target"] or "preview",
        "VERCEL_URL": found["url"],
        "VERCEL_DEPLOYMENT_ID": found["id"],
        "VERCEL_GIT_COMMIT_SHA": found["commit"],
        "VERCEL_GIT_COMMIT_REF": found["ref"],
        "VERCEL_GIT_COMMIT_MESSAGE": found["meta"]["githubCommitMessage"],
    }


def _end(hosting: Hosting, deployment: str, **changes: object) -> None:
    with hosting.documents.locked():
        found = hosting.documents.get("deployment", deployment) or {}
        if found.get("state") != "BUILDING":  # cancelled meanwhile
            return
        ended = hosting.change_deployment(deployment, **changes, ready=now_ms())
        if ended["state"] == "READY":
            _give_users(hosting, ended)
    hosting.due.set()


def _give_users(hosting: Hosting, ended: Document) -> None:
    environment = ended["environment"]
    automatic = environment != "production" or gives_by_itself(hosting)
    if environment == "production":
        hosting.change_deployment(ended["id"], substate="STAGED")
    if environment and automatic:
        ask_for_switch(hosting, environment, ended["id"], "assign")


def cancel(hosting: Hosting, deployment: str) -> bool:
    """Stop a build; False when it has ended already."""
    with hosting.documents.locked():
        found = hosting.documents.get("deployment", deployment) or {}
        if found.get("state") in ENDED:
            return False
        hosting.change_deployment(deployment, state="CANCELED", canceledAt=now_ms())
    with suppress(KeyError):
        stop_building(hosting.builds[deployment])
    return True


class BuildLog:
    """The lines of one build's log, kept as they come."""

    def __init__(self, hosting: Hosting, deployment: str) -> None:
        self.hosting = hosting
        self.deployment = deployment
        self.lines: list[Document] = []

    def say(self, text: str) -> None:
        """Keep a line."""
        self.lines.append({"created": now_ms(), "text": text})
        self.hosting.documents.put("log", self.deployment, {"lines": self.lines})
