"""Workers know of one another: who lives, who died, and whose runs must be taken over."""

import os
import socket
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from secrets import token_hex
from time import monotonic, sleep
from typing import Protocol

from drillbook.core.secret import scrub

BEAT_SECONDS = 0.3
FROZEN_SECONDS = 10.0
EXIT_FENCED = 70
RETRY_SECONDS = 5.0


class Fleet(Protocol):
    """One worker's membership: a lock only a living process can hold. No clocks decide."""

    executor: str

    def join(self) -> None:
        """Become known, holding the lock until this process ends."""
        ...

    def beat(self) -> None:
        """Show that this worker moves; end the process at once when its lock is lost."""
        ...

    def still_mine(self) -> None:
        """Return when this worker still holds its lock; else end the process, acting no more."""
        ...

    def alone(self, effect: str) -> AbstractContextManager[None]:
        """Hold an effect, waiting for whoever works on it: a run that was stopped dead may."""
        ...

    def dead(self) -> list[str]:
        """Return the workers that are gone, each locked for us; frozen ones are ended first."""
        ...

    def known(self) -> set[str]:
        """Return all workers known here, alive or dead, this one too."""
        ...

    def leave(self) -> None:
        """Be known no more: nothing is under way here."""
        ...

    def forget(self, executor: str) -> None:
        """Strike a dead worker off, after its runs were taken over."""
        ...


@dataclass
class Watched:
    """When each peer was last seen to move, by this process's own clock, which sleeps with it."""

    _seen: dict[str, tuple[object, float]] = field(default_factory=dict[str, tuple[object, float]])

    def is_frozen(self, executor: str, beat: object) -> bool:
        """Whether the peer's beat has not changed for ten seconds of our own running time."""
        last = self._seen.get(executor)
        if last is None or last[0] != beat:
            self._seen[executor] = (beat, monotonic())
            return False
        return monotonic() - last[1] > FROZEN_SECONDS


def stand_still(error: Exception) -> None:
    """Say why no effect can be held now, and wait a moment before the next try."""
    says = scrub(str(error)).strip().partition("\n")[0]
    sys.stderr.write(f"error: runs stand still: an effect cannot be locked: {says}\n")
    sys.stderr.flush()
    sleep(RETRY_SECONDS)


def new_executor() -> str:
    """Return a name no other worker ever had."""
    return f"{socket.gethostname()}-{os.getpid()}-{token_hex(4)}"


def fence() -> None:
    """End this process at once: another worker may carry out its runs."""
    os._exit(EXIT_FENCED)
