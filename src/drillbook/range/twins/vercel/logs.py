"""The API of runtime logs: what the edge wrote down of a deployment's requests, and its errors."""

import json
from pathlib import Path

from drillbook.range.cloud import ENVIRONMENTS
from drillbook.range.twins.documents import Document
from drillbook.range.twins.vercel.asking import Asked, Handler, Said
from drillbook.range.twins.vercel.records import now_ms

KEPT_MS = 3_600_000
SERVER_ERROR, CLIENT_ERROR = 500, 400
LARGEST_ERRORS_BYTES = 65536


def runtime_logs(asked: Asked) -> object:
    """Answer GET …/runtime-logs: a line of JSON each, of the last hour; then the stream ends."""
    asked.project()
    found = asked.deployment()
    lines = [
        line for environment in ENVIRONMENTS for line in _requests(asked, found["id"], environment)
    ]
    lines += _said_by_app(asked.hosting.folder(found["id"]) / "app.errors", found["url"])
    lines.sort(key=lambda line: line["timestampInMs"])
    text = "".join(json.dumps(line) + "\n" for line in lines)
    return Said(200, text=text, media_type="application/stream+json")


def _requests(asked: Asked, deployment: str, environment: str) -> list[Document]:
    path = asked.hosting.cloud.environment(environment) / "edge.log"
    since, lines = now_ms() - KEPT_MS, []
    for file in (path.with_name(f"{path.name}.1"), path):
        if not file.exists():
            continue
        for number, text in enumerate(file.read_text(encoding="utf-8").splitlines()):
            at, mine, method, status, _, asked_path = text.split("\t", 5)
            if mine == deployment and int(at) >= since:
                line = _line(at, number, asked.hosting.host(environment))
                line |= {"source": "request", "level": _level(int(status)), "message": ""}
                line |= {"requestMethod": method, "requestPath": asked_path}
                lines.append(line | {"responseStatusCode": int(status)})
    return lines


def _said_by_app(path: Path, host: str) -> list[Document]:
    if not path.exists():
        return []
    at = int(path.stat().st_mtime * 1000)
    text = path.read_bytes()[-LARGEST_ERRORS_BYTES:].decode("utf-8", "replace")
    return [
        _line(str(at), number, host)
        | {"source": "serverless", "level": "error", "message": said}
        | {"requestMethod": "", "requestPath": "", "responseStatusCode": 0}
        for number, said in enumerate(text.splitlines())
    ]


def _line(at: str, number: int, host: str) -> Document:
    return {
        "rowId": f"{at}{number:08}",
        "timestampInMs": int(at),
        "domain": host,
        "messageTruncated": False,
    }


def _level(status: int) -> str:
    if status >= SERVER_ERROR:
        return "error"
    return "warning" if status >= CLIENT_ERROR else "info"


ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/v1/projects/{project}/deployments/{deployment}/runtime-logs", runtime_logs),
)
