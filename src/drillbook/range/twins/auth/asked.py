"""A request to the auth service, and the errors it answers with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from drillbook.range.twins.documents import Document

# From this version of its API on, GoTrue says an error's code in words.
WORDS_SINCE = "2024-01-01"


class AuthError(Exception):
    """The auth service says no, or cannot."""

    def __init__(self, status: int, code: str, message: str, more: Document | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.more = more or {}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says, read once; `now` is the service's own clock."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    values: Document
    address: str
    now: datetime

    def text(self, name: str) -> str:
        """Return a value of the body as text, empty when it is not there."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    @property
    def bearer(self) -> str:
        """The token of the Authorization header."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise AuthError(401, "no_authorization", "This endpoint requires a valid Bearer token")
        return token.strip()


def error_body(error: AuthError, version: str) -> Document:
    """Return an error's body as the version of the API asked for has it."""
    if version >= WORDS_SINCE:
        return {"code": error.code, "message": error.message, **error.more}
    said = {"code": error.status, "error_code": error.code, "msg": error.message}
    return {**said, **error.more}
