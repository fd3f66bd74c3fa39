"""The systems that checks may ask; an environment need not have all of them."""

from typing import Protocol

from drillbook.ports.probe import Probe
from drillbook.ports.readings import Readings


class CheckedSystems(Protocol):
    """Hands out a system when a check asks for it; SettingsInvalid when it is not there."""

    def app(self) -> Probe:
        """Return the app."""
        ...

    def database(self) -> Readings:
        """Return the database."""
        ...
