"""The twin of the platforms' status pages: it says what somebody posted, and only from then on."""

import hmac
import json
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drillbook.range.cloud import Cloud
from drillbook.range.twins.documents import Document
from drillbook.range.twins.status.incidents import PAGES, Board, Incident
from drillbook.range.twins.status.shapes import (
    WORDS,
    incidents_answer,
    maintenances_answer,
    summary_answer,
)

__all__ = ["PAGES", "Board", "Incident", "make_app"]

ANSWERS = {
    "summary": summary_answer,
    "incidents": incidents_answer,
    "scheduled-maintenances": maintenances_answer,
}
STAGES = ("investigating", "identified", "monitoring", "resolved")


def make_app(cloud: Cloud) -> Starlette:
    """Return the pages, and the API by which their owners post."""
    board = Board(cloud)

    def read(request: Request) -> JSONResponse:
        page, answer = request.path_params["page"], ANSWERS.get(request.path_params["name"])
        if page not in PAGES or answer is None:
            return _error(404, "not found")
        now = datetime.now(UTC)
        url = f"{cloud.url('status')}/{page}"
        return JSONResponse(answer(page, url, board.shown(page, now), now))

    async def write(request: Request) -> JSONResponse:
        given = request.headers.get("authorization", "").removeprefix("OAuth ")
        if not hmac.compare_digest(given.encode(), cloud.token("status").encode()):
            return _error(401, "Could not authenticate")
        wanted = _wanted(await request.body())
        if request.path_params["page"] not in PAGES:
            return _error(404, "not found")
        if wanted is None:
            return _error(422, "needs an incident")
        incident = request.path_params.get("incident")
        if incident is None:
            return _post(board, request.path_params["page"], wanted)
        return _change(board, incident, wanted)

    above = "/v1/pages/{page}/incidents"
    return Starlette(
        routes=[
            Route("/{page}/api/v2/{name}.json", read, methods=["GET"]),
            Route(above, write, methods=["POST"]),
            Route(above + "/{incident}", write, methods=["PATCH"]),
        ]
    )


def _post(board: Board, page: str, wanted: Document) -> JSONResponse:
    known = {name.lower(): name for name in PAGES[page].components}
    parts = [str(part).lower() for part in wanted.get("components") or ()]
    impact = wanted.get("impact_override", "minor")
    if not wanted.get("name") or impact not in WORDS:
        return _error(422, f"an incident needs a name, and an impact of {', '.join(WORDS)}")
    if unknown := [part for part in parts if part not in known]:
        return _error(422, f"no such component: {unknown[0]}")
    made = Incident(
        page=page,
        name=str(wanted["name"]),
        impact=impact,
        components=tuple(known[part] for part in parts),
        body=str(wanted.get("body", "")),
    )
    return JSONResponse({"id": board.post(made)}, 201)


def _change(board: Board, incident: str, wanted: Document) -> JSONResponse:
    stage = wanted.get("status", "")
    if stage not in STAGES:
        return _error(422, f"status is none of {', '.join(STAGES)}")
    if not board.change(incident, stage, str(wanted.get("body", ""))):
        return _error(404, "not found")
    return JSONResponse({"id": incident, "status": stage})


def _error(status: int, says: str) -> JSONResponse:
    return JSONResponse({"error": says}, status)


def _wanted(body: bytes) -> Document | None:
    try:
        said = json.loads(body)["incident"]
    except (ValueError, KeyError, TypeError):
        return None
    return said if isinstance(said, dict) else None
