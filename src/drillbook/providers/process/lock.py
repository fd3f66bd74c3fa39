"""One command for an effect at a time: the lock, and how it is taken from the dead and frozen."""

import fcntl
import hashlib
import json
import os
import secrets
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from drillbook.core.errors import Damaged, Refused
from drillbook.core.process_identity import (
    ProcessIdentity,
    children_of,
    identify,
    is_frozen,
    send_signal,
    wait_until_gone,
)
from drillbook.providers.process.shim import LOCK_BYTES, MARK

LOOK_SECONDS = 0.05
SHIM_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock: the worker, and the shim once it has begun."""

    worker: ProcessIdentity
    shim: ProcessIdentity | None
    mark: str

    def is_frozen(self) -> bool:
        """Tell whether the worker cannot see to its command any more."""
        return is_frozen(self.worker)


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock this process holds; `handle` goes to the shim, and with it the lock."""

    handle: int
    path: Path


def take(folder: Path, effect_key: str, mark: str, *, patience_seconds: float) -> Lock:
    """
    Take the lock of an effect; whatever an earlier holder left running is gone after that.

    A holder whose worker is frozen is ended at once, any other when it outlives the patience.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / hashlib.sha256(effect_key.encode()).hexdigest()[:32]
    lock = _wait(path, time.monotonic() + patience_seconds)
    try:
        for stolen in folder.glob(f"{path.name}.taken-*"):
            end(_read(stolen))
            stolen.unlink(missing_ok=True)
        end(_parse(os.pread(lock.handle, LOCK_BYTES, 0), path))
        me = identify(os.getpid())
        assert me is not None  # noqa: S101 - this process runs
        text = json.dumps({"worker": [me.pid, me.started], "shim": None, "mark": mark})
        os.pwrite(lock.handle, text.encode().ljust(LOCK_BYTES), 0)
    except BaseException:
        os.close(lock.handle)
        raise
    return lock


def end(holder: Holder | None) -> None:
    """End a holder's command and everything below it, also when its shim was killed or frozen."""
    if holder is None:
        return
    if holder.shim is not None:
        send_signal(holder.shim, signal.SIGTERM)
        if not wait_until_gone(holder.shim, SHIM_SECONDS):
            _end_from_outside(holder.shim)
    _end_marked(holder.mark)


def tidy(folder: Path, *, older_than_seconds: float) -> int:
    """Remove the empty locks of commands that ended long ago; return how many."""
    removed = 0
    for path in folder.glob("*"):
        with suppress(FileNotFoundError):
            found = path.stat()
            old = found.st_mtime < time.time() - older_than_seconds
            removed += old and not found.st_size and _remove(path)
    return removed


def _wait(path: Path, until: float) -> Lock:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if _try(handle, path):
            return Lock(handle, path)
        holder = _parse(os.pread(handle, LOCK_BYTES, 0), path)
        same = _names(path, handle)
        os.close(handle)
        if same and (time.monotonic() >= until or (holder is not None and holder.is_frozen())):
            # The name goes first and its holder is ended after: a holder that only wakes now
            # finds its lock nameless and does not start.
            with suppress(FileNotFoundError):
                path.rename(path.with_name(f"{path.name}.taken-{secrets.token_hex(8)}"))
        elif holder is not None and holder.shim is not None:
            wait_until_gone(holder.shim, LOOK_SECONDS)
        else:
            # A worker between taking the lock and starting its shim says nothing when it goes on.
            time.sleep(LOOK_SECONDS)


def _remove(path: Path) -> bool:
    handle = os.open(path, os.O_RDWR)
    try:
        held = _try(handle, path)
        if held:
            path.unlink()
        return held
    finally:
        os.close(handle)


def _try(handle: int, path: Path) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return _names(path, handle)


def _names(path: Path, handle: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(handle).st_ino
    except FileNotFoundError:
        return False


def _read(path: Path) -> Holder | None:
    try:
        return _parse(path.read_bytes(), path)
    except FileNotFoundError:
        return None


def _parse(data: bytes, path: Path) -> Holder | None:
    if not data.strip():
        return None
    try:
        found = json.loads(data)
        worker = ProcessIdentity(*map(int, found["worker"]))
        shim = ProcessIdentity(*map(int, found["shim"])) if found["shim"] else None
        return Holder(worker, shim, str(found["mark"]))
    except (ValueError, TypeError, KeyError) as error:
        raise Damaged(
            f"the command lock {path} cannot be read",
            hint="Look for a command that still runs, then remove the file.",
        ) from error


def _end_from_outside(shim: ProcessIdentity) -> None:
    # The shim is held still, so that it goes on collecting orphans while they are killed.
    send_signal(shim, signal.SIGSTOP)
    until = time.monotonic() + SHIM_SECONDS
    while family := _below(shim.pid):
        for process in family:
            send_signal(process, signal.SIGKILL)
        for process in family:
            wait_until_gone(process, max(0.0, until - time.monotonic()))
        if time.monotonic() > until:
            raise _still_there(family)
    send_signal(shim, signal.SIGKILL)
    wait_until_gone(shim, SHIM_SECONDS)


def _end_marked(mark: str) -> None:
    until = time.monotonic() + SHIM_SECONDS
    while family := _marked(mark):
        for process in family:
            send_signal(process, signal.SIGKILL)
        for process in family:
            wait_until_gone(process, max(0.0, until - time.monotonic()))
        if time.monotonic() > until:
            raise _still_there(family)


def _still_there(family: tuple[ProcessIdentity, ...]) -> Refused:
    pids = ", ".join(str(process.pid) for process in family)
    return Refused(
        f"an earlier command of this effect cannot be ended: processes {pids}",
        hint="End them by hand (they may run as another user), then try again.",
    )


def _below(pid: int) -> tuple[ProcessIdentity, ...]:
    children = children_of(pid)
    return children + tuple(grand for child in children for grand in _below(child.pid))


def _marked(mark: str) -> tuple[ProcessIdentity, ...]:
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        process = identify(int(entry.name))
        try:
            words = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if process is not None and wanted in words:
            found.append(process)
    return tuple(found)
