"""The cloud as a process: started, looked at, stopped or killed by whoever comes."""

import os
import signal
import sys
from contextlib import ExitStack

from drillbook.core.errors import Failed
from drillbook.core.process_identity import (
    ProcessIdentity,
    end,
    identify,
    is_running,
    running_with,
)
from drillbook.local.sockets import listen
from drillbook.local.spawn import Process, reap, spawn
from drillbook.range.cloud import LISTENERS, Cloud

MODULE = "drillbook.range.twins.serving"
STOP_SECONDS = 5.0


class CloudProcess:
    """The process in which every twin of a range runs."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.errors = cloud.folder / "cloud.errors"
        self._process: Process | None = None

    def identity(self) -> ProcessIdentity | None:
        """Return the cloud's process, or None when it does not run."""
        found = running_with(MODULE, "serve", str(self.cloud.range))
        return found[0] if found else None

    def start(self, *, tied: bool = False) -> ProcessIdentity:
        """
        Start the cloud, or find it running; it answers whoever connects from now on.

        A listener whose port was taken moves. A tied cloud ends when this process ends.
        """
        running = self.identity()
        if running is not None:
            return running
        self.cloud.keep_ports({})
        # We listen before the process runs: nobody can get the ports, and no request is refused.
        with ExitStack() as stack:
            sockets = {
                name: stack.enter_context(listen(self.cloud.port(name))) for name in LISTENERS
            }
            self.cloud.keep_ports({name: at.getsockname()[1] for name, at in sockets.items()})
            words = [sys.executable, "-m", MODULE, "serve", str(self.cloud.range)]
            words += [f"{name}={at.fileno()}" for name, at in sockets.items()]
            self._process = spawn(
                [*words, "tied"] if tied else words,
                self.errors,
                tied=tied,
                handles=tuple(at.fileno() for at in sockets.values()),
                env={"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"},
            )
        started = identify(self._process.pid)
        if started is None or not is_running(started):
            raise Failed("the cloud ended at once", hint=f"See {self.errors}.")
        return started

    def stop(self) -> bool:
        """End the cloud; False when it did not run."""
        return self._end(signal.SIGTERM, signal.SIGKILL)

    def kill(self) -> bool:
        """End the cloud as a crash would; False when it did not run."""
        return self._end(signal.SIGKILL)

    def _end(self, *signals: signal.Signals) -> bool:
        running = self.identity()
        if running is None:
            return False
        end(running, *signals, seconds=STOP_SECONDS)
        if self._process is not None:
            reap(self._process, STOP_SECONDS)
            self._process = None
        return True
