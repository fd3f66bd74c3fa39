"""Addresses on this machine: free ports, and socket folders short enough for the kernel."""

import hashlib
import os
import shutil
import socket
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from drillbook.core.errors import Refused

# sockaddr_un holds 108 bytes with the final zero; Postgres appends /.s.PGSQL.65535.lock.
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.65535")


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listen(port: int | None) -> socket.socket:
    """Listen on this port of 127.0.0.1, or on a free one when it is taken or not named."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port or 0))
    except OSError:
        listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    return listening


def socket_folder(folder: Path) -> Path:
    """Return a folder for Unix sockets: below the given one, or a short one if that is too long."""
    place = _place(folder)
    place.mkdir(mode=0o700, exist_ok=True)
    if place.parent != folder and not _is_ours(place):
        raise Refused(
            f"{place} belongs to somebody else",
            hint="Remove it, or choose a folder with a shorter path.",
        )
    return place


def remove_socket_folder(folder: Path) -> None:
    """Remove what `socket_folder` made for this folder, which may itself be going, or gone."""
    place = _place(folder)
    with suppress(FileNotFoundError):
        if place.parent == folder or _is_ours(place):
            shutil.rmtree(place, ignore_errors=True)


def _place(folder: Path) -> Path:
    below = folder / "socket"
    if len(os.fsencode(below)) <= LONGEST_SOCKET_FOLDER:
        return below
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir(), f"drillbook-{os.geteuid()}-{digest}")


def _is_ours(place: Path) -> bool:
    found = place.lstat()
    ours = {os.geteuid(), 65534} if os.geteuid() == 0 else {os.geteuid()}
    return stat.S_ISDIR(found.st_mode) and found.st_uid in ours and not found.st_mode & 0o022
