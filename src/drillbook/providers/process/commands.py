"""Commands under the shim: what the worker's side of it does."""

import json
import os
import secrets
import select
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from errno import EACCES, ENOENT, ENOTDIR
from functools import partial
from pathlib import Path

from drillbook.core.effect import deadline
from drillbook.core.errors import DrillbookError, Failed, NotFound, OutcomeUnknown, Refused
from drillbook.core.process_identity import ProcessIdentity, identify, wait_until_gone
from drillbook.ports.commands import Command, Ending, Finished, OnOutput, Stream
from drillbook.providers.process import lock, shim
from drillbook.providers.process.output import Lines, tail_text

INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR")
TAIL_BYTES = 65536
GRACE_SECONDS = 5.0
PATIENCE_SECONDS = 10.0
# How long after its command's time-out a shim may need to say so.
SILENCE_SECONDS = 30.0
KEPT_LOCK_SECONDS = 86400.0
STREAMS = {b"o": Stream.OUTPUT, b"e": Stream.ERRORS}


class ProcessCommands:
    """Commands of this machine; workers that share the folder run an effect once at a time."""

    def __init__(
        self,
        folder: Path,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._folder = folder.absolute()
        self._patience = patience_seconds
        self._grace = grace_seconds
        if self._folder.exists():
            lock.tidy(self._folder, older_than_seconds=KEPT_LOCK_SECONDS)

    def run(
        self,
        command: Command,
        *,
        on_output: OnOutput | None = None,
        before_start: Callable[[], None] | None = None,
    ) -> Finished:
        """Run a command to its end and to the end of everything it started."""
        mark = secrets.token_hex(16)
        timeout = deadline.get().left(at_most=command.timeout_seconds)
        held = lock.take(self._folder, command.effect_key, mark, patience_seconds=self._patience)
        try:
            process = _start_shim(held)
        finally:
            # From here on the lock lives and dies with the shim.
            os.close(held.handle)
        try:
            if before_start is not None:
                before_start()
            order = self._order(command, held, mark, timeout)
            _send(process, order, command.stdin)
            return _Reading(process, command, timeout, on_output).finish()
        finally:
            _let_go(process, mark)

    def _order(self, command: Command, held: lock.Lock, mark: str, timeout: float) -> bytes:
        base = {name: os.environ[name] for name in INHERITED if name in os.environ}
        me = identify(os.getpid())
        assert me is not None  # noqa: S101 - this process runs
        order: shim.Order = {
            "argv": list(command.argv),
            "env": base | dict(command.env) | {shim.MARK: mark},
            "folder": str(command.folder or tempfile.gettempdir()),
            "timeout_seconds": timeout,
            "grace_seconds": self._grace,
            "tail_bytes": TAIL_BYTES,
            "lock": str(held.path),
            "mark": mark,
            "worker": [me.pid, me.started],
        }
        return json.dumps(order).encode()


class _Reading:
    """What a shim tells about one command, read to its end."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        command: Command,
        timeout: float,
        on_output: OnOutput | None,
    ) -> None:
        self._process = process
        self._command = command
        self._until = time.monotonic() + timeout + SILENCE_SECONDS
        self._tails: dict[bytes, bytes] = {}
        self._sizes = {b"o": 0, b"e": 0}
        show = on_output or _show_nothing
        self._lines = {kind: Lines(partial(show, stream)) for kind, stream in STREAMS.items()}

    def finish(self) -> Finished:
        """Read until the command's end is told."""
        for kind, content in self._frames():
            if kind in self._lines:
                self._sizes[kind] += len(content)
                self._lines[kind].add(content)
            elif kind == b"d":
                self._sizes = {name: size + int(content) for name, size in self._sizes.items()}
                self._lines[b"e"].add(f"… {content.decode()} bytes were not shown\n".encode())
            elif kind == b"x":
                raise self._cannot_start(*json.loads(content))
            elif kind == b"f":
                raise self._taken_over()
            elif kind == b".":
                return self._finished(json.loads(content))
            else:
                self._tails[kind.lower()] = content
        raise self._cut_off()

    def _frames(self) -> Iterator[tuple[bytes, bytes]]:
        while head := self._read(5):
            (size,) = struct.unpack(">I", head[1:])
            content = self._read(size)
            if len(content) < size:
                return
            yield head[:1], content

    def _read(self, count: int) -> bytes:
        assert self._process.stdout is not None  # noqa: S101 - opened as a pipe
        handle = self._process.stdout.fileno()
        parts = bytearray()
        watch = select.poll()
        watch.register(handle, select.POLLIN)
        while len(parts) < count:
            if not watch.poll(max(0.0, self._until - time.monotonic()) * 1000):
                return b""
            part = os.read(handle, count - len(parts))
            if not part:
                return b""
            parts += part
        return bytes(parts)

    def _finished(self, end: dict[str, object]) -> Finished:
        for lines in self._lines.values():
            lines.add(b"", final=True)
        if end["ending"] == "taken-over":
            raise self._taken_over()
        code = int(str(end["code"]))
        timed_out = end["ending"] == "timed-out"
        natural = Ending.SIGNALLED if code < 0 else Ending.EXITED
        tails = {
            kind: tail_text(self._tails[kind], whole=self._sizes[kind] <= TAIL_BYTES)
            for kind in STREAMS
        }
        return Finished(
            ending=Ending.TIMED_OUT if timed_out else natural,
            exit_code=code,
            output_tail=tails[b"o"],
            error_tail=tails[b"e"],
            seconds=float(str(end["seconds"])),
        )

    def _cannot_start(self, number: int, reason: str, what: str) -> DrillbookError:
        program = self._command.argv[0]
        if what != program:
            return Refused(
                f"the folder {what} cannot be entered: {reason}",
                hint="Name a folder that exists and that the worker may enter.",
            )
        # A folder in PATH that may not be entered turns "not there" into "not allowed".
        if number in {ENOENT, ENOTDIR} or (number == EACCES and _is_nowhere(program)):
            return NotFound(
                f"the program {program} is not on this machine",
                hint="Install it for the worker, or put its folder into the worker's PATH.",
            )
        if number == EACCES:
            return Refused(
                f"the program {program} may not be run: {reason}", hint="Make it executable."
            )
        return Failed(f"the program {program} cannot be run: {reason}", hint="See its first line.")

    def _taken_over(self) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"another worker took {self._command.argv[0]} over and ended it here",
            hint="Look at what it was to change; the other worker goes on with it.",
        )

    def _cut_off(self) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{self._command.argv[0]} was cut off: its shim ended without a word",
            hint="Something killed it (out of memory?); look at what it was to change.",
        )


