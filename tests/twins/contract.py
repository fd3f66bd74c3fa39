"""Hold every request and response of a twin against its contract, and the official one if there."""

import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from openapi_core.templating.paths.exceptions import (
    OperationNotFound,
    PathNotFound,
    PathsNotFound,
)
from openapi_core.templating.responses.exceptions import ResponseNotFound
from werkzeug.datastructures import Headers, ImmutableMultiDict

import drillbook.range.twins
from drillbook.range.twins.serving import CuttableProtocol

App = Callable[..., Awaitable[None]]
TWINS = Path(drillbook.range.twins.__file__).parent
SPECS = Path(os.environ.get("DRILLBOOK_SPECS") or Path(__file__).parents[3] / "shared" / "specs")
UNKNOWN = (PathNotFound, PathsNotFound, OperationNotFound, ResponseNotFound)


@dataclass(frozen=True)
class Sent:
    """A request as openapi-core reads it."""

    host_url: str
    path: str
    method: str
    body: bytes | None
    content_type: str
    parameters: RequestParameters


@dataclass(frozen=True)
class Answered:
    """A response as openapi-core reads it."""

    status_code: int
    headers: Headers
    content_type: str
    data: bytes | None


@dataclass
class Contract:
    """A twin's contract.json and the platform's own document; `violations` are sentences."""

    own: OpenAPI
    official: OpenAPI | None
    newer: Mapping[str, str]
    violations: list[str] = field(default_factory=list[str])
    seen: set[tuple[object, ...]] = field(default_factory=set[tuple[object, ...]])

    def see(self, sent: Sent, answered: Answered) -> None:
        """Check one exchange: always by the own contract, by the official one where it knows it."""
        words = f"{sent.method.upper()} {sent.path} → {answered.status_code}"
        exchange = (words, tuple(sent.parameters.query.items()), sent.body, answered.data)
        if exchange in self.seen:
            return  # asked again and again until something is so
        self.seen.add(exchange)
        self._check("contract.json", self.own, sent, answered, words, strict=True)
        if self.official is not None:
            path = sent.path
            for now, then in self.newer.items():
                path = then + path[len(now) :] if path.startswith(now) else path
            # Of its own: openapi-core writes the path's values into it, and keeps those it finds.
            fresh = RequestParameters(query=sent.parameters.query, header=sent.parameters.header)
            older = Sent(**{**sent.__dict__, "path": path, "parameters": fresh})
            self._check("the official document", self.official, older, answered, words)

    def _check(
        self,
        name: str,
        document: OpenAPI,
        sent: Sent,
        answered: Answered,
        words: str,
        *,
        strict: bool = False,
    ) -> None:
        checks: list[Callable[[], object]] = [lambda: document.validate_response(sent, answered)]
        # A request that the twin refuses need not be well formed.
        if answered.status_code < 400:
            checks.append(lambda: document.validate_request(sent))
        for check in checks:
            try:
                check()
            except UNKNOWN as error:
                if strict:
                    self.violations.append(f"{words}: {name} does not know it ({error})")
            except OpenAPIError as error:
                if reasons := _reasons(error):
                    self.violations.append(f"{words}: against {name}: {reasons}")

    def checked(self, app: App) -> App:
        """Return the application with every exchange checked."""

        async def serve(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            came, said = bytearray(), bytearray()
            start: dict[str, Any] = {}

            async def receiving() -> Any:
                message = await receive()
                came.extend(message.get("body", b""))
                return message

            async def sending(message: Any) -> None:
                if message["type"] == "http.response.start":
                    start.update(message)
                said.extend(message.get("body", b""))
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    self.see(_sent(scope, bytes(came)), _answered(start, bytes(said)))
                await send(message)

            await app(scope, receiving, sending)

        return serve


def load(twin: str, official: Path | str = "", newer: Mapping[str, str] | None = None) -> Contract:
    """
    Return the contract of a twin: its own file, and the official document where it is present.

    `newer` maps beginnings of paths that are newer than the official document to its own.
    """
    own = json.loads((TWINS / twin / "contract.json").read_text(encoding="utf-8"))
    path = SPECS / official if official else Path("/nowhere")
    whole = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    return Contract(_document(own), _document(whole) if whole else None, newer or {})


def _document(spec: dict[str, Any]) -> OpenAPI:
    _allow_null(spec)
    # The server is the twin here, wherever the document says the platform is.
    spec["servers"] = [{"url": "http://twin"}]
    return OpenAPI.from_dict(spec, config=Config(spec_validator_cls=None))


def _allow_null(part: Any) -> None:
    """Let a nullable value of a list be null too: GitHub's document leaves it out of the list."""
    if isinstance(part, dict):
        if part.get("nullable") and "enum" in part and None not in part["enum"]:
            part["enum"] = [*part["enum"], None]
        for inner in part.values():
            _allow_null(inner)
    elif isinstance(part, list):
        for inner in part:
            _allow_null(inner)


def _sent(scope: MutableMapping[str, Any], body: bytes) -> Sent:
    headers = Headers([(name.decode(), value.decode()) for name, value in scope["headers"]])
    query = parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
    return Sent(
        "http://twin",
        scope["path"],
        scope["method"].lower(),
        body or None,
        headers.get("content-type", "").partition(";")[0],
        RequestParameters(query=ImmutableMultiDict(query), header=headers),
    )


def _answered(start: Mapping[str, Any], body: bytes) -> Answered:
    headers = Headers([(name.decode(), value.decode()) for name, value in start["headers"]])
    kind = headers.get("content-type", "").partition(";")[0]
    return Answered(start["status"], headers, kind, body or None)


def _reasons(error: BaseException) -> str:
    found = list(getattr(error, "schema_errors", None) or ())
    if found:
        return "; ".join([reason for each in found for reason in _inner(each)][:4])
    if error.__cause__ is not None:
        return _reasons(error.__cause__)
    return f"{type(error).__name__}: {error}"[:300]


def _inner(error: Any) -> list[str]:
    """Return what is wrong; of alternatives, with the one that fits best."""
    if error.validator == "oneOf" and "is valid under each of" in error.message:
        return []  # the document's own alternatives overlap
    if not error.context:
        return [f"{'.'.join(map(str, error.absolute_path))}: {error.message[-160:]}"]
    ways: dict[object, list[Any]] = {}
    for each in error.context:
        ways.setdefault(next(iter(each.schema_path), None), []).append(each)
    return [reason for each in min(ways.values(), key=len) for reason in _inner(each)]


@contextmanager
def serve(app: App) -> Iterator[str]:
    """Serve an application on a free port; yields its URL."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        config = uvicorn.Config(
            app,
            http=CuttableProtocol,
            log_config=None,
            access_log=False,
            ws="none",
            lifespan="on",
        )
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
