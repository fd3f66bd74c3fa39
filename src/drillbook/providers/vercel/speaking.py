"""Vercel's REST API of one project: answers parsed at the border, pages read to their end."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from drillbook.core.errors import Failed
from drillbook.providers.vercel.answers import (
    AliasSeen,
    DeploymentSeen,
    DeploymentsSeen,
    ProjectSeen,
    RolloutSeen,
    ValueSeen,
    ValuesSeen,
)
from drillbook.remote.api import JsonApi, Values
from drillbook.remote.reply import first_misfit

A_PAGE = 100
TEAM_ID = "team_"
Body = dict[str, JsonValue]
Parsed = TypeVar("Parsed", bound=BaseModel)
READ = "read the project's deployments"


@dataclass(frozen=True, slots=True)
class Speaking:
    """Speaks about one project; what it reads is of this moment, nothing is kept."""

    api: JsonApi
    project: str

    @property
    def path(self) -> str:
        """The project's part of a path."""
        return quote(self.project, safe="")

    def read_project(self) -> ProjectSeen:
        """Read the project with its latest promote or rollback."""
        path = f"/v9/projects/{self.path}"
        return parsed(ProjectSeen, self.api.get(path, {"rollbackInfo": "true"}, right=READ), path)

    def read_canary(self) -> str:
        """Read which build is being given the users by and by; empty when none is."""
        path = f"/v1/projects/{self.path}/rolling-release"
        return parsed(RolloutSeen, self.api.get(path, right=READ), path).canary

    def read_deployment(self, name: str) -> DeploymentSeen:
        """Read a deployment by its id or URL."""
        path = f"/v13/deployments/{quote(name.removeprefix('https://').rstrip('/'), safe='')}"
        return parsed(DeploymentSeen, self.api.get(path, right=READ), path)

    def read_alias(self, host: str) -> AliasSeen | None:
        """Read what a host points at; None when the team has no such alias."""
        path = f"/v4/aliases/{quote(host, safe=':')}"
        reply = self.api.read(path, accept=(404,), right=READ)
        return None if reply.status == 404 else parsed(AliasSeen, reply.body, path)  # noqa: PLR2004 - HTTP

    def pages(self, query: Values, at_most: int) -> Iterator[DeploymentSeen]:
        """Read the project's deployments, newest first, until so many were read."""
        path, until, left = "/v7/deployments", 0, at_most
        while left > 0:
            asked = {"projectId": self.project, "limit": min(left, A_PAGE), **query}
            if until:
                asked["until"] = until
            page = parsed(DeploymentsSeen, self.api.get(path, asked, right=READ), path)
            yield from page.deployments
            left -= len(page.deployments)
            if not page.pagination.next or not page.deployments:
                return
            until = page.pagination.next

    def read_values(self) -> tuple[ValueSeen, ...]:
        """Read the records of all environment values; the values themselves are not asked for."""
        path, until, found = f"/v10/projects/{self.path}/env", 0, list[ValueSeen]()
        while True:
            query = {"until": until} if until else {}
            answer = self.api.get(path, query, right="read the project's environment values")
            page = parsed(ValuesSeen, answer, path)
            found += page.envs
            if not page.pagination.next or not page.envs:
                return tuple(found)
            until = page.pagination.next


def speaking_of(api: str, token: Callable[[], str], project: str, team: str) -> Speaking:
    """Return what speaks about a project; `team` is an id (team_…) or a slug, or empty."""
    query = {"teamId" if team.startswith(TEAM_ID) else "slug": team} if team else {}
    return Speaking(JsonApi("Vercel", api, token, query=query), project)


def parsed(kind: type[Parsed], body: JsonValue, path: str) -> Parsed:
    """Return an answer in its shape; Failed when the platform answers in another one."""
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        raise _other_shape(error, path) from error


def parsed_list(kind: type[Parsed], body: JsonValue, path: str) -> tuple[Parsed, ...]:
    """Return an answer that is a list."""
    try:
        return tuple(TypeAdapter(list[kind]).validate_python(body))  # type: ignore[valid-type]  # a type made at run time
    except ValidationError as error:
        raise _other_shape(error, path) from error


def _other_shape(error: ValidationError, path: str) -> Failed:
    return Failed(
        f"Vercel's answer to {path} has another shape than Drillbook knows: "
        f"{first_misfit(error, 'all of it')}",
        hint="Check `api` in stack.toml; a newer Drillbook may know it.",
    )
