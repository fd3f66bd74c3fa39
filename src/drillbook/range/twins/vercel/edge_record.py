"""The edge's record of the last hour, read on from where the last look ended."""

import os
from bisect import bisect_left
from dataclasses import dataclass, field
from heapq import heappush, heappushpop
from pathlib import Path
from threading import Lock
from typing import NamedTuple

KEPT_MS = 3_600_000
# A request is told of when it has ended; the slowest began so long before.
LONGEST_MS = 60_000
FIELDS = 10


class Entry(NamedTuple):
    """One request: when it began and ended, and how it went."""

    began_ms: int
    ended_ms: int
    deployment: str
    method: str
    status: int
    milliseconds: float
    request: str
    address: str
    host: str
    failure: str
    path: str


@dataclass
class EdgeRecord:
    """One environment's record; safe to share by threads."""

    path: Path
    _entries: list[Entry] = field(default_factory=list[Entry])
    _inode: int = 0
    _at: int = 0
    _lock: Lock = field(default_factory=Lock)

    def newest(self, start_ms: int, end_ms: int, at_most: int, deployment: str = "") -> list[Entry]:
        """Return so many of the requests that began in a time, newest first."""
        with self._lock:
            self._read_on()
            # Kept in the order of their ends, and none began after it ended.
            place = bisect_left(self._entries, end_ms + LONGEST_MS, key=_ended)
            heap: list[tuple[int, int]] = []
            for number in range(place - 1, -1, -1):
                one = self._entries[number]
                full = len(heap) >= at_most
                if one.ended_ms < start_ms or (full and one.ended_ms < heap[0][0]):
                    break
                if start_ms <= one.began_ms < end_ms and deployment in {"", one.deployment}:
                    (heappushpop if full else heappush)(heap, (one.began_ms, number))
            return [self._entries[number] for _, number in sorted(heap, reverse=True)]

    def _read_on(self) -> None:
        try:
            with self.path.open("rb") as file:
                found = os.fstat(file.fileno())
                if found.st_ino != self._inode:
                    self._take_rotated()
                    self._inode, self._at = found.st_ino, 0
                file.seek(self._at)
                self._take(file.read())
        except FileNotFoundError:
            return
        self._forget()

    def _take_rotated(self) -> None:
        """Read the rest of the file that was set aside, if it is the one read so far."""
        aside = self.path.with_name(f"{self.path.name}.1")
        try:
            with aside.open("rb") as file:
                if self._inode in {0, os.fstat(file.fileno()).st_ino}:
                    file.seek(self._at)
                    self._take(file.read())
        except FileNotFoundError:
            return

    def _take(self, came: bytes) -> None:
        whole = came[: came.rfind(b"\n") + 1]
        self._at += len(whole)
        for text in whole.decode("utf-8", "replace").splitlines():
            parts = text.split("\t", FIELDS - 1)
            if len(parts) == FIELDS:
                self._entries.append(_entry(parts))

    def _forget(self) -> None:
        if self._entries:
            oldest = self._entries[-1].ended_ms - KEPT_MS - LONGEST_MS
            del self._entries[: bisect_left(self._entries, oldest, key=_ended)]


def _ended(one: Entry) -> int:
    return one.ended_ms


def _entry(parts: list[str]) -> Entry:
    ended, deployment, method, status, took, *rest = parts
    milliseconds = float(took)
    return Entry(
        int(ended) - round(milliseconds), int(ended), deployment, method, int(status),
        milliseconds, *rest,
    )  # fmt: skip
