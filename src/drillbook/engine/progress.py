"""How far the tasks under way are: a small file a task, for whoever watches on this machine."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident
from time import monotonic

EVERY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress is not history: it is not sealed, and the latest is enough."""

    folder: Path

    def of(self, run: str, task: str) -> Callable[[str, float | None], None]:
        """Return the function an action calls with words and a fraction done (None: unknown)."""
        last = 0.0

        def show(says: str, fraction: float | None) -> None:
            nonlocal last
            now = monotonic()
            if now - last < EVERY_SECONDS and fraction != 1.0:
                return
            last = now
            self._write(run, task, says, fraction)

        return show

    def now(self, run: str) -> tuple[str, str, float | None] | None:
        """Return task, words and fraction of what the run is doing, if it has said so."""
        with suppress(FileNotFoundError, ValueError):
            told = json.loads((self.folder / f"{run}.json").read_text(encoding="utf-8"))
            return told["task"], told["says"], told["fraction"]
        return None

    def _write(self, run: str, task: str, says: str, fraction: float | None) -> None:
        path = self.folder / f"{run}.json"
        beside = path.with_suffix(f".{os.getpid()}-{get_ident()}")
        told = {"task": task, "says": says, "fraction": fraction}
        with suppress(OSError):  # a full disk must not end a write in the middle
            self.folder.mkdir(mode=0o700, exist_ok=True)
            beside.write_text(json.dumps(told), encoding="utf-8")
            beside.replace(path)
