"""The little of Valkey's protocol that counting needs: one command, one answer, one connection."""

import socket
from threading import Lock
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from booking.problems import AwayError

SECONDS = 0.25
PORT = 6379

Answer = int | str | None | list["Answer"]


class Valkey:
    """A connection that is made when it is needed, and anew after it broke."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._lock = Lock()
        self._connection: socket.socket | None = None
        self._reader: BinaryIO | None = None

    def run(self, *words: str) -> Answer:
        """Carry out a command; AwayError when Valkey does not answer or refuses."""
        with self._lock:
            try:
                return self._send(words)
            except (OSError, ValueError) as error:
                self._close()
                raise AwayError(f"Valkey does not answer: {error}") from error

    def _send(self, words: tuple[str, ...]) -> Answer:
        if self._connection is None:
            self._open()
        return self._exchange(words)

    def _open(self) -> None:
        address = (self._url.hostname or "127.0.0.1", self._url.port or PORT)
        self._connection = socket.create_connection(address, SECONDS)
        self._reader = self._connection.makefile("rb")
        if self._url.password:
            user = unquote(self._url.username or "default")
            self._exchange(("AUTH", user, unquote(self._url.password)))

    def _exchange(self, words: tuple[str, ...]) -> Answer:
        if self._connection is None:
            raise OSError("no connection")
        parts = [f"*{len(words)}\r\n".encode()]
        for word in map(str.encode, words):
            parts.append(b"$%d\r\n%b\r\n" % (len(word), word))
        self._connection.sendall(b"".join(parts))
        return self._answer()

    def _answer(self) -> Answer:
        line = self._reader.readline() if self._reader else b""
        if not line.endswith(b"\r\n"):
            raise OSError("the connection was closed")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise OSError(rest.decode(errors="replace"))
        if kind == b":":
            return int(rest)
        if kind == b"*":
            return [self._answer() for _ in range(int(rest))]
        if kind != b"$":
            return rest.decode()
        if int(rest) < 0 or self._reader is None:
            return None
        return self._reader.read(int(rest) + 2)[:-2].decode()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._reader = None
