"""One request over HTTP, sent once and bounded in time and size; no answer is an answer too."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from drillbook.core.effect import deadline
from drillbook.core.secret import scrub
from drillbook.remote.within import GRACE_SECONDS, within

LARGEST_BODY_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Asking:
    """What is sent; redirects are answers, not followed."""

    url: str
    method: str = "GET"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back, header names in lower case; status 0 and a `problem` when nothing did."""

    status: int
    seconds: float
    text: str = ""
    media_type: str = ""
    problem: str = ""
    cut: bool = False
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    @property
    def date(self) -> datetime | None:
        """What the other side took the time to be, to the second; None when it does not say."""
        try:
            said = parsedate_to_datetime(self.headers.get("date", ""))
        except ValueError:
            return None
        return said if said.tzinfo else None


def ask(asking: Asking) -> Heard:
    """Send one request, once, within its time-out and the task's deadline."""
    seconds = deadline.get().left(at_most=asking.timeout_seconds)
    begun = time.monotonic()
    try:
        return within(seconds + GRACE_SECONDS, lambda: _heard(asking, begun, seconds))
    except (TimeoutError, httpx.TimeoutException):
        problem = f"no answer within {seconds:g} s"
    except httpx.ConnectError as error:
        problem = f"no connection ({scrub(str(error))})"
    except httpx.LocalProtocolError:
        # Not repeated: it holds the header's value, which may be a secret.
        problem = "the request cannot be sent (a header holds what HTTP does not allow)"
    except httpx.HTTPError as error:
        problem = f"the connection broke ({type(error).__name__}: {scrub(str(error))})"
    except (httpx.InvalidURL, UnicodeError) as error:
        problem = f"the request cannot be sent ({scrub(str(error))})"
    return Heard(status=0, seconds=time.monotonic() - begun, problem=problem)


def shown_address(url: str) -> str:
    """Return an address for sentences: without user, password and query."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path.rstrip('/')}"


def _heard(asking: Asking, begun: float, seconds: float) -> Heard:
    # A client of its own for each call: a kept connection would hide that new ones fail.
    secure = urlsplit(asking.url).scheme == "https"
    with (
        # Certificates cost 20 ms to load: only where they are used.
        httpx.Client(
            timeout=seconds, follow_redirects=False, trust_env=False, verify=secure
        ) as client,
        client.stream(
            asking.method, asking.url, content=asking.body or None, headers=asking.headers
        ) as response,
    ):
        body, cut = _read(response, begun + seconds)
        return Heard(
            status=response.status_code,
            seconds=time.monotonic() - begun,
            text=_text(body, response.charset_encoding),
            media_type=response.headers.get("content-type", "").partition(";")[0],
            cut=cut,
            headers={name.lower(): value for name, value in response.headers.items()},
        )


def _read(response: httpx.Response, until: float) -> tuple[bytes, bool]:
    body = bytearray()
    for chunk in response.iter_bytes(65536):
        body += chunk
        if len(body) > LARGEST_BODY_BYTES:
            return bytes(body[:LARGEST_BODY_BYTES]), True
        if time.monotonic() > until:  # a body that drips never trips the read time-out
            raise httpx.ReadTimeout("the body did not end in time")
    return bytes(body), False


def _text(body: bytes, charset: str | None) -> str:
    try:
        return body.decode(charset or "utf-8", "replace")
    except LookupError:  # a charset that nobody knows
        return body.decode("utf-8", "replace")
