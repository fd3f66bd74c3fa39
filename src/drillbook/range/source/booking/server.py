"""The HTTP server: each request is read, counted, answered and written to the log."""

import json
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from socket import socket
from threading import Timer
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from booking import __version__
from booking.desk import Customer
from booking.pool import Row
from booking.problems import (
    SERVER_ERROR,
    AwayError,
    LimitedError,
    UnauthorizedError,
    status_of,
    words_of,
)
from booking.routes import LOGIN, UNCOUNTED, App, Asked, answer
from booking.settings import MissingSettingError

LARGEST_BODY_BYTES = 65536
WARM_SECONDS = 1.5


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    app: ClassVar[App]

    def do_GET(self) -> None:
        """Answer from the query."""
        self._serve(dict(parse_qsl(urlsplit(self.path).query)))

    def do_POST(self) -> None:
        """Answer from the JSON body."""
        length = self.headers.get("Content-Length") or "0"
        size = min(int(length), LARGEST_BODY_BYTES) if length.isdecimal() else 0
        try:
            values = json.loads(self.rfile.read(size) or b"{}")
        except ValueError:
            values = None
        self._serve(values if isinstance(values, dict) else None)

    def _serve(self, values: Row | None) -> None:
        begun = time.monotonic()
        path = urlsplit(self.path).path
        asked = Asked(
            values or {},
            self.headers.get("Idempotency-Key") or "",
            self.headers.get("Authorization") or "",
        )
        headers: dict[str, str] = {}
        customer, stack = Customer(), ""
        try:
            if values is None:
                raise ValueError("the body is not a JSON object")
            self._count(path, asked, headers)
            status, content, customer = answer(self.app, self.command, path, asked)
        except Exception as error:
            status, content = status_of(error), {"error": words_of(error)}
            stack = traceback.format_exc() if status >= SERVER_ERROR else ""
        self._send(status, content, headers, begun, customer, stack)

    def _count(self, path: str, asked: Asked, headers: dict[str, str]) -> None:
        if path in UNCOUNTED:
            return
        limiter = self.app.limiter
        policy = limiter.logins if path == LOGIN else limiter.requests
        standing = limiter.count(policy, self._who(asked))
        if standing is not None:
            headers.update(standing.headers())
            if standing.exceeded:
                raise LimitedError(f"more than {policy.quota} in {policy.window_seconds} s")

    def _who(self, asked: Asked) -> str:
        if asked.authorization:
            try:
                return f"user:{self.app.tokens.customer(asked.authorization).id}"
            except (UnauthorizedError, AwayError, MissingSettingError):
                pass  # whether that matters is for the route to say
        forwarded = (self.headers.get("X-Forwarded-For") or "").partition(",")[0].strip()
        return f"address:{forwarded or self.client_address[0]}"

    def _send(
        self,
        status: int,
        content: Row,
        headers: dict[str, str],
        begun: float,
        customer: Customer,
        stack: str,
    ) -> None:
        request_id = self.headers.get("X-Request-Id") or self.headers.get("X-Vercel-Id")
        request_id = request_id or uuid4().hex
        body = json.dumps(content, default=str).encode()
        self.app.log.write(
            "error" if status >= SERVER_ERROR else "info",
            str(content.get("error", "")),
            method=self.command,
            path=urlsplit(self.path).path,
            status=status,
            milliseconds=round((time.monotonic() - begun) * 1000, 1),
            request_id=request_id,
            **({"user": customer.id} if customer.id else {}),
            **({"stack": stack} if stack else {}),
        )
        # Not send_response, which writes to standard error what the log has already.
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Request-Id", request_id)
        self.send_header("X-Release", __version__)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def serve(app: App, listening: socket) -> None:
    """Serve on a socket that listens, until the process ends."""
    Handler.app = app
    server = ThreadingHTTPServer(listening.getsockname(), Handler, bind_and_activate=False)
    server.daemon_threads = True
    # Slow to import: before the first customer signs in, and not while the first visitor waits.
    warming = Timer(WARM_SECONDS, import_module, ("joserfc.jwt",))
    warming.daemon = True
    warming.start()
    server.socket.close()
    server.socket = listening
    app.reminders.work()
    server.serve_forever()
