"""A real app on loopback for tests: answers what the test tells it to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Received:
    method: str
    path: str
    body: bytes
    headers: dict[str, str]


Answering = Callable[[Received], tuple[int, object]]


@dataclass
class App:
    url: str
    answers: dict[str, Answering | tuple[int, object]]
    received: list[Received] = field(default_factory=list[Received])


@contextmanager
def serving(answers: dict[str, Answering | tuple[int, object]]) -> Iterator[App]:
    app = App("", answers)

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            request = Received(
                self.command, self.path, self.rfile.read(length), dict(self.headers.items())
            )
            app.received.append(request)
            given = answers.get(f"{self.command} {self.path}") or answers.get(self.path)
            status, body = given(request) if callable(given) else given or (404, "nothing here")
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            kind = "text/plain" if isinstance(body, str) else "application/json"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = do_PUT = _handle  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    app.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield app
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
