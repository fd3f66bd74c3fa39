"""One request to the API: who asks, for which team, with what; and how it is refused."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import compare_digest
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from drillbook.range.cloud import TEAM, TEAM_SLUG, VERCEL_PROJECT, VERCEL_PROJECT_ID
from drillbook.range.twins.documents import Document
from drillbook.range.twins.vercel.records import Hosting


class Problem(Exception):
    """The API refuses: its status, code and words."""

    def __init__(self, status: int, code: str, message: str, **more: object) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"code": code, "message": message, **more}


@dataclass(frozen=True, slots=True)
class Said:
    """An answer that is not 200 with JSON."""

    status: int
    body: object = None
    text: str | None = None
    media_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request's parts; `body` is what its JSON says, {} without one."""

    hosting: Hosting
    path: dict[str, str]
    query: dict[str, str]
    body: Any = field(default_factory=dict[str, Any])  # Any: JSON from outside

    def project(self) -> Document:
        """Return the project that the path or the query names, for the team that asks."""
        named = self.path.get("project") or self.query.get("projectId") or self.said("projectId")
        if named not in {VERCEL_PROJECT, VERCEL_PROJECT_ID} or not self.has_team:
            raise Problem(404, "not_found", "Project not found.")
        return self.hosting.project()

    def deployment(self) -> Document:
        """Return the deployment that the path names."""
        found = self.hosting.deployment(self.path["deployment"]) if self.has_team else None
        if found is None:
            raise Problem(404, "not_found", "The deployment could not be found")
        return found

    @property
    def has_team(self) -> bool:
        """Whether the request is made for the project's team."""
        return self.query.get("teamId") == TEAM or self.query.get("slug") == TEAM_SLUG

    def said(self, name: str) -> Any:
        """Return a field of the body; None without one."""
        return self.body.get(name) if isinstance(self.body, dict) else None

    def number(self, name: str, default: int) -> int:
        """Return a number of the query."""
        text = self.query.get(name)
        if text is None:
            return default
        if not text.isdecimal():
            raise Problem(400, "bad_request", f"Invalid request: `{name}` should be a number.")
        return int(text)


Handler = Callable[[Asked], object]


def endpoint(hosting: Hosting, handler: Handler) -> Callable[[Request], Any]:
    """Return what Starlette calls: the token is looked at, then the handler runs in a thread."""

    async def answer(request: Request) -> Response:
        text = await request.body()
        return await run_in_threadpool(_answer, hosting, handler, request, text)

    return answer


def _answer(hosting: Hosting, handler: Handler, request: Request, text: bytes) -> Response:
    try:
        _see_token(hosting, request)
        query = dict(request.query_params)
        _see_team(query)
        asked = Asked(hosting, dict(request.path_params), query, _parsed(text))
        answer = handler(asked)
    except Problem as problem:
        return JSONResponse({"error": problem.error}, problem.status)
    if not isinstance(answer, Said):
        return JSONResponse(answer)
    if answer.text is not None:
        return PlainTextResponse(answer.text, answer.status, media_type=answer.media_type)
    if answer.body is None:
        return Response(status_code=answer.status)
    return JSONResponse(answer.body, answer.status)


def _see_token(hosting: Hosting, request: Request) -> None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise Problem(401, "forbidden", "The request is missing an authentication token")
    if not compare_digest(token.strip().encode(), hosting.cloud.token("vercel").encode()):
        raise Problem(403, "forbidden", "Not authorized", invalidToken=True)


def _see_team(query: dict[str, str]) -> None:
    named = query.get("teamId", TEAM)
    # `slug` names a team in most paths and nothing else in those served here.
    if named not in {TEAM, TEAM_SLUG} or query.get("slug", TEAM_SLUG) != TEAM_SLUG:
        raise Problem(
            403, "forbidden", f"Not authorized: Trying to access resource under scope {named!r}."
        )


def _parsed(text: bytes) -> object:
    if not text.strip():
        return {}
    try:
        return json.loads(text)
    except ValueError as error:
        raise Problem(400, "bad_request", "Invalid JSON") from error
