"""The firewall before the app: addresses that are kept out, and a mode for an attack."""

from datetime import datetime
from typing import Protocol

from drillbook.core.model import Frozen


class Blocked(Frozen):
    """One address or network that is kept out; `notes` is what was written beside it."""

    id: str
    address: str
    host: str
    notes: str


class AttackMode(Frozen):
    """Whether every client has to show that it is a browser, and until when; None: no end."""

    on: bool
    until: datetime | None = None
    changed: datetime | None = None


class Firewall(Protocol):
    """
    Keep clients out before they reach the app.

    Errors: Refused with the platform's words, OutcomeUnknown when a write's answer was lost.
    """

    def blocked(self) -> tuple[Blocked, ...]:
        """Return who is kept out of the app's address."""
        ...

    def block(self, address: str, notes: str) -> None:
        """Keep an address or a network out of the app's address."""
        ...

    def unblock(self, id: str) -> None:  # noqa: A002 - the platform's word
        """Let one in again; one that is not kept out is no error."""
        ...

    def attack_mode(self) -> AttackMode:
        """Return whether clients are challenged."""
        ...

    def set_attack_mode(self, on: bool, until: datetime | None) -> None:
        """Challenge all clients, or none."""
        ...
