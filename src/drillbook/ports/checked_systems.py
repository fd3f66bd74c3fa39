"""The systems that checks may ask; an environment need not have all of them."""

from typing import Protocol

from drillbook.ports.probe import Probe
from drillbook.ports.readings import Readings


class CheckedSystems(Protocol):
    """Hands out a system when a check asks for it; SettingsInvalid when it is not there."""

    @property
    def environment(self) -> str:
        """The environment's name."""
        ...

    def app(self) -> Probe:
        """Return the app."""
        ...

    def database(self) -> Readings:
        """Return the database."""
        ...

    def secret(self, reference: str) -> str:
        """Reveal a secret for use at once; a relative file lies beside the stack file."""
        ...
