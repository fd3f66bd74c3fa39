"""Start a process: in a session of its own, to outlive this one or to end with it."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

Process = subprocess.Popen[bytes]
# Tied processes end when their standard input closes, so the pipes stay open until we end.
_tied: list[Process] = []


def spawn(
    words: Sequence[str],
    log: Path,
    *,
    tied: bool,
    handles: tuple[int, ...] = (),
    env: Mapping[str, str] | None = None,
) -> Process:
    """Start a program that writes to a log file; a tied one must end with its standard input."""
    with log.open("ab") as file:
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE if tied else subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            pass_fds=handles,
            start_new_session=True,
            cwd="/",
            env=env,
        )
    if tied:
        _tied.append(process)
    return process


def reap(process: Process, seconds: float) -> None:
    """Take note of the end of a process that was stopped."""
    if process.stdin is not None:
        process.stdin.close()
    process.wait(seconds)
    if process in _tied:
        _tied.remove(process)
