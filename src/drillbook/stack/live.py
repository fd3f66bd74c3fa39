"""The stack as it is now: read again when its file changes, for workers that live long."""

from pathlib import Path
from threading import Lock
from typing import TypeVar

from drillbook.stack.stack import Stack, load_stack

T = TypeVar("T")
Stamp = tuple[int, int, int]


class LiveStack:
    """Providers by the newest stack.toml; what a run may act on is still fixed by its plan."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = Lock()
        self._stack, self._stamp = self._read()

    def port(self, environment: str, port: type[T]) -> T:
        """Return the provider, or SettingsInvalid when the environment has none."""
        return self._now().port(environment, port)

    def digest(self, environment: str) -> str:
        """Return the digest of an environment's settings now, '' when there is none."""
        facts = self._now().facts().environments.get(environment)
        return facts.digest if facts else ""

    def _now(self) -> Stack:
        with self._lock:
            if _stamp(self._stack) != self._stamp:
                self._stack, self._stamp = self._read()
            return self._stack

    def _read(self) -> tuple[Stack, Stamp]:
        stack = load_stack(self._path)
        return stack, _stamp(stack)


def _stamp(stack: Stack) -> Stamp:
    if stack.path is None or not stack.path.exists():
        return (0, 0, 0)
    found = stack.path.stat()
    return (found.st_mtime_ns, found.st_size, found.st_ino)
