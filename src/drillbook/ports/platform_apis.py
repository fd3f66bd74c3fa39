"""Whether the platforms' own interfaces answer us, and what they say of the project's services."""

from typing import Protocol

from drillbook.core.model import Frozen
from drillbook.ports.platform import Service


class ApiSeen(Frozen):
    """
    How a platform's API answered, asked several times side by side with our token.

    `alive`: all answers came in time, and none was a server's error or "too many requests". A
    token that is refused is an answer: `problem` says so. `clock_seconds` is the platform's clock
    minus ours by its Date header, exact to about a second; None where it says none.
    """

    name: str
    address: str
    alive: bool
    asked: int
    failed: int
    statuses: tuple[int, ...]
    median_seconds: float
    problem: str
    clock_seconds: float | None
    says: str


class PlatformApis(Protocol):
    """Asks the platforms that the stack of an environment names."""

    def apis(self) -> tuple[ApiSeen, ...]:
        """Ask each API for what it must know, side by side; changes nothing."""
        ...

    def services(self) -> tuple[Service, ...] | None:
        """Return the services of the database's project; None where no platform runs it."""
        ...
