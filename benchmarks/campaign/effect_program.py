"""
A command of the campaign: counts its effect, and sees by itself whether another copy runs.

Usage: effect_program.py FOLDER once|again. It imports nothing of Drillbook.
"""

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

RUN = os.environ["DRILLBOOK_RUN"]
LASTS_SECONDS = 0.7
# Each generation holds the lock's file open, in a session of its own: hard to end, easy to see.
SLEEPER = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if len(sys.argv) > 3:
    fd = int(sys.argv[2])
    subprocess.Popen([sys.executable, "-c", os.environ["SLEEPER"], sys.argv[1], str(fd)],
                     pass_fds=(fd,), start_new_session=True)
time.sleep(600)
"""


def main() -> None:
    folder, mode = Path(sys.argv[1]), sys.argv[2]
    log = folder / f"{RUN}.log"

    def say(word: str) -> None:
        with log.open("a") as file:
            file.write(f"{word}\n")
            file.flush()
            os.fsync(file.fileno())

    lock = (folder / f"{RUN}.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("overlap: the lock is held")
    for pid in _others():
        say(f"overlap: process {pid} of this run still lives")
    say("begun")
    handle = lock.fileno()
    os.set_inheritable(handle, True)
    argv = [sys.executable, "-c", SLEEPER, RUN, str(handle), "first"]
    subprocess.Popen(argv, pass_fds=(handle,), env={**os.environ, "SLEEPER": SLEEPER})
    time.sleep(LASTS_SECONDS / 2)
    if mode == "once" or "effect" not in log.read_text().split():
        say("effect")
    time.sleep(LASTS_SECONDS / 2)
    say("ended")


def _others() -> list[int]:
    """Return the processes of this run's command that are not this one."""
    wanted = f"DRILLBOOK_RUN={RUN}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            words = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in words and state not in {"Z", "X"}:
            found.append(int(entry.name))
    return found


if __name__ == "__main__":
    main()
