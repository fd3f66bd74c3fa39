"""How many requests one may send: fixed windows, counted in Valkey."""

import time
from dataclasses import dataclass
from threading import Lock

from booking.logs import Log
from booking.problems import AwayError
from booking.settings import Settings
from booking.valkey import Valkey

WINDOW_SECONDS = 60
REQUESTS, LOGINS = 6000, 600
# While Valkey is away nobody waits for it again and again.
AWAY_SECONDS = 1.0
# One script: a count without an end would lock its owner out for ever.
COUNT = """
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return n
"""


@dataclass(frozen=True, slots=True)
class Policy:
    """So many requests in a window."""

    name: str
    quota: int
    window_seconds: int = WINDOW_SECONDS


@dataclass(frozen=True, slots=True)
class Standing:
    """How one stands in the present window."""

    policy: Policy
    used: int
    reset_seconds: int

    @property
    def exceeded(self) -> bool:
        """Whether this request is one too many."""
        return self.used > self.policy.quota

    def headers(self) -> dict[str, str]:
        """Return the headers of the IETF's draft, and when to come again."""
        name, left = self.policy.name, max(0, self.policy.quota - self.used)
        told = {
            "RateLimit-Policy": f'"{name}";q={self.policy.quota};w={self.policy.window_seconds}',
            "RateLimit": f'"{name}";r={left};t={self.reset_seconds}',
        }
        return told | ({"Retry-After": str(self.reset_seconds)} if self.exceeded else {})


class Limiter:
    """Counts by user or address; lets everybody through while Valkey is away, and says so."""

    def __init__(self, settings: Settings, log: Log) -> None:
        url = settings.text("VALKEY_URL") if settings.is_on("RATE_LIMITS") else ""
        self._valkey = Valkey(url) if url else None
        self._log = log
        self._lock = Lock()
        self._away_until = 0.0
        self.requests = Policy("requests", settings.number("RATE_LIMIT_PER_MINUTE", REQUESTS))
        self.logins = Policy("logins", settings.number("RATE_LIMIT_LOGINS_PER_MINUTE", LOGINS))

    def count(self, policy: Policy, who: str) -> Standing | None:
        """Count a request; None when it could not be counted."""
        if self._valkey is None or time.monotonic() < self._away_until:
            return None
        window, into = divmod(int(time.time()), policy.window_seconds)
        key = f"booking:limit:{policy.name}:{who}:{window}"
        try:
            used = self._valkey.run("EVAL", COUNT, "1", key, str(policy.window_seconds))
        except AwayError as error:
            with self._lock:
                self._away_until = time.monotonic() + AWAY_SECONDS
            self._log.warn("requests are not counted", problem=str(error))
            return None
        return Standing(policy, used if isinstance(used, int) else 0, policy.window_seconds - into)
