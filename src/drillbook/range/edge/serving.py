"""Run the edge: `python -m drillbook.range.edge.serving RANGE production=3 staging=4 [tied]`."""

import os
import secrets
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread

from drillbook.core.errors import DrillbookError
from drillbook.range.edge.functions import Functions
from drillbook.range.edge.guarding import guarded
from drillbook.range.edge.log import Log, Met
from drillbook.range.edge.messages import (
    CHUNK_BYTES,
    Head,
    MalformedError,
    Stream,
    TooLargeError,
    answer_body,
    body_of,
    parse,
)
from drillbook.range.edge.routes import Routes
from drillbook.range.hosting.app_process import end_frozen
from drillbook.range.hosting.firewall import Firewall

IDLE_SECONDS = 75.0
LINGER_SECONDS = 2.0
LARGEST_BODY_BYTES = 4_500_000
OURS_IN_ANSWER = frozenset((b"connection", b"keep-alive", b"transfer-encoding", b"content-length"))
OURS_IN_REQUEST = OURS_IN_ANSWER | {b"expect", b"x-forwarded-for", b"x-vercel-id"}
WITH_BODY = (b"POST", b"PUT", b"PATCH")
FAILURES = {
    b"NOT_FOUND": (b"404 Not Found", b"DEPLOYMENT_NOT_FOUND"),
    b"MALFORMED": (b"400 Bad Request", b"INVALID_REQUEST_METHOD"),
    b"TOO_LARGE": (b"413 Payload Too Large", b"FUNCTION_PAYLOAD_TOO_LARGE"),
    b"FAILED": (b"500 Internal Server Error", b"FUNCTION_INVOCATION_FAILED"),
    b"NO_ANSWER": (b"502 Bad Gateway", b"NO_RESPONSE_FROM_FUNCTION"),
    b"TOO_LONG": (b"504 Gateway Timeout", b"FUNCTION_INVOCATION_TIMEOUT"),
}


class Edge:
    """One environment's edge: a thread a connection, each request passed on whole."""

    def __init__(self, routes: Routes, functions: Functions, log: Log, firewall: Firewall) -> None:
        self.firewall = firewall
        self.routes = routes
        self.functions = functions
        self.log = log

    def serve(self, listening: socket.socket) -> None:
        """Take connections for ever."""
        while True:
            try:
                connection, address = listening.accept()
            except OSError:
                time.sleep(0.05)  # no handles left: some will end
                continue
            Thread(target=self._converse, args=(connection, address[0]), daemon=True).start()

    def _converse(self, connection: socket.socket, address: str) -> None:
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(IDLE_SECONDS)
            stream = Stream(connection)
            try:
                while self._one_request(stream, address.encode()):
                    pass
                _linger(connection)
            except (ValueError, MalformedError):
                head, body = _failure(b"MALFORMED", b"-")
                with suppress(OSError):
                    connection.sendall(head + b"connection: close\r\n\r\n" + body)
            except OSError:
                return  # it has gone

    def _one_request(self, stream: Stream, address: bytes) -> bool:
        came = stream.head()
        if not came:
            return False
        begun = time.monotonic()
        head = parse(came)
        method, target, version = head.first.split(b" ", 2)
        mitigated = guarded(self.firewall, head, target, address)
        if mitigated:
            stream.connection.sendall(mitigated)
            return False  # nothing of it reaches an app, or the record of its requests
        if head.value(b"expect"):
            stream.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        request_id = b"fra1::%s" % secrets.token_hex(8).encode()
        keeps = version != b"HTTP/1.0" and head.value(b"connection").lower() != b"close"
        deployment, cookie = self._choose(head, target)
        failure = b""
        try:
            body = body_of(head, stream, at_most=LARGEST_BODY_BYTES)
            asked = _asked(head, address, request_id, body)
            answer = self._answer(deployment, method, asked, has_body=bool(body))
        except _FailureError as error:
            failure = error.name
            answer = _failure(failure, request_id)
        except TooLargeError:
            failure = b"TOO_LARGE"
            answer, keeps = _failure(failure, request_id), False
        said = b"x-vercel-id: %s\r\n" % request_id
        if cookie:
            said += b"set-cookie: %s\r\n" % cookie
        if not keeps:
            said += b"connection: close\r\n"
        try:
            stream.connection.sendall(answer[0] + said + b"\r\n" + answer[1])
        finally:  # who did not wait for the answer is told of as well
            took = round((time.monotonic() - begun) * 1000, 1)
            self.log.write(_met(head, deployment, answer[0], took, request_id, address, failure))
        return keeps

    def _choose(self, head: Head, target: bytes) -> tuple[str, bytes]:
        host = head.value(b"host").lower()
        named = self.routes.named(host)
        if named:
            self.functions.note_use(named)
            return named, b""
        return self.routes.choose(target, head.value(b"cookie"))

    def _answer(
        self, deployment: str, method: bytes, asked: bytes, *, has_body: bool
    ) -> tuple[bytes, bytes]:
        if not deployment:
            raise _FailureError(b"NOT_FOUND")
        try:
            app = self.functions.connection(deployment)
        except (DrillbookError, OSError) as error:
            raise _FailureError(b"FAILED") from error
        try:
            app.connection.sendall(asked)
            came = app.head()
            if not came:
                raise ConnectionResetError
            head = parse(came)
            body, keeps = answer_body(head, app, method)
        except TimeoutError as error:
            app.connection.close()
            raise _FailureError(b"TOO_LONG") from error
        except (OSError, ValueError, MalformedError) as error:
            app.connection.close()
            raise _FailureError(b"NO_ANSWER") from error
        # An app that refuses may leave the body unread: the next user's request would follow it.
        if keeps and (not has_body or (method in WITH_BODY and head.is_success)):
            self.functions.give_back(deployment, app)
        else:
            app.connection.close()
        # The answer to HEAD tells the length of a body that does not come.
        size = head.value(b"content-length") if method == b"HEAD" else b"%d" % len(body)
        return head.without(OURS_IN_ANSWER) + b"content-length: %s\r\n" % (size or b"0"), body