def _start_shim(held: lock.Lock) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-I", "-S", shim.__file__, str(held.handle)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=(held.handle,),
        start_new_session=True,
        cwd="/",
        env={name: os.environ[name] for name in INHERITED if name in os.environ},
        bufsize=0,
    )


def _send(process: "subprocess.Popen[bytes]", order: bytes, data: bytes) -> None:
    assert process.stdin is not None  # noqa: S101 - opened as a pipe
    message = b"".join((struct.pack(">I", len(order)), order, struct.pack(">I", len(data)), data))
    view = memoryview(message)
    # A shim that is gone already says so by its silence, which the reading finds.
    with suppress(BrokenPipeError):
        while view:
            view = view[os.write(process.stdin.fileno(), view) :]


def _let_go(process: "subprocess.Popen[bytes]", mark: str) -> None:
    """Close the death pipe and see the shim end; what a killed shim left behind is ended here."""
    assert process.stdin is not None  # noqa: S101 - opened as a pipe
    assert process.stdout is not None  # noqa: S101 - as above
    running = identify(process.pid)
    process.stdin.close()
    process.stdout.close()
    if running is not None and not wait_until_gone(running, lock.SHIM_SECONDS):
        lock.end(lock.Holder(running, running, mark))
    if process.wait() != 0:
        lock.end(lock.Holder(ProcessIdentity(process.pid, 0), None, mark))


def _show_nothing(stream: Stream, line: str) -> None:
    """Let a line go that nobody wants to see."""


def _is_nowhere(program: str) -> bool:
    if os.sep in program:
        return False
    # Not Path.exists: of folders that may not be entered it raises, and says nothing.
    found = (os.path.exists(os.path.join(folder, program)) for folder in os.get_exec_path())  # noqa: PTH110, PTH118
    return not any(found)
