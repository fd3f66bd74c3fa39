"""The apps behind the edge: connections kept to them, processes started on demand."""

import select
import socket
import time
from pathlib import Path

from drillbook.core.process_identity import wait_until_gone
from drillbook.range.edge.messages import Stream
from drillbook.range.hosting.app_process import USED, AppProcess

FUNCTION_SECONDS = 15.0  # how long the platform lets a request take
# A process that ends at once is not started on every request.
START_AGAIN_SECONDS = 0.5
ENDING_SECONDS = 0.5
IDLE_CONNECTIONS = 64


class Functions:
    """The apps of the deployments in a folder."""

    def __init__(self, folder: Path, *, tied: bool) -> None:
        self.folder = folder
        self.tied = tied
        self._idle: dict[str, list[Stream]] = {}

    def connection(self, deployment: str) -> Stream:
        """Return a connection to a deployment's app; DrillbookError or OSError without one."""
        idle = self._idle.setdefault(deployment, [])
        while idle:
            kept = idle.pop()
            # What can be read before anything was asked is the end: that app has gone.
            if not _can_be_read(kept.connection):
                return kept
            kept.connection.close()
        return Stream(self._connected(deployment))

    def give_back(self, deployment: str, stream: Stream) -> None:
        """Keep a connection for the next request."""
        idle = self._idle.setdefault(deployment, [])
        if len(idle) < IDLE_CONNECTIONS:
            idle.append(stream)
        else:
            stream.connection.close()

    def _connected(self, deployment: str) -> socket.socket:
        app = AppProcess(self.folder / deployment)
        running, port = app.identity(), app.port
        if running is not None and port is not None:
            try:
                return _connect(port)
            except ConnectionRefusedError:
                # A process that ends closes its sockets a moment before it is gone.
                wait_until_gone(running, ENDING_SECONDS)
        if time.time() - app.started_at() < START_AGAIN_SECONDS:
            raise ConnectionRefusedError("it ended right after its start")
        return _connect(app.start(tied=self.tied))

    def note_use(self, deployment: str) -> None:
        """Let the hosting see that a deployment without users of its own is looked at."""
        (self.folder / deployment / USED).touch()


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), FUNCTION_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _can_be_read(connection: socket.socket) -> bool:
    watch = select.poll()
    watch.register(connection, select.POLLIN)
    return bool(watch.poll(0))
