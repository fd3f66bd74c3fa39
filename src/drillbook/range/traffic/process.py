"""Live traffic on one environment: started, looked at and stopped by whoever comes."""

import os
import signal
import sys
from pathlib import Path

from drillbook.core.errors import Failed
from drillbook.core.process_identity import (
    ProcessIdentity,
    end,
    identify,
    running_with,
    wait_until_gone,
)
from drillbook.local.spawn import Process, reap, spawn
from drillbook.range.traffic.shape import Flow, read_flow, write_flow

MODULE = "drillbook.range.traffic.clients"
RECORD = "traffic.jsonl"
START_SECONDS = 30.0
STOP_SECONDS = 5.0
LOOK_SECONDS = 0.02


class Traffic:
    """One environment's clients; the environment's folder holds their record."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.record = self.folder / RECORD
        self._process: Process | None = None

    def identity(self) -> ProcessIdentity | None:
        """Return the clients' process, or None when there is no traffic."""
        found = running_with(MODULE, "serve", str(self.folder))
        return found[0] if found else None

    def start(self, flow: Flow, *, tied: bool = False) -> ProcessIdentity:
        """
        Start the clients, or find them running; return when the first has begun to ask.

        Tied clients end when this process ends.
        """
        flow.check()
        running = self.identity()
        if running is not None:
            return running
        length = self.record.stat().st_size if self.record.exists() else 0
        self.record.touch(mode=0o600)
        write_flow(self.folder, flow)
        words = [sys.executable, "-m", MODULE, "serve", str(self.folder), str(self.record)]
        words += ["tied"] if tied else []
        env = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"}
        self._process = spawn(words, self.folder / "traffic.errors", tied=tied, env=env)
        started = identify(self._process.pid)
        for _ in range(int(START_SECONDS / LOOK_SECONDS)):
            if self.record.stat().st_size > length:
                break
            if started is None or wait_until_gone(started, LOOK_SECONDS):
                break
        if started is None or self.record.stat().st_size == length:
            self.stop()
            raise Failed("the clients ended at once", hint=f"See {self.folder / 'traffic.errors'}.")
        return started

    def change(self, flow: Flow) -> None:
        """Let the clients that run come like this from now on."""
        flow.check()
        write_flow(self.folder, flow)

    def flow(self) -> Flow | None:
        """Return how the clients come, or came last; None when there never were any."""
        return read_flow(self.folder)

    def stop(self) -> bool:
        """End the clients; False when there was no traffic."""
        running = self.identity()
        if running is None:
            return False
        end(running, signal.SIGTERM, signal.SIGKILL, seconds=STOP_SECONDS)
        if self._process is not None:
            reap(self._process, STOP_SECONDS)
            self._process = None
        return True
