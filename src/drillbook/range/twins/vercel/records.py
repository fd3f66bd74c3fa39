"""What the hosting knows: its project, its deployments, and which of them each alias names."""

import secrets
import string
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from drillbook.core.errors import Unavailable
from drillbook.range.cloud import (
    BRANCHES,
    ENVIRONMENTS,
    OWNER,
    REPOSITORY,
    TEAM,
    TEAM_SLUG,
    VERCEL_PROJECT,
    VERCEL_PROJECT_ID,
    Cloud,
)
from drillbook.range.twins.documents import Document, Documents

ALPHABET = string.ascii_letters + string.digits
USER = {
    "uid": "usr_DrillbookRangeOwner00001",
    "username": "range-owner",
    "email": "owner@example.com",
}
ENDED = ("READY", "ERROR", "CANCELED")
REPOSITORY_ID = 700_000_001


def now_ms() -> int:
    """Return the time as the platform writes it."""
    return time.time_ns() // 10**6


def new_id(prefix: str, size: int = 28) -> str:
    """Return an id nobody has."""
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(size))


@dataclass
class Hosting:
    """The hosting of one range; `due` is set for a new switch, `queued` for a new build."""

    cloud: Cloud
    tied: bool = False
    due: Event = field(default_factory=Event)
    queued: Event = field(default_factory=Event)
    builds: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        self.documents: Documents = self.cloud.documents("vercel")

    def project(self) -> Document:
        """Return the project, made at the first look."""
        found = self.documents.get("project", VERCEL_PROJECT_ID)
        if found is None:
            found = _new_project()
            with self.documents.locked():
                self.documents.put("project", VERCEL_PROJECT_ID, found)
        return found

    def change_project(self, **changes: object) -> Document:
        """Change fields of the project."""
        with self.documents.locked():
            project = self.project() | changes | {"updatedAt": now_ms()}
            self.documents.put("project", VERCEL_PROJECT_ID, project)
        return project

    def deployments(self) -> list[Document]:
        """Return all deployments, newest first."""
        return self.documents.all("deployment")[::-1]

    def deployment(self, name: str) -> Document | None:
        """Return a deployment by its id or its URL."""
        found = self.documents.get("deployment", name)
        if found is None:
            host = name.removeprefix("https://").rstrip("/")
            found = next((each for each in self.deployments() if each["url"] == host), None)
        return found

    def change_deployment(self, deployment: str, **changes: object) -> Document:
        """Change fields of a deployment."""
        with self.documents.locked():
            found = (self.documents.get("deployment", deployment) or {}) | changes
            self.documents.put("deployment", deployment, found)
        return found

    def alias(self, environment: str) -> Document | None:
        """Return the record of an environment's alias; None before anything served there."""
        found = self.documents.get("alias", environment)
        return None if found is None else found | {"alias": self.host(environment)}

    def aliases(self) -> list[Document]:
        """Return the aliases there are."""
        return [found for name in ENVIRONMENTS if (found := self.alias(name))]

    def host(self, environment: str) -> str:
        """Return the host of an environment's users; the alias is named by it."""
        try:
            return self.cloud.app_url(environment).removeprefix("http://")
        except Unavailable:
            return f"{environment}.invalid"

    def folder(self, deployment: str) -> Path:
        """Return where a deployment lies."""
        return self.cloud.deployments / deployment

    def fault(self, name: str) -> Document | None:
        """Return a fault the range plays on its users; the API never tells of it."""
        return self.documents.get("fault", name)


def environment_of(target: str | None, ref: str) -> str:
    """Return the environment a deployment belongs to; empty for a preview without an alias."""
    if target == "production":
        return "production"
    branches = {branch: name for name, branch in BRANCHES.items() if name != "production"}
    return branches.get(ref, "")


def _new_project() -> Document:
    made = now_ms()
    return {
        "id": VERCEL_PROJECT_ID,
        "name": VERCEL_PROJECT,
        "accountId": TEAM,
        "createdAt": made,
        "updatedAt": made,
        "autoAssignCustomDomains": True,
        "lastRollbackTarget": None,
        "lastAliasRequest": None,
        "rollingRelease": None,
        "paused": False,
        "link": {
            "type": "github",
            "org": OWNER,
            "repo": REPOSITORY,
            "repoId": REPOSITORY_ID,
            "productionBranch": BRANCHES["production"],
            "deployHooks": [],
        },
        "settings": {},
        "security": {"attackModeEnabled": False, "attackModeUpdatedAt": made},
        "teamSlug": TEAM_SLUG,
    }
