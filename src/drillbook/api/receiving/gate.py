"""What lets a request in: its size, how many are under way, and how many lines come a second."""

import time
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from threading import Lock

from drillbook.api.receiving.refusing import TurnedAwayError

LARGEST_BODY_BYTES = 8 * 2**20
LARGEST_UNPACKED_BYTES = 32 * 2**20
MOST_AT_ONCE = 8
MOST_LINES_A_SECOND = 20_000.0
BURST_SECONDS = 10.0
GZIP_WINDOW = 31  # zlib's word for gzip's frame
ENCODINGS = "identity or gzip"


@dataclass(slots=True)
class Pace:
    """How many lines may come: a bucket that fills evenly; what is taken may leave it in debt."""

    lines_a_second: float = MOST_LINES_A_SECOND
    _left: float = field(init=False)
    _at: float = field(init=False)
    _lock: Lock = field(init=False, default_factory=Lock)

    def __post_init__(self) -> None:
        self._left, self._at = self.lines_a_second * BURST_SECONDS, time.monotonic()

    def ask(self) -> None:
        """Raise while the bucket is in debt; whoever sends then waits and sends the same again."""
        with self._lock:
            self._fill()
            owed = -self._left
        if owed >= 0:
            seconds = max(1, round(owed / self.lines_a_second + 0.5))
            raise TurnedAwayError(
                429,
                f"more than {self.lines_a_second:g} lines a second come; wait {seconds} s",
                wait_seconds=seconds,
            )

    def take(self, lines: int) -> None:
        """Count lines that came."""
        with self._lock:
            self._fill()
            self._left -= lines

    def _fill(self) -> None:
        now = time.monotonic()
        filled = self._left + (now - self._at) * self.lines_a_second
        self._left, self._at = min(self.lines_a_second * BURST_SECONDS, filled), now


async def whole_body(chunks: AsyncIterator[bytes], encoding: str) -> bytes:
    """Return a body unpacked, or TurnedAwayError for one too large or packed otherwise."""
    encoding = encoding.strip().lower() or "identity"
    if encoding not in {"identity", "gzip"}:
        raise TurnedAwayError(415, f"Content-Encoding {encoding!r} is not known: send {ENCODINGS}")
    came = bytearray()
    async for chunk in chunks:
        came += chunk
        if len(came) > LARGEST_BODY_BYTES:
            raise TurnedAwayError(413, f"the body is larger than {LARGEST_BODY_BYTES >> 20} MiB")
    return unpacked(bytes(came)) if encoding == "gzip" else bytes(came)


def unpacked(body: bytes) -> bytes:
    """Return what gzip packed, and no more than is taken: a small body may hold gigabytes."""
    unpacking = zlib.decompressobj(GZIP_WINDOW)
    try:
        out = unpacking.decompress(body, LARGEST_UNPACKED_BYTES)
    except zlib.error as error:
        raise TurnedAwayError(400, "the body is not packed with gzip, as it says") from error
    if unpacking.unconsumed_tail or not unpacking.eof:
        if len(out) < LARGEST_UNPACKED_BYTES:
            raise TurnedAwayError(400, "the packed body ends too early")
        raise TurnedAwayError(
            413, f"the body is larger than {LARGEST_UNPACKED_BYTES >> 20} MiB unpacked"
        )
    return out
