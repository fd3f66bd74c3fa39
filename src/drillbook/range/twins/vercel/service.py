"""The API put together: every route, and the threads that work behind it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drillbook.range.cloud import Cloud
from drillbook.range.twins.vercel import (
    account,
    aliases,
    deployments,
    environment,
    logs,
    projects,
    security,
)
from drillbook.range.twins.vercel.asking import endpoint
from drillbook.range.twins.vercel.records import Hosting
from drillbook.range.twins.vercel.watching import Watch

PARTS = (account, aliases, deployments, environment, logs, projects, security)


def make_service(cloud: Cloud, *, tied: bool) -> Starlette:
    """Return the API; while it runs, pushes are built and what was asked for is carried out."""
    hosting = Hosting(cloud, tied=tied)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        watch = Watch(hosting)
        watch.start()
        try:
            yield
        finally:
            watch.stop()

    routes = [
        Route(path, endpoint(hosting, handler), methods=[method])
        for part in PARTS
        for method, path, handler in part.ROUTES
    ]
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers={404: _no_such_path})


async def _no_such_path(request: Request, error: Exception) -> Response:
    words = f"The requested API endpoint was not found ({request.method} {request.url.path})"
    status = error.status_code if isinstance(error, HTTPException) else 404
    return JSONResponse({"error": {"code": "not_found", "message": words}}, status)
