"""The log: one JSON object a line."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from booking.settings import Settings

SHORT_COMMIT = 7


class Log:
    """Appends whole lines to a file, or to standard output when none is named."""

    def __init__(self, settings: Settings) -> None:
        named = settings.text("LOG_FILE")
        self._file = Path(named) if named else None
        self._lock = Lock()
        told = settings.release
        self._always = {"release": told["release"], "commit": told["commit"][:SHORT_COMMIT]}

    def info(self, message: str, **fields: Any) -> None:
        """Note what happened."""
        self.write("info", message, **fields)

    def warn(self, message: str, **fields: Any) -> None:
        """Note what somebody should look at."""
        self.write("warning", message, **fields)

    def write(self, level: str, message: str, **fields: Any) -> None:
        """Write a line."""
        line = {"timestamp": datetime.now(UTC).isoformat(), "level": level}
        text = json.dumps(line | fields | {"message": message} | self._always, default=str) + "\n"
        with self._lock:
            if self._file is None:
                sys.stdout.write(text)
                sys.stdout.flush()
                return
            with self._file.open("a", encoding="utf-8") as log:
                log.write(text)
