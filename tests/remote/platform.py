"""A platform that answers as it is told, and tells what it was sent."""

import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass(frozen=True, slots=True)
class Says:
    """One answer; `drop` cuts the connection once the request is read, `drip` sends for ever."""

    status: int = 200
    body: str = '{"well": true}'
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    drop: bool = False
    slow: float = 0.0
    drip: bool = False


@dataclass(slots=True)
class Platform:
    """What it will say, first first (the last one again and again), and what it heard."""

    says: list[Says] = field(default_factory=list[Says])
    heard: list[tuple[str, str, Any, str]] = field(default_factory=list[tuple[str, str, Any, str]])
    url: str = ""

    def next(self) -> Says:
        return self.says.pop(0) if len(self.says) > 1 else self.says[0]


@contextmanager
def platform() -> Iterator[Platform]:
    told = Platform()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = self.headers.get("Authorization", "")
            told.heard.append((self.command, self.path, json.loads(text or b"null"), token))
            says = told.next()
            time.sleep(says.slow)
            if says.drop:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            body = says.body.encode()
            self.send_response_only(says.status)
            for name, value in says.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(10**6 if says.drip else len(body)))
            self.end_headers()
            self.wfile.write(body)
            while says.drip:
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.05)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any  # noqa: N815 - the server's names

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing when a client has gone."""

    server = Quiet(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
