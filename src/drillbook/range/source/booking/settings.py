"""What the environment says: read at the moment of use, named when it is missing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import environ

from booking import __version__

UNKNOWN = "unknown"


class MissingSettingError(RuntimeError):
    """A value that this request needs is not set."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The values of one deployment."""

    values: Mapping[str, str] = field(default_factory=lambda: dict(environ))

    def need(self, name: str) -> str:
        """Return a value that must be there."""
        value = self.values.get(name, "").strip()
        if not value:
            raise MissingSettingError(f"{name} is not set")
        return value

    def text(self, name: str, default: str = "") -> str:
        """Return a value that need not be there."""
        return self.values.get(name, "").strip() or default

    def number(self, name: str, default: int) -> int:
        """Return a whole number."""
        return int(self.text(name, str(default)))

    def is_on(self, name: str) -> bool:
        """Tell whether a part of the service works; whoever operates it may switch it off."""
        return self.text(name, "on") != "off"

    @property
    def login(self) -> bool:
        """Whether customers sign in; off for development without the auth service."""
        return self.text("LOGIN", "on") != "off"

    @property
    def release(self) -> dict[str, str]:
        """Which code this is, and which deployment of it."""
        return {
            "release": __version__,
            "commit": self.text("VERCEL_GIT_COMMIT_SHA", UNKNOWN),
            "deployment": self.text("VERCEL_DEPLOYMENT_ID", UNKNOWN),
        }
