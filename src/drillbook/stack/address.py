"""Where a system is reached: a reference to a secret, or a literal URL without one."""

import re
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import model_serializer, model_validator

from drillbook.core.errors import SettingsInvalid
from drillbook.core.model import Frozen
from drillbook.core.secret import KINDS, Secret

_SECRET_WORDS = {"password", "passwd", "pwd", "token", "secret", "key", "apikey", "api_key"}
_CONNINFO_PASSWORD = re.compile(r"\bpassword\s*=", re.IGNORECASE)


class Address(Frozen):
    """A URL as stack.toml writes it: `env:NAME`, `file:PATH`, or text that hides nothing."""

    written: str

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        return {"written": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _holds_no_secret(self) -> Self:
        if self.is_reference:
            Secret(ref=self.written)
        elif _holds_secret(self.written):
            # The value itself must not be repeated: this sentence is printed and logged.
            raise ValueError(
                "holds a password in plain text; put the URL into an environment variable or a "
                "file only you can read, and write a reference: env:DATABASE_URL or file:PATH"
            )
        return self

    @model_serializer
    def _as_text(self) -> str:
        return self.written

    @property
    def is_reference(self) -> bool:
        """Whether the value lies elsewhere."""
        return self.written.startswith(KINDS)

    def reveal(self, folder: Path, schemes: tuple[str, ...]) -> str:
        """Return the URL for use at once; file references are relative to the stack's folder."""
        if not self.is_reference:
            return self.written
        value = reference(self.written, folder).reveal()
        if not value.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise SettingsInvalid(
                f"what {self.written} holds is not a URL that starts with "
                f"{' or '.join(f'{scheme}://' for scheme in schemes)}",
                hint="Write the whole URL there.",
            )
        if "http" in schemes and not _has_a_place(value):
            raise SettingsInvalid(
                f"what {self.written} holds is a URL whose host or port cannot be understood",
                hint="Write it as https://HOST or https://HOST:PORT.",
            )
        return value


def reference(written: str, folder: Path) -> Secret:
    """Return the secret a reference names; a relative file lies beside the stack file."""
    kind, _, place = written.partition(":")
    if kind == "file":
        return Secret(ref=f"file:{folder / Path(place).expanduser()}")
    return Secret(ref=written)


def _holds_secret(text: str) -> bool:
    if _CONNINFO_PASSWORD.search(text):
        return True
    try:
        parts = urlsplit(text)
        if parts.password:
            return True
    except ValueError:
        return "@" in text
    return any(name.lower() in _SECRET_WORDS for name, _ in parse_qsl(parts.query))


def _has_a_place(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, half an IPv6 address
        return False
