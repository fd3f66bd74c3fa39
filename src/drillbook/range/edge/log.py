"""What every request met at the edge; it also tells of those that no app answered."""

import os
import time
from pathlib import Path
from typing import NamedTuple

LARGEST_BYTES = 32 * 2**20


class Met(NamedTuple):
    """One request as it was met; `failure` names why the platform answered in the app's place."""

    deployment: str
    method: str
    status: str
    milliseconds: float
    request: str
    address: str
    host: str
    failure: str
    path: str


class Log:
    """A file of one line a request; a full one is set aside, and one before it is let go."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = -1
        self._size = 0

    def write(self, met: Met) -> None:
        """Write one line: the fields in their order, tabs between, the path last."""
        line = "\t".join(map(str, (time.time_ns() // 10**6, *met))) + "\n"
        if self._handle < 0 or self._size > LARGEST_BYTES:
            self._open()
        self._size += os.write(self._handle, line.encode("utf-8", "replace"))

    def _open(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        self._handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._size = os.fstat(self._handle).st_size
