"""The edge as a process: started, looked at and stopped by whoever comes."""

import signal
import socket
import sys
from contextlib import ExitStack

from drillbook.core.errors import Failed
from drillbook.core.process_identity import (
    ProcessIdentity,
    end,
    identify,
    running_with,
)
from drillbook.local.alone import alone_in
from drillbook.local.sockets import listen
from drillbook.local.spawn import Process, reap, spawn
from drillbook.range.cloud import ENVIRONMENTS, Cloud
from drillbook.range.hosting.app_process import SYSTEM_ENVIRONMENT

MODULE = "drillbook.range.edge.serving"
STOP_SECONDS = 3.0


class Edge:
    """One process for all environments of a range; each keeps its port in `app.port`."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.errors = cloud.folder / "edge.errors"
        self._process: Process | None = None

    def port(self, environment: str) -> int | None:
        """Return where an environment's users come to; None before the first start."""
        try:
            return int((self.cloud.environment(environment) / "app.port").read_text("utf-8"))
        except FileNotFoundError:
            return None

    def identity(self) -> ProcessIdentity | None:
        """Return the edge's process, or None when it does not run."""
        found = running_with(MODULE, str(self.cloud.range))
        return found[0] if found else None

    def start(self, *, tied: bool = False) -> ProcessIdentity:
        """Start the edge, or find it running; its ports take connections when this returns."""
        with alone_in(self.cloud.folder / "edge"):
            running = self.identity()
            if running is not None:
                return running
            with ExitStack() as stack:
                handles = {
                    name: stack.enter_context(self._listen(name)).fileno() for name in ENVIRONMENTS
                }
                return self._spawn(handles, tied=tied)

    def stop(self) -> bool:
        """End the edge; False when it did not run. The apps behind it go on."""
        running = self.identity()
        if running is None:
            return False
        end(running, signal.SIGTERM, signal.SIGKILL, seconds=STOP_SECONDS)
        if self._process is not None:
            reap(self._process, STOP_SECONDS)
            self._process = None
        return True

    def _listen(self, environment: str) -> socket.socket:
        folder = self.cloud.environment(environment)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # We listen before the edge runs: nobody else can get the port, and none is refused.
        listening = listen(self.port(environment))
        (folder / "app.port").write_text(str(listening.getsockname()[1]))
        return listening

    def _spawn(self, handles: dict[str, int], *, tied: bool) -> ProcessIdentity:
        words = [sys.executable, "-m", MODULE, str(self.cloud.range)]
        words += [f"{name}={handle}" for name, handle in handles.items()]
        self._process = spawn(
            [*words, "tied"] if tied else words,
            self.errors,
            tied=tied,
            handles=tuple(handles.values()),
            env=SYSTEM_ENVIRONMENT,
        )
        started = identify(self._process.pid)
        if started is None:
            raise Failed("the edge ended at once", hint=f"See {self.errors}.")
        return started
