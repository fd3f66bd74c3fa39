"""A Postgres server in a folder of its own: made, started, stopped, killed and looked at."""

import os
import secrets
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from drillbook.core.errors import Failed, Unavailable
from drillbook.core.postgres_tools import PostgresTools
from drillbook.core.process_identity import (
    ProcessIdentity,
    children_of,
    end,
    identify,
    is_running,
    running_with,
    send_signal,
    wait_until_gone,
)
from drillbook.local import guard
from drillbook.local.alone import alone_in
from drillbook.local.cluster import fitting_tools, make_data
from drillbook.local.private_file import write_private
from drillbook.local.sockets import free_port, remove_socket_folder, socket_folder
from drillbook.local.spawn import Process, reap, spawn
from drillbook.local.unprivileged import give, usable_account

OWNER = "postgres"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
LOOK_SECONDS = 0.02
# What a server for tests may do without: its data need not outlive the machine. Commits still
# outlive kill -9 of the server, so synchronous_commit stays on.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}
READY_LINE = 7
PORT_TRIES = 5


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What is so about a server now."""

    running: bool
    pid: int | None
    port: int | None
    version: str
    size_bytes: int
    folder: Path


class PostgresServer:
    """
    One Postgres server; the folder is its whole state, so any process can take it up again.

    An offline one is entered over its socket only, and started without a network where this
    machine allows that: `has_network` tells.
    """

    def __init__(
        self,
        folder: Path,
        *,
        tools: PostgresTools | None = None,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
        start_seconds: float = START_SECONDS,
        offline: bool = False,
    ) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "data"
        self.log = self.folder / "server.log"
        self._tools = tools
        self._durable = durable
        self._settings = dict(settings or {})
        self._start_seconds = start_seconds
        self._offline = offline
        self._process: Process | None = None

    @property
    def tools(self) -> PostgresTools:
        """The programs this server runs on: those that match its data, once there is data."""
        if self._tools is None:
            self._tools = fitting_tools(self.data)
        return self._tools

    @property
    def password(self) -> str:
        """The owner's password, for the moment of use."""
        return (self.folder / "password").read_text(encoding="utf-8")

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1 the server listens on, or would."""
        return int((self.folder / "port").read_text(encoding="utf-8"))

    @property
    def sockets(self) -> Path:
        """The folder with the server's Unix socket."""
        return socket_folder(self.folder)

    def url(self, database: str = "postgres") -> str:
        """Return the address, password included: for the moment of use."""
        if self._offline:
            place = f"host={quote(str(self.sockets), safe='')}&port={self.port}"
            return f"postgresql://{OWNER}:{self.password}@/{database}?{place}"
        return f"postgresql://{OWNER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        """Make the server's data; a server that has data is left as it is."""
        with alone_in(self.folder):
            self._create()

    def start(self, *, tied: bool = False) -> ProcessIdentity:
        """
        Start the server, or find it running; return its main process.

        A tied server ends, and its folder goes, when this process ends in whatever way.
        """
        with alone_in(self.folder):
            self._create()
            for other in self._started_before():
                ready = self._wait_until_ready(other)
                if ready is not None:
                    return ready
            for _ in range(PORT_TRIES):
                started = self._start_once(tied=tied)
                if started is not None:
                    return started
                write_private(self.folder / "port", str(free_port()))
        raise Unavailable(
            f"Postgres found no free port in {PORT_TRIES} tries",
            hint=f"Its own words are in {self.log}.",
        )

    def stop(self) -> bool:
        """End the server in order, and by force when that takes too long; False: it did not run."""
        with alone_in(self.folder):
            running = self.identity()
            if running is not None:
                end(running, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL, seconds=STOP_SECONDS)
                self._reap()
            # It may stand outside our folder, where nobody else knows whose it is.
            remove_socket_folder(self.folder)
            return running is not None

    def end_at_once(self) -> bool:
        """End the server without writing anything more; False: it did not run."""
        running = self.identity()
        if running is None:
            return False
        end(running, signal.SIGQUIT, signal.SIGKILL, seconds=STOP_SECONDS)
        self._reap()
        return True

    def kill(self) -> bool:
        """Kill the server and all its processes with SIGKILL, as a crash would; False: none."""
        running = self.identity()
        if running is None:
            return False
        family = (running, *children_of(running.pid))
        for process in family:
            send_signal(process, signal.SIGKILL)
        for process in family:
            wait_until_gone(process, STOP_SECONDS)
        self._reap()
        return True

    def identity(self) -> ProcessIdentity | None:
        """Return the main process of the running server, or None."""
        lines = self._pid_file()
        if not lines or not lines[0].strip().isdecimal():
            return None
        found = identify(int(lines[0]))
        if found is None:
            return None
        try:
            words = Path(f"/proc/{found.pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return None
        # The number may belong to somebody else since a crash: only our data folder counts.
        return found if os.fsencode(self.data) in words and is_running(found) else None

    def has_network(self) -> bool:
        """Tell whether the running server is in this process's network, or might be."""
        running = self.identity()
        if running is None:
            return True
        try:
            theirs, ours = (Path(f"/proc/{of}/ns/net").readlink() for of in (running.pid, "self"))
        except OSError:
            return True
        return theirs == ours

    def status(self) -> ServerStatus:
        """Look at the server without touching it."""
        running = self.identity()
        has_port = (self.folder / "port").exists()
        version = self.tools.version if self.data.exists() else ()
        return ServerStatus(
            running=running is not None,
            pid=running.pid if running else None,
            port=self.port if has_port else None,
            version=".".join(map(str, version)),
            size_bytes=_size(self.data),
            folder=self.folder,
        )

    def _create(self) -> None:
        if self.data.exists():
            return
        if not (self.folder / "password").exists():
            write_private(self.folder / "password", secrets.token_urlsafe(24))
        make_data(self.data, self.tools, OWNER, self.password, durable=self._durable)

    def _start_once(self, *, tied: bool) -> ProcessIdentity | None:
        if not (self.folder / "port").exists():
            write_private(self.folder / "port", str(free_port()))
        program = self.tools.folder / "postgres"
        account = usable_account(self.folder, program, cut_off=self._offline)
        give(self.data, account.owner)
        give(self.sockets, account.owner)
        # Whoever the file names is not our server (identity() looked): it was left by a crash.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        words = [*account.prefix, str(program), "-D", str(self.data)]
        for name, value in self._all_settings().items():
            words += ["-c", f"{name}={value}"]
        if tied:
            words = [
                sys.executable,
                "-I",
                "-S",
                guard.__file__,
                str(self.folder),
                str(self.sockets),
                *words,
            ]
        log_start = self.log.stat().st_size if self.log.exists() else 0
        self._process = spawn(words, self.log, tied=tied)
        process = identify(self._process.pid) or ProcessIdentity(self._process.pid, 0)
        ready = self._wait_until_ready(process)
        if ready is not None:
            return ready
        said = self.log.read_bytes()[log_start:].decode(errors="replace")
        if "could not create any TCP/IP sockets" not in said:
            raise Failed(f"Postgres did not start: {_telling(said)}", hint=f"See {self.log}.")
        self._reap()
        return None

    def _started_before(self) -> tuple[ProcessIdentity, ...]:
        # Whoever started one may have been killed before the server wrote its pid file.
        running = self.identity()
        return (running,) if running else running_with("-D", str(self.data))

    def _wait_until_ready(self, process: ProcessIdentity) -> ProcessIdentity | None:
        """Return the server once it takes connections, None when the process ends before."""
        for _ in range(int(self._start_seconds / LOOK_SECONDS)):
            # Postgres tells nobody but its pid file that it is ready; its end is an event.
            ended = wait_until_gone(process, LOOK_SECONDS)
            lines = self._pid_file()
            if len(lines) > READY_LINE and lines[READY_LINE].strip() == "ready":
                running = self.identity()
                if running is not None:
                    return running
            if ended:
                return None
        raise Unavailable(
            f"Postgres is not ready after {self._start_seconds:g} s",
            hint=f"Its own words are in {self.log}.",
        )

    def _all_settings(self) -> dict[str, str]:
        settings = {
            "listen_addresses": "" if self._offline else "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.sockets),
            "logging_collector": "off",
            "shared_buffers": "32MB",
            "password_encryption": "scram-sha-256",
        }
        return settings | ({} if self._durable else NOT_DURABLE) | self._settings

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _reap(self) -> None:
        if self._process is not None:
            reap(self._process, STOP_SECONDS)
            self._process = None


def _telling(log: str) -> str:
    """Return the lines of a log that say why a server ended, or its last words."""
    fatal = [line for line in log.splitlines() if "FATAL:" in line or "PANIC:" in line]
    return ("\n".join(fatal) or log.strip())[-600:]


def _size(folder: Path) -> int:
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            with suppress(OSError):
                total += Path(parent, name).lstat().st_size
    return total
