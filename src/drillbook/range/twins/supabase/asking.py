"""A request to the Management API: who asks, of which project, and how it is answered."""

import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from anyio import CapacityLimiter, to_thread
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drillbook.range.cloud import ENVIRONMENTS, Cloud
from drillbook.range.twins.supabase.project import Project

THREADS = 8


class ApiError(Exception):
    """The API says no."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of one project; `body` is whatever JSON was sent, None for nothing."""

    project: Project
    path: dict[str, str]
    query: QueryParams
    headers: dict[str, str]
    body: Any  # Any: JSON from outside

    def value(self, name: str, kind: type, default: object = None) -> Any:  # Any: as above
        """Return a value of the body; ApiError for one of another kind, and for a needed one."""
        values = self.body if isinstance(self.body, dict) else {}
        found = values.get(name, default)
        right = isinstance(found, kind) and not (kind is int and isinstance(found, bool))
        if found is None or not (right or found is default):
            raise ApiError(400, f"{name}: expected {kind.__name__}, received {_kind(found)}")
        return found


Answer = tuple[int, object]
Work = Callable[[Asked], Answer]
Table = tuple[tuple[str, str, Work], ...]


class Gate:
    """Lets in who has the token, finds the project, and runs the work in a thread of its own."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._projects = {
            project.ref: project for project in (Project(cloud, name) for name in ENVIRONMENTS)
        }
        self._threads: CapacityLimiter | None = None

    @property
    def projects(self) -> tuple[Project, ...]:
        """All projects of the organization."""
        return tuple(self._projects.values())

    def routes(self, prefix: str, table: Table) -> list[Route]:
        """Return routes for a table of method, path below the prefix, and work."""
        return [
            Route(f"{prefix}{path}", self.endpoint(work), methods=[method])
            for method, path, work in table
        ]

    def endpoint(self, work: Work) -> Callable[[Request], Awaitable[Response]]:
        """Return what answers a request by this work."""

        async def answer(request: Request) -> Response:
            if self._threads is None:
                self._threads = CapacityLimiter(THREADS)
            body = await request.body()
            return await to_thread.run_sync(
                self._answer, work, request, body, limiter=self._threads
            )

        return answer

    def _answer(self, work: Work, request: Request, body: bytes) -> Response:
        try:
            status, content = work(self._asked(request, body))
        except ApiError as error:
            return JSONResponse({"message": error.message}, error.status)
        except psycopg.OperationalError as error:
            words = str(error).strip().splitlines()[0]
            return JSONResponse({"message": f"The database does not answer: {words}"}, 500)
        if content is None:
            return Response(status_code=status)
        return Response(json.dumps(content, default=str), status, media_type="application/json")

    def _asked(self, request: Request, body: bytes) -> Asked:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._cloud.token("supabase").encode()):
            raise ApiError(401, "Unauthorized")
        try:
            said = json.loads(body) if body.strip() else None
        except ValueError:
            raise ApiError(400, "The body is not JSON") from None
        ref = request.path_params.get("ref", self.projects[0].ref)
        if ref not in self._projects:
            raise ApiError(404, "Project not found")
        return Asked(
            project=self._projects[ref],
            path={name: str(value) for name, value in request.path_params.items()},
            query=request.query_params,
            headers=dict(request.headers),
            body=said,
        )


def _kind(value: object) -> str:
    return "undefined" if value is None else type(value).__name__
