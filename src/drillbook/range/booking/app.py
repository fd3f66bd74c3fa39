"""The booking app: a small HTTP server of its own, honest about its database."""

import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import psycopg
from psycopg import errors

from drillbook.range.booking.desk import Desk, Nothing, Row, Wish

LARGEST_BODY_BYTES = 65536
Work = Callable[[], Row]
SOMEBODY = "customer5@example.com"
# The first kind that fits counts.
STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (Nothing, 404),
    (errors.NoDataFound, 404),
    (ValueError, 400),
    (errors.DataError, 400),
    (errors.ExclusionViolation, 409),
    (errors.InsufficientPrivilege, 403),
    (psycopg.OperationalError, 503),
    (psycopg.Error, 500),
)
_CANCEL = re.compile(r"/api/bookings/([^/]+)/cancel")


class Asked:
    """What a request says: its query or its JSON body, as text values."""

    def __init__(self, values: dict[str, Any], key: str = "") -> None:  # Any: JSON from outside
        self._values = values
        self._key = key

    def text(self, name: str, default: str = "") -> str:
        """Return a value as text."""
        return str(self._values.get(name) or default)

    def wish(self, email: str) -> Wish:
        """Return what is to be booked; ValueError when the slot is no number."""
        slot = self._values.get("slot_id")
        if not isinstance(slot, int | str | None):
            raise ValueError("slot_id is not a number")  # noqa: TRY004 - as int() would raise
        number = None if slot is None else int(slot)
        return Wish(email=email, slot=number, note=self.text("note"), key=self._key)


def answer(desk: Desk, method: str, path: str, asked: Asked) -> tuple[int, Row]:
    """Answer a request with a status and what goes into the body."""
    email = asked.text("email", SOMEBODY)
    cancelled = _CANCEL.fullmatch(path)
    routes: dict[tuple[str, str], tuple[int, Work]] = {
        ("GET", "/api/health"): (200, desk.health),
        ("GET", "/api/slots"): (200, desk.slots),
        ("GET", "/api/bookings"): (200, partial(desk.bookings, email)),
        # Changes nothing, so it may be a GET: the booking is made and taken back.
        ("GET", "/api/bookings/try"): (200, lambda: desk.attempt(asked.wish(email))),
        ("POST", "/api/bookings"): (201, lambda: desk.book(asked.wish(email))),
    }
    if method == "POST" and cancelled:
        return 200, desk.cancel(email, cancelled[1])
    if (method, path) not in routes:
        return 404, {"error": f"there is no {method} {path}"}
    status, work = routes[method, path]
    return status, work()


def answer_or_error(desk: Desk, method: str, path: str, asked: Asked) -> tuple[int, Row]:
    """Answer a request; what goes wrong becomes the status that means it."""
    try:
        return answer(desk, method, path, asked)
    except (psycopg.Error, Nothing, ValueError) as error:
        status = next(status for kind, status in STATUSES if isinstance(error, kind))
        words = str(error).strip().splitlines()
        return status, {"error": words[0] if words else type(error).__name__}


class Handler(BaseHTTPRequestHandler):
    """One request: read, answered, written to the log."""

    protocol_version = "HTTP/1.1"
    desk: ClassVar[Desk]
    log_file: ClassVar[Path]
    log_lock: ClassVar[Lock] = Lock()

    def do_GET(self) -> None:
        """Answer from the query."""
        self._serve(Asked(dict(parse_qsl(urlsplit(self.path).query))))

    def do_POST(self) -> None:
        """Answer from the JSON body."""
        size = min(int(self.headers.get("Content-Length") or 0), LARGEST_BODY_BYTES)
        try:
            values = json.loads(self.rfile.read(size) or b"{}")
        except ValueError:
            values = None
        if isinstance(values, dict):
            self._serve(Asked(values, self.headers.get("Idempotency-Key") or ""))
        else:
            self._send(400, {"error": "the body is not a JSON object"}, time.monotonic())

    def _serve(self, asked: Asked) -> None:
        begun = time.monotonic()
        path = urlsplit(self.path).path
        self._send(*answer_or_error(self.desk, self.command, path, asked), begun)

    def _send(self, status: int, content: Row, begun: float) -> None:
        body = json.dumps(content, default=str).encode()
        self._write_log(status, content, begun)
        # Not send_response, which writes to standard error what the log file has already.
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _write_log(self, status: int, content: Row, begun: float) -> None:
        line = {
            "timestamp": datetime.now(UTC).isoformat(),
            "level": "error" if status >= 500 else "info",  # noqa: PLR2004 - HTTP's server errors
            "method": self.command,
            "path": urlsplit(self.path).path,
            "status": status,
            "milliseconds": round((time.monotonic() - begun) * 1000, 1),
            "message": content.get("error", ""),
        }
        with self.log_lock, self.log_file.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")


def main() -> None:
    """Serve on the socket the starter handed over: `app serve FOLDER HANDLE [tied]`."""
    folder, handle = Path(sys.argv[2]), int(sys.argv[3])
    Handler.desk = Desk(folder / "app-database.url")
    Handler.log_file = folder / "app.log"
    listening = socket.socket(fileno=handle)
    server = ThreadingHTTPServer(listening.getsockname(), Handler, bind_and_activate=False)
    server.daemon_threads = True
    server.socket.close()
    server.socket = listening
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if "tied" in sys.argv:
        Thread(target=_end_with_starter, daemon=True).start()
    server.serve_forever()


def _end_with_starter() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
