"""Which process a number means: numbers are given out again, with their start time never."""

import os
import select
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process number and when it started, in kernel ticks after boot."""

    pid: int
    started: int


def identify(pid: int) -> ProcessIdentity | None:
    """Return who runs under this number; None for nobody, and for one that is only not reaped."""
    fields = _stat(pid)
    if not fields or fields[0] in {"Z", "X"}:
        return None
    return ProcessIdentity(pid, int(fields[19]))


def is_running(process: ProcessIdentity) -> bool:
    """Tell whether exactly this process still runs."""
    return identify(process.pid) == process


def is_frozen(process: ProcessIdentity) -> bool:
    """Tell whether exactly this process is stopped (SIGSTOP)."""
    fields = _stat(process.pid)
    return bool(fields) and fields[0] in {"T", "t"} and int(fields[19]) == process.started


def send_signal(process: ProcessIdentity, number: signal.Signals) -> bool:
    """Signal exactly this process, never one that got its number later; False when it is gone."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        # The handle is opened first and the identity checked after: it cannot change hands now.
        if not is_running(process):
            return False
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, number)
        return True
    finally:
        os.close(handle)


def wait_until_gone(process: ProcessIdentity, seconds: float) -> bool:
    """Wait for the process's end; False when it still runs after that time."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    try:
        fields = _stat(process.pid)
        # Only whose number it is: the first thread of a program may be gone while others go on.
        if not fields or int(fields[19]) != process.started:
            return True
        watch = select.poll()
        watch.register(handle, select.POLLIN)
        return bool(watch.poll(max(0.0, seconds) * 1000))
    finally:
        os.close(handle)


def running_with(*words: str) -> tuple[ProcessIdentity, ...]:
    """Return the processes whose argument list holds these words in this order, oldest first."""
    wanted = b"\0".join(map(os.fsencode, words))
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        process = identify(int(entry.name))
        try:
            arguments = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if process is not None and b"\0" + wanted + b"\0" in arguments:
            found.append(process)
    return tuple(sorted(found, key=lambda process: process.started))


def children_of(pid: int) -> tuple[ProcessIdentity, ...]:
    """Return the living children of a process."""
    children = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        fields = _stat(int(entry.name))
        if len(fields) > 19 and int(fields[1]) == pid and fields[0] not in {"Z", "X"}:  # noqa: PLR2004 - field 22 of proc(5)
            children.append(ProcessIdentity(int(entry.name), int(fields[19])))
    return tuple(children)


def _stat(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    # The program's name stands in brackets and may itself hold brackets and blanks.
    return text.rpartition(")")[2].split()


def end(process: ProcessIdentity, *numbers: signal.Signals, seconds: float) -> None:
    """Send one signal after the other until the process is gone, each with so long to work."""
    for number in numbers:
        send_signal(process, number)
        if wait_until_gone(process, seconds):
            return
