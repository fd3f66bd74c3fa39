"""A twin of the GitHub REST API on a bare repository: merges are merges, CI really runs."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from drillbook.range.cloud import OWNER, REPOSITORY, Cloud
from drillbook.range.twins.github import (
    checks,
    deployments,
    issues,
    merging,
    protection,
    pulls,
    reading,
    runs,
)
from drillbook.range.twins.github.asking import Asked, Reply, Said, etag, wrong
from drillbook.range.twins.github.people import login_of, token_of
from drillbook.range.twins.github.pipeline import Pipeline
from drillbook.range.twins.github.twin import GitHub

__all__ = ["GitHub", "make_app", "token_of"]

LIMIT_AN_HOUR = 5000
HOUR_SECONDS = 3600
Handler = Callable[[GitHub, Asked], Reply]
_HERE = f"/repos/{OWNER}/{REPOSITORY}"


def make_app(cloud: Cloud, *, runs_pipeline: bool = True) -> Starlette:
    """Return the twin; while it serves, its pipeline runs."""
    hub = GitHub(cloud)
    pipeline = Pipeline(hub)

    @asynccontextmanager
    async def serving(_app: Starlette) -> AsyncIterator[None]:
        if runs_pipeline:
            await run_in_threadpool(pipeline.start)
        yield
        if runs_pipeline:
            await run_in_threadpool(pipeline.stop)

    meter = _Meter()
    routes = [
        Route(_HERE + path, _endpoint(hub, handler, meter), methods=[method])
        for method, path, handler in _routes(runs.Controls(pipeline))
    ]
    outside: list[tuple[str, Handler]] = [("/user", _user), ("/rate_limit", meter.show)]
    routes += [Route(path, _endpoint(hub, handler, meter)) for path, handler in outside]
    routes.append(Route("/_logs/{job:int}", _log(hub)))
    return Starlette(routes=routes, lifespan=serving, exception_handlers={404: _nothing_there})


def _routes(controls: runs.Controls) -> list[tuple[str, str, Handler]]:
    return [
        ("GET", "", reading.repository),
        ("POST", "/merges", merging.merge),
        ("GET", "/pulls", pulls.list_),
        ("POST", "/pulls", pulls.create),
        ("GET", "/pulls/{number}", pulls.get),
        ("PATCH", "/pulls/{number}", pulls.change),
        ("GET", "/pulls/{number}/merge", pulls.is_merged),
        ("PUT", "/pulls/{number}/merge", pulls.merge),
        ("GET", "/pulls/{number}/commits", pulls.commits),
        ("GET", "/pulls/{number}/files", pulls.files),
        ("GET", "/pulls/{number}/reviews", pulls.reviews),
        ("POST", "/pulls/{number}/reviews", pulls.review),
        ("PUT", "/pulls/{number}/reviews/{review}/dismissals", pulls.dismiss),
        ("GET", "/collaborators/{login}/permission", pulls.permission),
        ("GET", "/commits", reading.commits),
        ("GET", "/commits/{ref:path}/pulls", pulls.of_commit),
        ("GET", "/commits/{ref:path}/check-runs", checks.of_commit),
        ("GET", "/commits/{ref:path}/status", checks.combined),
        ("GET", "/commits/{ref:path}", reading.commit),
        ("POST", "/statuses/{ref}", checks.set_status),
        ("GET", "/compare/{basehead:path}", reading.compare),
        ("GET", "/contents/{path:path}", reading.contents),
        ("GET", "/branches", reading.branches),
        ("GET", "/branches/{branch:path}/protection", protection.get),
        ("PUT", "/branches/{branch:path}/protection", protection.put),
        ("DELETE", "/branches/{branch:path}/protection", protection.remove),
        ("GET", "/branches/{branch:path}", reading.branch),
        ("GET", "/rules/branches/{branch:path}", reading.rules),
        ("GET", "/git/ref/{ref:path}", reading.ref),
        ("GET", "/git/trees/{sha}", reading.tree),
        ("POST", "/git/refs", reading.create_ref),
        ("PATCH", "/git/refs/{ref:path}", reading.update_ref),
        ("DELETE", "/git/refs/{ref:path}", reading.remove_ref),
        ("POST", "/check-runs", checks.create),
        ("GET", "/check-runs/{check}", checks.get),
        ("PATCH", "/check-runs/{check}", checks.change),
        ("GET", "/check-runs/{check}/annotations", runs.annotations),
        ("GET", "/actions/runs", runs.list_),
        ("GET", "/actions/runs/{run}", runs.get),
        ("GET", "/actions/runs/{run}/jobs", runs.jobs),
        ("POST", "/actions/runs/{run}/rerun", controls.rerun),
        ("POST", "/actions/runs/{run}/rerun-failed-jobs", controls.rerun_failed),
        ("POST", "/actions/runs/{run}/cancel", controls.cancel),
        ("GET", "/actions/jobs/{job}", runs.job),
        ("GET", "/actions/jobs/{job}/logs", runs.log),
        ("GET", "/actions/workflows", runs.workflows),
        ("POST", "/actions/workflows/{workflow}/dispatches", controls.dispatch),
        ("GET", "/issues", issues.list_),
        ("POST", "/issues", issues.create),
        ("GET", "/issues/{number}", issues.get),
        ("PATCH", "/issues/{number}", issues.change),
        ("GET", "/issues/{number}/comments", issues.comments),
        ("POST", "/issues/{number}/comments", issues.comment),
        ("GET", "/deployments", deployments.list_),
        ("POST", "/deployments", deployments.create),
        ("GET", "/deployments/{deployment}", deployments.get),
        ("GET", "/deployments/{deployment}/statuses", deployments.statuses),
        ("POST", "/deployments/{deployment}/statuses", deployments.say),
    ]


def _endpoint(hub: GitHub, handler: Handler, meter: "_Meter") -> Callable[[Request], Any]:
    """Let a request in, hand it to its handler, and answer as GitHub does."""

    async def answer(request: Request) -> Response:
        login = login_of(hub.cloud, request.headers.get("authorization", ""))
        if login is None:
            return _shown(Said(401, "Bad credentials").reply, {})
        try:
            body = await request.json() if await request.body() else {}
        except ValueError:
            return _shown(Said(400, "Problems parsing JSON").reply, meter.headers(login))
        if not isinstance(body, dict):
            reply = wrong("the body is not an object").reply
            return _shown(reply, meter.headers(login))
        url = f"{hub.shapes.hub}{request.url.path}"
        asked = Asked(login, url, request.path_params, dict(request.query_params), body)
        try:
            reply = await run_in_threadpool(handler, hub, asked)
        except Said as said:
            reply = said.reply
        tag = etag(reply.body) if request.method == "GET" and reply.status == 200 else ""  # noqa: PLR2004 - HTTP's OK
        if tag and request.headers.get("if-none-match") == tag:
            reply = Reply(304)
        return _shown(reply, meter.headers(login) | ({"ETag": tag} if tag else {}))

    return answer


def _shown(reply: Reply, headers: dict[str, str]) -> Response:
    headers |= dict(reply.headers)
    if reply.body is None:
        return Response(status_code=reply.status, headers=headers)
    return JSONResponse(reply.body, reply.status, headers)


def _nothing_there(_request: Request, _error: Exception) -> Response:
    return _shown(Said(404, "Not Found").reply, {})


def _log(hub: GitHub) -> Callable[[Request], Any]:
    async def show(request: Request) -> Response:
        file = hub.logs / f"{request.path_params['job']}.log"
        if not file.exists():
            return _nothing_there(request, FileNotFoundError())
        return PlainTextResponse(file.read_text(encoding="utf-8", errors="replace"))

    return show


def _user(hub: GitHub, asked: Asked) -> Reply:
    links = {"public_repos": 0, "public_gists": 0, "followers": 0, "following": 0}
    names = ("name", "company", "blog", "location", "email", "hireable", "bio")
    made = {
        "user_view_type": "public",
        "created_at": "2026-01-05T09:00:00Z",
        "updated_at": "2026-01-05T09:00:00Z",
    }
    return Reply(200, hub.shapes.user(asked.login) | dict.fromkeys(names) | links | made)


class _Meter:
    """Counts a person's requests of the hour; saying no is the weather's business."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, int], int] = {}

    def headers(self, login: str) -> dict[str, str]:
        """Count a request and return what GitHub says with each answer."""
        hour = int(time.time()) // HOUR_SECONDS
        used = self._used.get((login, hour), 0) + 1
        self._used = {(login, hour): used}
        return {
            "X-RateLimit-Limit": str(LIMIT_AN_HOUR), "X-RateLimit-Used": str(used),
            "X-RateLimit-Remaining": str(max(0, LIMIT_AN_HOUR - used)),
            "X-RateLimit-Reset": str((hour + 1) * HOUR_SECONDS), "X-RateLimit-Resource": "core",
        }  # fmt: skip

    def show(self, _hub: GitHub, asked: Asked) -> Reply:
        """Show how much is left."""
        hour = int(time.time()) // HOUR_SECONDS
        used = self._used.get((asked.login, hour), 0)
        rate = {"limit": LIMIT_AN_HOUR, "used": used, "remaining": max(0, LIMIT_AN_HOUR - used)}
        rate |= {"reset": (hour + 1) * HOUR_SECONDS}
        return Reply(200, {"resources": {"core": rate, "search": rate}, "rate": rate})
