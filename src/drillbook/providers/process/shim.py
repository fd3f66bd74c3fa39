"""
Stand between a worker and one command, and outlive neither.

Started as a program of its own (`python -I -S shim.py LOCK_FD`), so that it needs 20 ms and is
not touched by what kills or freezes the worker. It imports nothing of ours.

- Standard input brings the order and is the death pipe: when it closes, everything ends.
- Standard output carries frames: a letter, four bytes of length, the content.
- It is a subreaper: whatever the command starts, daemons too, stays below it and can be found.
- It holds the lock of the effect until the last process is gone.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import select
import signal
import struct
import sys
import time
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing costs 5 ms, and only the checker needs it
    from typing import NoReturn, TypedDict

    class Order(TypedDict):
        """What the worker wants done."""

        argv: list[str]
        env: dict[str, str]
        folder: str
        timeout_seconds: float
        grace_seconds: float
        tail_bytes: int
        lock: str
        mark: str
        worker: list[int]


PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
MARK = "DRILLBOOK_COMMAND"
LOCK_BYTES = 512
CHUNK_BYTES = 65536
UNREAD_LIMIT = 1 << 20


class Fenced(Exception):
    """Somebody else took the lock's name: this command must not start."""


class NotStarted(Exception):
    """The command cannot be run: the system's error number, and what it is about."""


def started_at(pid: int) -> int:
    """Return the kernel's start time of a process, field 22 of proc(5)."""
    with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - pathlib costs 5 ms here
        return int(file.read().rpartition(b")")[2].split()[19])


def read_exactly(count: int) -> bytes:
    """Read from the death pipe; its end is ours."""
    parts = bytearray()
    while len(parts) < count:
        part = os.read(0, count - len(parts))
        if not part:
            sys.exit(0)
        parts += part
    return bytes(parts)


def descendants() -> list[int]:
    """Return every living process below this one, parents before their children."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - as above
        if name.isdecimal():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 - as above
                    fields = file.read().rpartition(b")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if fields[0] != b"Z":
                children.setdefault(int(fields[1]), []).append(int(name))
    below: list[int] = []
    generation = [os.getpid()]
    while generation:
        found = [child for pid in generation for child in children.get(pid, ())]
        # Numbers may change hands while we look: nobody is looked at twice.
        generation = [pid for pid in found if pid not in below]
        below += generation
    return below


def signal_all(number: int) -> None:
    """Signal everything below this process, so that a parent hears it before its child ends."""
    for pid in descendants():
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            # A program of another user (setuid) is waited for, not signalled.
            continue


def end_everyone() -> None:
    """Kill until nobody is left; orphans come to us, so 'no child' means 'no descendant'."""
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            signal_all(signal.SIGKILL)
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


class Worker:
    """The pipe to the worker: never waited for, because a frozen worker does not read."""

    def __init__(self) -> None:
        self.unsent: deque[bytes] = deque()
        self.size = 0
        self.lost = 0
        os.set_blocking(1, False)

    def tell(self, kind: bytes, content: bytes, *, droppable: bool = False) -> None:
        """Queue a frame; output that nobody reads is counted and let go."""
        if droppable and self.size > UNREAD_LIMIT:
            self.lost += len(content)
            return
        if self.lost:
            count, self.lost = self.lost, 0
            self.tell(b"d", str(count).encode())
        frame = kind + struct.pack(">I", len(content)) + content
        self.unsent.append(frame)
        self.size += len(frame)
        self.send()

    def send(self) -> None:
        """Write as much as the pipe takes."""
        while self.unsent:
            try:
                count = os.write(1, self.unsent[0])
            except BlockingIOError:
                return
            except BrokenPipeError:
                self.unsent.clear()
                return
            self.size -= count
            rest = self.unsent.popleft()[count:]
            if rest:
                self.unsent.appendleft(rest)


def claim(lock: int, order: Order) -> None:
    """Write down who runs the command, then look whether the lock still has its name."""
    holder = {
        "worker": order["worker"],
        "shim": [os.getpid(), started_at(os.getpid())],
        "mark": order["mark"],
    }
    # One write of one size: whoever reads sees the old text or this one. Written before the
    # look, so that somebody who takes the name away either stops us here or finds us there.
    os.pwrite(lock, json.dumps(holder).encode().ljust(LOCK_BYTES), 0)
    try:
        named = os.stat(order["lock"])  # noqa: PTH116 - as above
    except FileNotFoundError:
        raise Fenced from None
    if named.st_ino != os.fstat(lock).st_ino:
        raise Fenced


def start(order: Order, pipes: dict[str, tuple[int, int]]) -> int:
    """Start the command in a session of its own; raise NotStarted when it cannot be run."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    told_read, told_write = os.pipe()
    shim = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            become(order, pipes, libc, shim)
        except OSError as error:
            os.write(told_write, f"{error.errno} {error.filename}".encode())
        finally:
            os._exit(127)
    os.close(told_write)
    problem = os.read(told_read, 4096).decode()
    os.close(told_read)
    if problem:
        os.waitpid(child, 0)
        number, _, what = problem.partition(" ")
        raise NotStarted(int(number), os.strerror(int(number)), what)
    return child


def become(
    order: Order, pipes: dict[str, tuple[int, int]], libc: ctypes.CDLL, shim: int
) -> NoReturn:
    """Turn this forked process into the command."""
    os.setsid()
    # The one child that goes with us when we are killed; the rest carry the mark.
    libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != shim:
        os._exit(127)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    for target, (read, write) in enumerate(pipes.values()):
        os.dup2(read if target == 0 else write, target)
    os.chdir(order["folder"])
    try:
        os.execvpe(order["argv"][0], order["argv"], order["env"])  # noqa: S606 - no shell text
    except OSError as error:
        raise OSError(error.errno, error.strerror, order["argv"][0]) from None


