"""The app of one deployment as a process: started on demand, by whoever is asked first."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from drillbook.core.errors import Failed, NotFound
from drillbook.core.process_identity import (
    ProcessIdentity,
    end,
    identify,
    is_frozen,
    is_running,
    running_with,
    send_signal,
)
from drillbook.local.alone import alone_in
from drillbook.local.private_file import write_private
from drillbook.local.sockets import listen

MODULE = "booking"
MARK = "serves"
SOURCE = "source"
ENVIRONMENT = "environment.json"
STARTED = "app.json"
USED = "used"
START_SECONDS = 20.0
STOP_SECONDS = 3.0
LOOK_SECONDS = 0.01
SYSTEM_ENVIRONMENT = {
    "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
    "LANG": "C.UTF-8",
}


class AppProcess:
    """The process of one deployment; its folder holds its source, environment, port and errors."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.errors = folder / "app.errors"

    @property
    def port(self) -> int | None:
        """Where it listens, running or not; None before its first start."""
        return self._started()[1]

    def identity(self) -> ProcessIdentity | None:
        """Return its process, or None when it does not run."""
        process = self._started()[0]
        return process if process is not None and is_running(process) else None

    def started_at(self) -> float:
        """Return when it was started last, in seconds of the epoch; 0 before its first start."""
        try:
            return (self.folder / STARTED).stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def start(self, *, tied: bool) -> int:
        """
        Start it, or find it running; return its port, which takes connections from now on.

        A tied one ends when this process's standard input closes, and so does one it starts.
        """
        with alone_in(self.folder / "starting"):
            running, port = self._started()
            if running is not None and port is not None and is_running(running):
                return port
            self._end_unrecorded()
            with listen(port) as listening:
                port = int(listening.getsockname()[1])
                process = self._spawn(listening, tied=tied)
            said = {"pid": process.pid, "started": process.started, "port": port}
            write_private(self.folder / STARTED, json.dumps(said))
        return port

    def wait_until_it_takes_requests(self, seconds: float = START_SECONDS) -> None:
        """Return when it has taken a connection; Failed when it ended before, or takes too long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.identity() is None:
                break
            # It takes the connection, sees its end and closes it: that is no request in its log.
            with (
                suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port or 0), 1.0) as connection,
            ):
                connection.shutdown(socket.SHUT_WR)
                if not connection.recv(1):
                    return
            time.sleep(LOOK_SECONDS)
        raise Failed(f"{self.folder.name} takes no requests", hint=f"See {self.errors}.")

    def stop(self) -> bool:
        """End it; False when it did not run."""
        with alone_in(self.folder / "starting"):
            running = self.identity()
            if running is not None:
                end(running, signal.SIGTERM, signal.SIGKILL, seconds=STOP_SECONDS)
            return self._end_unrecorded() or running is not None

    def _started(self) -> tuple[ProcessIdentity | None, int | None]:
        try:
            said = json.loads((self.folder / STARTED).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None, None
        return ProcessIdentity(said["pid"], said["started"]), said["port"]

    def _end_unrecorded(self) -> bool:
        # Whoever started it was killed before it could write the number down.
        found = running_with(str(self.folder), MARK)
        for process in found:
            end(process, signal.SIGTERM, signal.SIGKILL, seconds=STOP_SECONDS)
        return bool(found)

    def _spawn(self, listening: socket.socket, *, tied: bool) -> ProcessIdentity:
        try:
            given = json.loads((self.folder / ENVIRONMENT).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise NotFound(f"there is no build {self.folder.name}") from error
        handle = listening.fileno()
        words = [sys.executable, "-m", MODULE, str(handle), str(self.folder), MARK]
        with self.errors.open("ab") as errors:
            # Its standard input is ours: all of a tied range end when one pipe closes.
            process = subprocess.Popen(
                [*words, "tied"] if tied else words,
                stdin=None if tied else subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                pass_fds=(handle,),
                start_new_session=True,
                cwd=self.folder / SOURCE,
                env=SYSTEM_ENVIRONMENT | given,
            )
        found = identify(process.pid)
        if found is None:
            raise Failed(f"{self.folder.name} ended at once", hint=f"See {self.errors}.")
        return found


def end_frozen(deployments: Path) -> None:
    """Kill the apps that somebody froze: they do not see the end of what they are tied to."""
    for folder in deployments.glob("dpl_*"):
        process = AppProcess(folder).identity()
        if process is not None and is_frozen(process):
            send_signal(process, signal.SIGKILL)
