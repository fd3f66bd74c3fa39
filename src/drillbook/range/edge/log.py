"""What every request met at the edge, as the platform's request log has it."""

import os
import time
from pathlib import Path

LARGEST_BYTES = 32 * 2**20


class Log:
    """A file of one line a request; a full one is set aside, and one before it is let go."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = -1
        self._size = 0

    def write(self, deployment: str, method: str, status: str, took: float, path: str) -> None:
        """Write one line: milliseconds of the epoch, deployment, method, status, ms, path."""
        line = f"{time.time_ns() // 10**6}\t{deployment}\t{method}\t{status}\t{took}\t{path}\n"
        if self._handle < 0 or self._size > LARGEST_BYTES:
            self._open()
        self._size += os.write(self._handle, line.encode())

    def _open(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        self._handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._size = os.fstat(self._handle).st_size
