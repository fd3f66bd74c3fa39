"""A real S3 server on a folder (rclone), and a front that holds conditions as AWS does."""

import os
import signal
import subprocess
import sysconfig
import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Self

from drillbook.core.secret import Secret
from drillbook.local.sockets import free_port
from drillbook.providers.postgres.storage.s3 import Bucket

if TYPE_CHECKING:
    from collections.abc import Callable

ACCESS_KEY, SECRET_KEY = "drillbook-test", "canary-s3-secret/+x"
RCLONE = Path(sysconfig.get_path("scripts")) / "rclone"


class S3Server:
    """`rclone serve s3` on a folder; buckets are the folders in it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "buckets"
        self.root.mkdir(parents=True)
        (self.root / "backups").mkdir()
        self.port = free_port()
        self._process: subprocess.Popen[str] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        self._process = subprocess.Popen(
            [RCLONE, "serve", "s3", f"--addr=127.0.0.1:{self.port}", self.root],
            env={
                "HOME": str(self.root),
                "RCLONE_CONFIG": os.devnull,
                "RCLONE_AUTH_KEY": f'"{ACCESS_KEY},{SECRET_KEY}"',
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if "Starting s3 server" in line:
                break
        threading.Thread(target=self._process.stderr.read, daemon=True).start()
        return self

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


class Front:
    """
    Hands requests on to the server, and refuses a second object as S3 does.

    `meddle` may answer instead: it gets method and path and returns a status and a body.
    """

    def __init__(self, server: S3Server) -> None:
        self.server = server
        self.meddle: Callable[[str, str], tuple[int, str] | None] = lambda _method, _path: None
        self.lists = 0
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, request: BaseHTTPRequestHandler) -> tuple[int, list[tuple[str, str]], bytes]:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        self.lists += "list-type" in request.path
        if (instead := self.meddle(request.command, request.path)) is not None:
            return instead[0], [], instead[1].encode()
        if request.headers.get("If-None-Match") != "*":
            return self._handed_on(request, body)
        with self._lock:
            if (self.server.root / request.path.lstrip("/")).exists():
                return 412, [], b"<Error><Code>PreconditionFailed</Code></Error>"
            return self._handed_on(request, body)

    def _handed_on(
        self, request: BaseHTTPRequestHandler, body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = HTTPConnection("127.0.0.1", self.server.port)
        try:
            connection.putrequest(
                request.command, request.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in request.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


def _handler(front: Front) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = front.answer(self)
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                    self.send_header(name, value)
            length = dict(headers).get("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_PUT = do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815 - the server's own names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def bucket(endpoint: str, *, prefix: str = "", name: str = "backups", secret: str = "") -> Bucket:
    """A bucket of the server, entered with the variables `conftest` sets."""
    return Bucket(
        name=name,
        prefix=prefix,
        region="us-east-1",
        access_key=Secret(ref="env:TEST_S3_ACCESS"),
        secret_key=Secret(ref=secret or "env:TEST_S3_SECRET"),
        endpoint=endpoint,
    )
