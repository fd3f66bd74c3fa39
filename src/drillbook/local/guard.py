"""
Run a server only as long as the process that wanted it lives.

Started as a program of its own: `python -I -S guard.py FOLDER SOCKETS PROGRAM ARGUMENT…`. It
imports nothing of ours, so it starts in a few milliseconds. When its standard input closes (its
parent ended in whatever way), it ends the server and removes its folder and that of its sockets.
"""

import os
import select
import shutil
import signal
import subprocess
import sys

GRACE_SECONDS = 5.0


def main(folders: list[str], command: list[str]) -> int:
    """Run the command; end it when standard input closes."""
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    handle = os.pidfd_open(server.pid)
    watch = select.poll()
    watch.register(handle, select.POLLIN)
    watch.register(0, select.POLLIN | select.POLLHUP)
    while handle not in (ready := [number for number, _ in watch.poll()]):
        if 0 in ready and not os.read(0, 4096):
            _end(server, handle)
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
            break
    return server.wait()


def _end(server: "subprocess.Popen[bytes]", handle: int) -> None:
    # SIGQUIT is Postgres's immediate shutdown: the children go, shared memory is given back.
    os.killpg(server.pid, signal.SIGQUIT)
    watch = select.poll()
    watch.register(handle, select.POLLIN)
    if not watch.poll(GRACE_SECONDS * 1000):
        os.killpg(server.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:3], sys.argv[3:]))
