"""The APIs of runtime logs: what the edge wrote down of requests, and what the apps said."""

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from drillbook.range.cloud import ENVIRONMENTS
from drillbook.range.twins.documents import Document
from drillbook.range.twins.vercel.asking import Asked, Handler, Said
from drillbook.range.twins.vercel.edge_record import KEPT_MS, EdgeRecord, Entry
from drillbook.range.twins.vercel.records import Hosting, now_ms
from drillbook.range.twins.vercel.shapes import REGION

SERVER_ERROR, CLIENT_ERROR = 500, 400
LARGEST_ERRORS_BYTES = 65536
A_PAGE = 50  # as the platform's; it lets nobody ask for more
MOST_SAID = 30
MOST_LINES = 100_000
TARGETS = {"production": ("production",), "preview": ("staging",)}
# What the platform says of a function that did not answer.
WORDS = {
    "FUNCTION_INVOCATION_TIMEOUT": "Vercel Runtime Timeout Error: Task timed out after 15 seconds",
    "NO_RESPONSE_FROM_FUNCTION": "The function ended its connection without an answer",
    "FUNCTION_INVOCATION_FAILED": "The function could not be started, or ended while it answered",
    "DEPLOYMENT_NOT_FOUND": "No deployment is assigned to this host",
}


def runtime_logs(asked: Asked) -> object:
    """Answer GET …/runtime-logs: a line of JSON each, of the last hour; then the stream ends."""
    asked.project()
    found = asked.deployment()
    since = now_ms() - KEPT_MS
    lines = [
        _line(one, asked.hosting.host(environment))
        for environment in ENVIRONMENTS
        for one in _record(_edge_log(asked.hosting, environment)).newest(
            since, now_ms() + 1, MOST_LINES, found["id"]
        )
    ]
    lines += _said_by_app(asked.hosting.folder(found["id"]) / "app.errors", found["url"])
    lines.sort(key=lambda line: line["timestampInMs"])
    text = "".join(json.dumps(line) + "\n" for line in lines)
    return Said(200, text=text, media_type="application/stream+json")


def request_logs(asked: Asked) -> object:
    """
    Answer GET /api/logs/request-logs: a page of requests, newest first; older ones by `endDate`.

    Not in the official document: it is what the official client asks, and what it understands.
    """
    asked.query.setdefault("teamId", asked.query.get("ownerId", ""))
    asked.project()
    start = max(asked.number("startDate", 0), now_ms() - KEPT_MS)
    end = asked.number("endDate", now_ms())
    # Without an environment, those of all.
    named = TARGETS.get(asked.query.get("environment", ""), ENVIRONMENTS)
    wanted, rows = asked.query.get("deploymentId", ""), list[Document]()
    for environment in named:
        host, said = asked.hosting.host(environment), dict[str, list[Document]]()
        record = _record(_edge_log(asked.hosting, environment))
        found = record.newest(start, end, A_PAGE + 1, wanted)
        rows += [_row(one, asked.hosting, environment, host, said) for one in found]
    rows.sort(key=lambda row: row["timestamp"], reverse=True)
    return {"rows": rows[:A_PAGE], "hasMoreRows": len(rows) > A_PAGE}


@cache
def _record(path: Path) -> EdgeRecord:
    return EdgeRecord(path)


def _edge_log(hosting: Hosting, environment: str) -> Path:
    return hosting.cloud.environment(environment) / "edge.log"


def _line(one: Entry, host: str) -> Document:
    return _shared(one.began_ms, one.request, host) | {
        "source": "request",
        "level": _level(one.status),
        "message": "",
        "requestMethod": one.method,
        "requestPath": one.path,
        "responseStatusCode": one.status,
    }


def _row(
    one: Entry, hosting: Hosting, environment: str, host: str, said: dict[str, list[Document]]
) -> Document:
    logs = list[Document]()
    if one.failure:
        level = "fatal" if one.status >= SERVER_ERROR else "warning"
        logs.append(_log(level, WORDS.get(one.failure, one.failure)))
        if one.deployment and one.deployment not in said:
            said[one.deployment] = _last_words(hosting.folder(one.deployment) / "app.errors")
        logs += said.get(one.deployment, [])
    return {
        "requestId": one.request,
        "timestamp": _iso(one.began_ms),
        "deploymentId": one.deployment,
        "requestMethod": one.method,
        "requestPath": one.path,
        "route": one.path,
        "statusCode": one.status,
        "environment": "production" if environment == "production" else "preview",
        "domain": one.host if one.host.endswith(".vercel.app") else host,
        "clientIp": one.address,
        "cache": "MISS",
        "logs": logs,
        "events": [{"source": "serverless", "region": REGION, "durationMs": one.milliseconds}],
        "proxyEvents": [{"region": REGION}],
    }


def _log(level: str, message: str) -> Document:
    return {"level": level, "message": message, "messageTruncated": False}


def _last_words(path: Path) -> list[Document]:
    """Return what an app wrote to standard error last: its process may have ended with it."""
    try:
        text = path.read_bytes()[-LARGEST_ERRORS_BYTES:].decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    lines = text.splitlines()[-MOST_SAID:]
    return [_log("error", "\n".join(lines))] if lines else []


def _said_by_app(path: Path, host: str) -> list[Document]:
    if not path.exists():
        return []
    at = int(path.stat().st_mtime * 1000)
    text = path.read_bytes()[-LARGEST_ERRORS_BYTES:].decode("utf-8", "replace")
    return [
        _shared(at, f"{at}{number:08}", host)
        | {"source": "serverless", "level": "error", "message": said}
        | {"requestMethod": "", "requestPath": "", "responseStatusCode": 0}
        for number, said in enumerate(text.splitlines())
    ]


def _shared(at: int, row: str, host: str) -> Document:
    return {"rowId": row, "timestampInMs": at, "domain": host, "messageTruncated": False}


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")


def _level(status: int) -> str:
    if status >= SERVER_ERROR:
        return "error"
    return "warning" if status >= CLIENT_ERROR else "info"


ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/v1/projects/{project}/deployments/{deployment}/runtime-logs", runtime_logs),
    ("GET", "/api/logs/request-logs", request_logs),
)
