"""The booking app as a process: started, looked at and stopped by whoever comes."""

import http.client
import os
import signal
import socket
import sys
from pathlib import Path

from drillbook.core.errors import Failed
from drillbook.core.process_identity import (
    ProcessIdentity,
    running_with,
    send_signal,
    wait_until_gone,
)
from drillbook.local.sockets import listen
from drillbook.local.spawn import Process, reap, spawn

MODULE = "drillbook.range.booking.app"
HEALTH = "/api/health"
START_SECONDS = 30.0
STOP_SECONDS = 5.0


class BookingApp:
    """One environment's app; the folder holds its port and its log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.log = folder / "app.log"
        self._process: Process | None = None

    @property
    def port(self) -> int | None:
        """The port of the app, running or not; None before its first start."""
        try:
            return int((self.folder / "app.port").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    @property
    def url(self) -> str:
        """The address of the app."""
        return f"http://127.0.0.1:{self.port}"

    def identity(self) -> ProcessIdentity | None:
        """Return the app's process, or None when it does not run."""
        # Looked for by what it was started with: no record of ours can be lost or be stale.
        found = running_with(MODULE, "serve", str(self.folder))
        return found[0] if found else None

    def start(self, *, tied: bool = False) -> ProcessIdentity:
        """
        Start the app, or find it running; return when it answers and its database does.

        A tied app ends when this process ends in whatever way.
        """
        running = self.identity()
        if running is not None:
            return running
        # We listen before the app runs: nobody else can get the port, and no request is refused.
        with listen(self.port) as listening:
            (self.folder / "app.port").write_text(str(listening.getsockname()[1]))
            self._process = self._spawn(listening, tied=tied)
        self._see_health()
        started = self.identity()
        if started is None:
            raise Failed("the booking app ended at once", hint=f"See {self.folder}/app.errors.")
        return started

    def stop(self) -> bool:
        """End the app; False when it did not run."""
        running = self.identity()
        if running is None:
            return False
        for number in (signal.SIGTERM, signal.SIGKILL):
            send_signal(running, number)
            if wait_until_gone(running, STOP_SECONDS):
                break
        self._reap()
        return True

    def _spawn(self, listening: socket.socket, *, tied: bool) -> Process:
        handle = listening.fileno()
        words = [sys.executable, "-m", MODULE, "serve", str(self.folder), str(handle)]
        return spawn(
            [*words, "tied"] if tied else words,
            self.folder / "app.errors",
            tied=tied,
            handles=(handle,),
            env={"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"},
        )

    def _see_health(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        try:
            connection.request("GET", HEALTH)
            answer = connection.getresponse()
            said = answer.read().decode(errors="replace")
        except OSError as error:
            self.stop()
            raise Failed(
                f"the booking app does not answer: {error}", hint=f"See {self.folder}/app.errors."
            ) from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            self.stop()
            raise Failed(f"the booking app is not healthy: {said[:300]}", hint=f"See {self.log}.")

    def _reap(self) -> None:
        if self._process is not None:
            reap(self._process, STOP_SECONDS)
            self._process = None
