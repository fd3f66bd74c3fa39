"""The clients' own record: one line an event, so that no server is asked about itself."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import TextIO

READS, WRITES, LOGINS = "reads", "writes", "logins"
BEGAN, ENDED = "began", "ended"


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a request; no status: no answer came. The release is the app's own word."""

    status: int = 0
    release: str = ""
    error: str = ""


@dataclass(slots=True)
class Recorder:
    """Appends what happens; a line is whole or not there, whatever ends the process."""

    file: TextIO
    _lock: Lock = field(default_factory=Lock)
    _number: int = 0

    def session(self, what: str) -> None:
        """Note that the clients began, or ended in order."""
        with self._lock:
            self._write({"session": what, "at": _now()})

    def begin(self, kind: str, what: str) -> int:
        """Note that a request was sent; return its number."""
        with self._lock:
            self._number += 1
            number = self._number
            self._write({"n": number, "kind": kind, "what": what, "at": _now()})
        return number

    def end(self, number: int, seconds: float, answered: Answered) -> None:
        """Note the answer, or what came instead of it."""
        line: dict[str, object] = {"n": number, "s": round(seconds, 5), "ok": not answered.error}
        line |= {"error": answered.error, "status": answered.status, "release": answered.release}
        with self._lock:
            self._write(line)

    def _write(self, line: dict[str, object]) -> None:
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()


def _now() -> str:
    return datetime.now(UTC).isoformat()
