"""What a platform answered, and what it means in our errors."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from pydantic import JsonValue, ValidationError

from drillbook.core.errors import DrillbookError, NotFound, Refused
from drillbook.core.secret import scrub

UNAUTHORIZED, FORBIDDEN, MISSING, TOO_MANY, SERVER_ERRORS = 401, 403, 404, 429, 500
LONGEST_WORDS = 300
_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?')


def first_misfit(error: ValidationError, whole: str = "the answer") -> str:
    """Say where an answer first differs from its known form, and how; never what it held."""
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or whole}: {first['msg']}"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; header names are in lower case, and `body` is None where there was none."""

    status: int
    body: JsonValue = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    @property
    def is_limit(self) -> bool:
        """Whether the platform turned the request away unread: it has had too many."""
        if self.status == TOO_MANY:
            return True
        # GitHub says 403 for it, and tells it from a missing right by these headers, or in words.
        spent = self.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in self.headers
        return self.status == FORBIDDEN and (spent or "rate limit" in self.words.lower())

    @property
    def wait_seconds(self) -> float | None:
        """How long the platform asks us to wait; None when it does not say."""
        asked = self.headers.get("retry-after", "")
        if asked.strip().isdecimal():
            return float(asked)
        try:
            return max(0.0, parsedate_to_datetime(asked).timestamp() - time.time())
        except ValueError:
            pass
        reset = self.headers.get("x-ratelimit-reset", "")
        spent = self.is_limit and reset.isdecimal()
        return max(0.0, float(reset) - time.time()) if spent else None

    @property
    def next_url(self) -> str:
        """The address of the next page as a Link header says it; empty on the last one."""
        found = _NEXT.search(self.headers.get("link", ""))
        return found[1] if found else ""

    @property
    def words(self) -> str:
        """What the platform says about an error, in short and without secrets."""
        return scrub(_words(self.body))[:LONGEST_WORDS]


def refusal(name: str, asked: str, reply: Reply, right: str) -> DrillbookError:
    """Return the error that an answer of 300 to 499 means."""
    said = f": {reply.words}" if reply.words else ""
    if reply.status == UNAUTHORIZED:
        return Refused(
            f"{name} does not accept the token ({reply.status}{said})",
            hint=f"Check the token of {name} in stack.toml: it may have expired.",
        )
    if reply.status == FORBIDDEN:
        accepted = reply.headers.get("x-accepted-github-permissions", "") or right
        wanted = f"It needs: {accepted}." if accepted else f"It must be allowed to {asked}."
        return Refused(
            f"{name} does not let this token {asked} ({reply.status}{said})",
            hint=f"Give the token of {name} in stack.toml the right that is missing. {wanted}",
        )
    if reply.status == MISSING:
        return NotFound(
            f"{name} has nothing at {asked} ({reply.status}{said})",
            hint="Check the names in stack.toml, and that the token may see them.",
        )
    if reply.status < UNAUTHORIZED - 1:
        return Refused(
            f"{name} sent {asked} elsewhere ({reply.status})",
            hint="Check `api` and the names in stack.toml: redirects are not followed.",
        )
    return Refused(f"{name} refused {asked} ({reply.status}{said})")


def _words(body: JsonValue) -> str:
    if isinstance(body, str):
        return body
    if not isinstance(body, dict):
        return ""
    inner = body.get("error")
    if isinstance(inner, dict):
        return _words(inner) or str(inner.get("code") or "")
    for name in ("message", "msg", "error_description", "error"):
        if isinstance(said := body.get(name), str) and said:
            return said
    return ""
