"""The fleet of a SQLite store: workers of one machine, each holding a lock on a file of its own."""

import fcntl
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import IO

from drillbook.core.process_identity import ProcessIdentity, identify, send_signal
from drillbook.engine.fleet import Watched, fence, new_executor, stand_still


class FileFleet:
    """Membership by `flock`: the kernel gives the lock back when the process is gone."""

    def __init__(self, home: Path) -> None:
        self.executor = new_executor()
        self._folder = home / "workers"
        self._effects = home / "effects"
        self._path = self._folder / f"{self.executor}.lock"
        self._held: IO[str] | None = None
        self._taken: dict[str, IO[str]] = {}
        self._watched = Watched()

    def join(self) -> None:
        """Create this worker's file and lock it."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        unseen = self._path.with_suffix(".new")
        self._held = unseen.open("w", encoding="utf-8")
        fcntl.flock(self._held, fcntl.LOCK_EX)
        me = identify(os.getpid())
        json.dump({"pid": os.getpid(), "started": me.started if me else 0}, self._held)
        self._held.flush()
        unseen.rename(self._path)

    def beat(self) -> None:
        """Touch the file."""
        try:
            os.utime(self._path)
        except FileNotFoundError:
            fence()

    def still_mine(self) -> None:
        """Return when the file is there: the kernel keeps its lock while this process lives."""
        if not self._path.exists():
            fence()

    @contextmanager
    def alone(self, effect: str) -> Iterator[None]:
        """Lock a file named by the effect; it is removed with the lock still held."""
        path = self._effects / f"{sha256(effect.encode()).hexdigest()[:32]}.lock"
        held = None
        while held is None:
            try:
                held = _locked(path)
            except OSError as error:  # a full disk, perhaps
                stand_still(error)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            held.close()

    def dead(self) -> list[str]:
        """Return the workers whose lock could be taken; frozen ones are killed first."""
        found = []
        for path in self._folder.glob("*.lock"):
            if path == self._path:
                continue
            with suppress(FileNotFoundError):
                if self._take(path):
                    found.append(path.stem)
                elif self._watched.is_frozen(path.stem, path.stat().st_mtime_ns):
                    _kill(path)
        return found

    def known(self) -> set[str]:
        """Return the workers that have a file."""
        return {path.stem for path in self._folder.glob("*.lock")} | {self.executor}

    def leave(self) -> None:
        """Remove this worker's file and unlock it."""
        self._path.unlink(missing_ok=True)
        if self._held is not None:
            self._held.close()

    def forget(self, executor: str) -> None:
        """Remove the dead worker's file."""
        (self._folder / f"{executor}.lock").unlink(missing_ok=True)
        if (taken := self._taken.pop(executor, None)) is not None:
            taken.close()

    def _take(self, path: Path) -> bool:
        if path.stem in self._taken:
            return True
        file = path.open("r+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._taken[path.stem] = file
        return True


def _locked(path: Path) -> IO[str] | None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    file = path.open("a", encoding="utf-8")
    fcntl.flock(file, fcntl.LOCK_EX)
    if path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino:
        return file
    file.close()  # whoever held it has removed it meanwhile
    return None


def any_alive(home: Path) -> bool:
    """Whether a worker of this home lives."""
    for path in (home / "workers").glob("*.lock"):
        with suppress(FileNotFoundError), path.open("r+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    return False


def _kill(path: Path) -> None:
    told = json.loads(path.read_text(encoding="utf-8"))
    send_signal(ProcessIdentity(told["pid"], told["started"]), signal.SIGKILL)
