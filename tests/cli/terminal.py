"""A person at a terminal: a real pseudo-terminal, typed at and read from."""

import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from types import TracebackType
from typing import Self

from cli.place import Place

COLUMNS, ROWS = 120, 40
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\r")


class Terminal:
    """One command in a pseudo-terminal of its own session, as a shell would start it."""

    def __init__(self, place: Place, *arguments: str, user: str = "ana", **env: str) -> None:
        self._own, other = os.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environment = place.env | {"DRILLBOOK_USER": user, "TERM": "xterm-256color"} | env
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cli.controlled", *arguments],
            cwd=place.folder,
            env=environment | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
        )
        os.close(other)
        place.started.append(self.process)
        self.raw = ""
        self._read_to = 0

    @property
    def text(self) -> str:
        """What was shown, without what moves the cursor or colours it."""
        return _CONTROL.sub("", self.raw)

    def sees(self, part: str, seconds: float = 60.0) -> str:
        """Wait until this text is shown, after what was seen last; return all shown until then."""
        ends = time.monotonic() + seconds
        while (at := self.text.find(part, self._read_to)) < 0:
            assert time.monotonic() < ends, f"{part!r} was never shown in:\n{self.text}"
            if not self._read(0.2) and self.process.poll() is not None and not self._read(0.2):
                raise AssertionError(f"the command ended without {part!r}:\n{self.text}")
        self._read_to = at + len(part)
        return self.text[: self._read_to]

    def types(self, line: str) -> None:
        os.write(self._own, f"{line}\n".encode())

    def presses(self, key: bytes) -> None:
        os.write(self._own, key)

    def ends(self, seconds: float = 60.0) -> int:
        """Read to the end and return the exit code."""
        until = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < until, f"the command never ended:\n{self.text}"
            self._read(0.2)
        while self._read(0.1):
            pass
        return self.process.returncode

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._own], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self._own, 65536)
        except OSError:  # Linux says so when the other side is closed
            return False
        self.raw += data.decode("utf-8", "replace")
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._own)