class Supervision:
    """One command under way: its output carried, its time counted, its end seen to."""

    def __init__(self, order: Order, data: bytes, worker: Worker) -> None:
        self.worker = worker
        self.tail_bytes = order["tail_bytes"]
        self.grace = order["grace_seconds"]
        self.tails = {b"o": bytearray(), b"e": bytearray()}
        self.data = memoryview(data)
        self.ending = "exited"
        self.kill_at = float("inf")
        self.end_at = time.monotonic() + order["timeout_seconds"]
        self.worker_lives = True
        pipes = {name: os.pipe() for name in ("stdin", "stdout", "stderr")}
        self.feed = pipes["stdin"][1]
        self.sources = {pipes["stdout"][0]: b"o", pipes["stderr"][0]: b"e"}
        self.child = start(order, pipes)
        for unused in (pipes["stdin"][0], pipes["stdout"][1], pipes["stderr"][1]):
            os.close(unused)
        for ours in (self.feed, *self.sources):
            os.set_blocking(ours, False)
        self.child_handle = os.pidfd_open(self.child)

    def supervise(self, wakeup: int) -> int:
        """Carry output until the command ends; return its exit code after all else ended too."""
        while not self._turn(wakeup):
            pass
        code = os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])
        end_everyone()
        for source in tuple(self.sources):
            while source in self.sources and self._carry(source):
                pass
        return code

    def _turn(self, wakeup: int) -> bool:
        poll = select.poll()
        for number in (wakeup, self.child_handle, *self.sources):
            poll.register(number, select.POLLIN)
        if self.worker_lives:
            poll.register(0, select.POLLIN)
        if self.feed >= 0:
            poll.register(self.feed, select.POLLOUT)
        if self.worker.unsent and self.worker_lives:
            poll.register(1, select.POLLOUT)
        left = min(self.end_at, self.kill_at) - time.monotonic()
        ready = {number for number, _ in poll.poll(min(max(0.0, left), 3600.0) * 1000)}
        for source in ready & set(self.sources):
            self._carry(source)
        if self.feed in ready:
            self._feed()
        if 1 in ready and self.worker_lives:
            self.worker.send()
        self._mind_the_end(ready, wakeup)
        return self.child_handle in ready

    def _mind_the_end(self, ready: set[int], wakeup: int) -> None:
        if 0 in ready and not os.read(0, 1):
            self.worker_lives = False
            self._begin_end("left", min(self.grace, 0.2))
        if wakeup in ready:
            os.read(wakeup, 512)
            self._begin_end("taken-over", min(self.grace, 0.5))
        now = time.monotonic()
        if now >= self.kill_at:
            self.kill_at = float("inf")
            signal_all(signal.SIGKILL)
        elif now >= self.end_at:
            self._begin_end("timed-out", self.grace)

    def _begin_end(self, why: str, grace: float) -> None:
        self.ending = why
        self.end_at = float("inf")
        self.kill_at = min(self.kill_at, time.monotonic() + grace)
        signal_all(signal.SIGTERM)
        signal_all(signal.SIGCONT)

    def _carry(self, source: int) -> bool:
        try:
            chunk = os.read(source, CHUNK_BYTES)
        except BlockingIOError:
            return False
        if not chunk:
            os.close(source)
            del self.sources[source]
            return False
        kind = self.sources[source]
        tail = self.tails[kind]
        tail += chunk
        del tail[: -self.tail_bytes]
        if self.worker_lives:
            self.worker.tell(kind, chunk, droppable=True)
        return True

    def _feed(self) -> None:
        try:
            self.data = self.data[os.write(self.feed, self.data[:CHUNK_BYTES]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.data = self.data[:0]
        if not self.data:
            os.close(self.feed)
            self.feed = -1


def release(lock: int) -> None:
    """Say that nothing runs any more, and let the next one in."""
    os.ftruncate(lock, 0)
    # Unlocked by word, for a frozen worker may still hold its copy of the handle.
    fcntl.flock(lock, fcntl.LOCK_UN)
    os.close(lock)


def main() -> None:
    """Read the order, run the command, tell how it went."""
    lock = int(sys.argv[1])
    fcntl.fcntl(lock, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    wakeup, wakeup_write = os.pipe()
    os.set_blocking(wakeup_write, False)
    signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    order = json.loads(read_exactly(*struct.unpack(">I", read_exactly(4))))
    data = read_exactly(*struct.unpack(">I", read_exactly(4)))
    worker = Worker()
    try:
        claim(lock, order)
        begun = time.monotonic()
        supervision = Supervision(order, data, worker)
        code = supervision.supervise(wakeup)
        seconds = time.monotonic() - begun
    except Fenced:
        worker.tell(b"f", b"")
    except NotStarted as error:
        release(lock)
        worker.tell(b"x", json.dumps(error.args).encode())
    else:
        release(lock)
        for kind, tail in supervision.tails.items():
            worker.tell(kind.upper(), bytes(tail))
        end = {"ending": supervision.ending, "code": code, "seconds": seconds}
        worker.tell(b".", json.dumps(end).encode())
        if supervision.ending == "taken-over":
            # Whoever took over waits for this process's end, and a frozen worker reads nothing.
            return
    # Sent to the end now: the worker reads it, or its end closes the pipe.
    os.set_blocking(1, True)
    worker.send()


if __name__ == "__main__":
    main()
