"""Start a database server again, by its platform, and see when it was started."""

from datetime import datetime
from typing import Protocol


class Restarts(Protocol):
    """Asks the platform once; the end is seen at the server itself."""

    def restart(self) -> None:
        """
        Ask for a restart of the project's server.

        Errors: Refused with the platform's words, Unavailable when surely nothing was asked for,
        OutcomeUnknown when the answer was lost.
        """
        ...


class Uptime(Protocol):
    """Asks the server itself since when it has been running."""

    def started(self) -> datetime:
        """Return when the server was started, by the clock of this machine."""
        ...
