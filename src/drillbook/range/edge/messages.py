"""HTTP/1.1 messages as the edge passes them on: heads parsed as little as needed, bodies whole."""

import socket
from dataclasses import dataclass

LARGEST_HEAD_BYTES = 65536
CHUNK_BYTES = 65536
NO_BODY = (b"204", b"304")


class MalformedError(Exception):
    """What came is no HTTP/1.1."""


class TooLargeError(Exception):
    """A body is larger than the platform takes."""


@dataclass(slots=True)
class Stream:
    """A connection and what came on it beyond the message that was read."""

    connection: socket.socket
    left: bytes = b""

    def head(self) -> bytes:
        """Read up to the empty line; empty when the other end closed between two messages."""
        while (end := self.left.find(b"\r\n\r\n")) < 0:
            if len(self.left) > LARGEST_HEAD_BYTES:
                raise MalformedError
            came = self.connection.recv(CHUNK_BYTES)
            if not came:
                if self.left:
                    raise ConnectionResetError
                return b""
            self.left += came
        head, self.left = self.left[: end + 2], self.left[end + 4 :]
        return head

    def exactly(self, size: int) -> bytes:
        """Read so many bytes."""
        while len(self.left) < size:
            came = self.connection.recv(max(CHUNK_BYTES, size - len(self.left)))
            if not came:
                raise ConnectionResetError
            self.left += came
        body, self.left = self.left[:size], self.left[size:]
        return body

    def chunks(self, at_most: int) -> bytes:
        """Read a body that comes in chunks, and its trailers, which are let go."""
        body = b""
        while size := int(self._line().partition(b";")[0], 16):
            if len(body) + size > at_most:
                raise TooLargeError
            body += self.exactly(size + 2)[:-2]
        while self._line():
            pass
        return body

    def rest(self) -> bytes:
        """Read until the other end closes."""
        body, self.left = [self.left], b""
        while came := self.connection.recv(CHUNK_BYTES):
            body.append(came)
        return b"".join(body)

    def _line(self) -> bytes:
        while (end := self.left.find(b"\r\n")) < 0:
            came = self.connection.recv(CHUNK_BYTES)
            if not came:
                raise ConnectionResetError
            self.left += came
        line, self.left = self.left[:end], self.left[end + 2 :]
        return line


@dataclass(slots=True)
class Head:
    """A first line, and the header lines with their names in lower case."""

    first: bytes
    lines: list[tuple[bytes, bytes]]

    def value(self, name: bytes) -> bytes:
        """Return a header's value, stripped; empty without one."""
        for found, line in self.lines:
            if found == name:
                return line.partition(b":")[2].strip()
        return b""

    @property
    def is_success(self) -> bool:
        """Whether an answer's status is one of 200 to 299."""
        return self.first.split(b" ", 2)[1].startswith(b"2")

    def without(self, names: frozenset[bytes]) -> bytes:
        """Return the first line and the headers but these, each with its line's end."""
        kept = [self.first, *(line for name, line in self.lines if name not in names)]
        return b"\r\n".join(kept) + b"\r\n"


def parse(head: bytes) -> Head:
    """Split a head that ends with its last line's end."""
    first, *lines = head[:-2].split(b"\r\n")
    if first.count(b" ") < 1:
        raise MalformedError
    return Head(first, [(line.partition(b":")[0].strip().lower(), line) for line in lines])


def body_of(head: Head, stream: Stream, *, at_most: int) -> bytes:
    """Read a request's body."""
    if b"chunked" in head.value(b"transfer-encoding").lower():
        return stream.chunks(at_most)
    size = head.value(b"content-length")
    if not size:
        return b""
    if not size.isdigit():
        raise MalformedError
    if int(size) > at_most:
        raise TooLargeError
    return stream.exactly(int(size))


def answer_body(head: Head, stream: Stream, method: bytes) -> tuple[bytes, bool]:
    """Read an answer's body; False: the connection is used up with it."""
    status = head.first.split(b" ", 2)[1]
    if method == b"HEAD" or status in NO_BODY:
        return b"", True
    if b"chunked" in head.value(b"transfer-encoding").lower():
        return stream.chunks(1 << 40), True
    size = head.value(b"content-length")
    if size.isdigit():
        return stream.exactly(int(size)), head.value(b"connection").lower() != b"close"
    return stream.rest(), False
