"""How the login service is, seen from outside: by logging in, never by its word."""

from enum import StrEnum
from typing import Protocol

from drillbook.core.model import Frozen

SKEW_SECONDS = 30.0  # the leeway that libraries allow is 0 to 60 s


class LoginKind(StrEnum):
    """How far a look at the login service went."""

    SIGNED_IN = "signed in as the test user"
    REFUSED = "refused a user nobody is"


class AuthSeen(Frozen):
    """
    What the login service did when asked several times.

    `alive`: every answer came in time, and was what a service that works must answer: a token for
    the test user, or a refusal (400) of a user that does not exist. `limited` counts the answers
    "too many requests": the service lives, and we learn nothing more. None: we did not get
    through to it (a key is missing, another address), so nothing is known.

    The clocks are the service's minus ours, in seconds; the first by `iat` of a token, the second
    by the Date header, which a proxy in front may have written with a clock of its own. None: not
    known. Both are exact to about a second, and to half the time the answer took. `skewed`: tokens
    are made so far from our time that many apps refuse them as made in the future, or as ended.
    """

    address: str
    kind: LoginKind
    alive: bool | None
    asked: int
    failed: int
    limited: int
    statuses: tuple[int, ...]
    seconds: tuple[float, ...]
    median_seconds: float
    problem: str
    keys: int | None
    keys_problem: str
    token_clock_seconds: float | None
    date_clock_seconds: float | None
    skewed: bool
    says: str


class AuthState(Protocol):
    """Looks at the login service of an environment."""

    def look(self) -> AuthSeen | None:
        """Ask for logins and for the keys; None where the stack names no login service."""
        ...
