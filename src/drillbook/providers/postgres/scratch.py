"""Throw-away servers: made for one task, gone with it, however it ends."""

import fcntl
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from drillbook.core.effect import Effect, deadline
from drillbook.core.errors import Failed
from drillbook.core.postgres_tools import server_of_major
from drillbook.core.process_identity import running_with, send_signal, wait_until_gone
from drillbook.local.alone import alone_in
from drillbook.local.server import OWNER, PostgresServer
from drillbook.local.sockets import remove_socket_folder
from drillbook.providers.postgres.physical.entering import make_enterable
from drillbook.providers.postgres.server import Server

LONGEST_SECONDS = 24 * 3600.0
GONE_SECONDS = 20.0
SLOT = "scratch-"
DEAD = ".dead-"
HELD = "held"
SETTINGS = {
    "shared_buffers": "128MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
    "huge_pages": "off",
}
# Role and database settings of a copy may name libraries that are not on this machine.
ENTER_WITHOUT = "-c session_preload_libraries= -c local_preload_libraries="
# Code of the database (dblink, foreign servers, COPY … PROGRAM) runs wherever a copy of it does.
IN_REACH = (
    "this machine allows no network namespace: what code of the copied database calls (dblink, "
    "foreign servers, COPY … PROGRAM) can be reached from the copy"
)
_SAFE = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class ScratchServer:
    """A running throw-away server; `server` enters it as superuser, `warnings` say what it can."""

    server: Server
    running: PostgresServer
    seconds_to_start: float
    warnings: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder that goes with the server."""
        return self.running.folder

    @property
    def data(self) -> Path:
        """The server's data folder."""
        return self.running.data


@dataclass(frozen=True, slots=True)
class ScratchRoom:
    """The folder where throw-away servers are made; what dead workers left there is cleared."""

    folder: Path

    @contextmanager
    def place(self, effect: Effect) -> Iterator[Path]:
        """Hold an empty folder that is removed at the end; the next one is cleared if we die."""
        place, handle = self._take_place(effect)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)
            os.close(handle)

    @contextmanager
    def server(
        self, effect: Effect, server_major: int, *, settings: Mapping[str, str] | None = None
    ) -> Iterator[ScratchServer]:
        """Run a fresh server of this major version (superuser, database postgres)."""
        tools = server_of_major(server_major)
        with self.place(effect) as place:
            running = PostgresServer(
                place,
                tools=tools,
                durable=False,
                settings=SETTINGS | dict(settings or {}),
                offline=True,
            )
            with _running(running) as seconds:
                server = Server(running.url, f"the scratch server in {place}")
                yield ScratchServer(server, running, seconds, _warnings(running, effect))

    @contextmanager
    def from_data(
        self,
        effect: Effect,
        data: Path,
        server_major: int,
        *,
        superuser: str = OWNER,
        settings: Mapping[str, str] | None = None,
        recovery: Mapping[str, str] | None = None,
    ) -> Iterator[ScratchServer]:
        """
        Run a physical copy: its data is taken over (moved in, its settings replaced, removed).

        Nobody but this user can enter, over a socket, and nothing of production's settings runs:
        no archive_command, no replication, no subscription, no preloaded library. Like every
        scratch server it has no network, so that what its code calls is not called. `superuser`
        is a role of the copy; with `recovery` the server recovers by those settings first.
        """
        tools = server_of_major(server_major)
        with self.place(effect) as place:
            shutil.move(data, place / "data")
            found = make_enterable(place / "data", tools, recovering=recovery is not None)
            running = PostgresServer(
                place,
                tools=tools,
                durable=False,
                settings=SETTINGS | found | dict(settings or {}) | dict(recovery or {}),
                start_seconds=deadline.get().left(at_most=LONGEST_SECONDS),
                offline=True,
            )
            with _running(running) as seconds:
                address = _socket_address(running, superuser)
                server = Server(lambda: address, f"the scratch copy in {place}")
                yield ScratchServer(server, running, seconds, _warnings(running, effect))

    def clear(self) -> int:
        """Remove what workers that are dead left in this room; return how many there were."""
        with alone_in(self.folder):
            dead = [place for place in self.folder.glob(f"{SLOT}*") if _is_dead(place)]
            for place in dead:
                _end_server(place)
                with suppress(FileNotFoundError):  # the server's guard removes it as well
                    place.rename(place.with_name(f"{DEAD}{place.name}"))
        for place in self.folder.glob(f"{DEAD}*"):
            shutil.rmtree(place, ignore_errors=True)
        return len(dead)

    def _take_place(self, effect: Effect) -> tuple[Path, int]:
        try:
            self.clear()
            with alone_in(self.folder):
                key = _SAFE.sub("-", effect.key).strip("-")[:24]
                place = self.folder / f"{SLOT}{key}-{os.urandom(4).hex()}"
                place.mkdir(mode=0o700)
                handle = os.open(place / HELD, os.O_RDWR | os.O_CREAT, 0o600)
                fcntl.flock(handle, fcntl.LOCK_EX)
                return place, handle
        except OSError as error:
            raise Failed(
                f"no scratch server can be made in {self.folder}: {error.strerror}",
                hint="Free space there, or name another folder: scratch = … in the stack file.",
            ) from error


@contextmanager
def _running(server: PostgresServer) -> Iterator[float]:
    began = time.monotonic()
    try:
        server.start(tied=True)
        yield round(time.monotonic() - began, 3)
    finally:
        # Nobody needs its data: an orderly end would only write what is removed next.
        server.end_at_once()
        remove_socket_folder(server.folder)


def _warnings(server: PostgresServer, effect: Effect) -> tuple[str, ...]:
    if not server.has_network():
        return ()
    effect.progress(IN_REACH, None)
    return (IN_REACH,)


def _socket_address(server: PostgresServer, superuser: str) -> str:
    return (
        f"postgresql://{quote(superuser, safe='')}@/postgres?host={quote(str(server.sockets))}"
        f"&port={server.port}&options={quote(ENTER_WITHOUT)}"
    )


def _is_dead(place: Path) -> bool:
    try:
        handle = os.open(place / HELD, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(handle)


def _end_server(place: Path) -> None:
    # The guard ends a dead worker's server; this is for one whose guard was killed as well.
    for process in running_with("-D", str((place / "data").resolve())):
        send_signal(process, signal.SIGQUIT)
        if not wait_until_gone(process, GONE_SECONDS):
            send_signal(process, signal.SIGKILL)
            wait_until_gone(process, GONE_SECONDS)
    remove_socket_folder(place.resolve())  # making it anew would fail while the guard removes all
