"""Real worker processes for the tests to kill and freeze."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from drillbook.core.process_identity import ProcessIdentity, identify, send_signal

WORKER = Path(__file__).with_name("worker.py")

# Prints its own number and those of four processes that are harder and harder to end.
FAMILY = """
import os, signal, subprocess, sys
print(os.getpid(), flush=True)
sleeper = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
sleeper += "print(os.getpid(), flush=True); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", sleeper])
subprocess.Popen([sys.executable, "-c", sleeper], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-c", sleeper])
    os._exit(0)
os.wait()
signal.pause()
"""
FAMILY_SIZE = 4


class Worker:
    """One real worker process under test."""

    def __init__(self, folder: Path, before: str, *argv: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), str(folder), before, *argv],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.family: list[ProcessIdentity] = []

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def hear_family(self, size: int = FAMILY_SIZE) -> list[ProcessIdentity]:
        """Wait until all of the family said their number; they all live then."""
        for _ in range(size):
            member = identify(int(self.line()))
            assert member is not None
            self.family.append(member)
        return self.family

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        for member in self.family:
            send_signal(member, signal.SIGKILL)


StartWorker = Callable[..., Worker]