class _FailureError(Exception):
    """The platform answers in the app's place."""

    def __init__(self, name: bytes) -> None:
        super().__init__(name)
        self.name = name


def _met(
    head: Head,
    deployment: str,
    answer: bytes,
    took: float,
    request_id: bytes,
    address: bytes,
    failure: bytes,
) -> Met:
    method, target, _ = (word.decode("utf-8", "replace") for word in head.first.split(b" ", 2))
    host = head.value(b"host").decode("latin-1").lower()
    code = FAILURES[failure][1].decode() if failure else ""
    return Met(
        deployment, method, answer[9:12].decode(), took, request_id.decode(), address.decode(),
        host, code, target.partition("?")[0],
    )  # fmt: skip


def _linger(connection: socket.socket) -> None:
    """Take what the client still sends: closing over it would cost it our answer."""
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(LINGER_SECONDS)
    while connection.recv(CHUNK_BYTES):
        pass


def _asked(head: Head, address: bytes, request_id: bytes, body: bytes) -> bytes:
    ours = b"x-forwarded-for: %s\r\nx-vercel-id: %s\r\ncontent-length: %d\r\n\r\n"
    return head.without(OURS_IN_REQUEST) + ours % (address, request_id, len(body)) + body


def _failure(name: bytes, request_id: bytes) -> tuple[bytes, bytes]:
    status, code = FAILURES[name]
    body = b"An error occurred with your deployment\n\n%s\n\n%s\n" % (code, request_id)
    head = (
        b"HTTP/1.1 %s\r\ncontent-type: text/plain; charset=utf-8\r\n"
        b"x-vercel-error: %s\r\ncontent-length: %d\r\n"
    )
    return head % (status, code, len(body)), body


def main(words: list[str]) -> None:
    """Serve every environment that was handed a listening socket."""
    folder, tied = Path(words[0]), "tied" in words
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    deployments = folder / "cloud" / "deployments"
    functions, firewall = Functions(deployments, tied=tied), Firewall(folder / "cloud")
    for word in words[1:]:
        name, _, handle = word.partition("=")
        if handle:
            environment = folder / name
            routes = Routes(environment, deployments / "hosts")
            edge = Edge(routes, functions, Log(environment / "edge.log"), firewall)
            listening = socket.socket(fileno=int(handle))
            Thread(target=edge.serve, args=(listening,), daemon=True).start()
    if tied:
        sys.stdin.read()
        end_frozen(deployments)
        os._exit(0)
    while True:
        signal.pause()


if __name__ == "__main__":
    main(sys.argv[1:])
