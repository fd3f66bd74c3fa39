"""Ask an app over HTTP, with every call bounded in time and size."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from drillbook.core.effect import deadline
from drillbook.core.errors import Refused
from drillbook.core.secret import scrub
from drillbook.ports.probe import Answer, Question
from drillbook.remote.within import GRACE_SECONDS, within

LARGEST_BODY_BYTES = 1_000_000
USER_AGENT = "drillbook-probe"


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """The `Probe` port on an app behind a URL; `address` reveals it at the moment of use."""

    address: Callable[[], str]
    health_path: str = "/"
    release_path: str = ""

    @property
    def target(self) -> str:
        """The app's address without user, password and query."""
        parts = urlsplit(self.address())
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}{parts.path.rstrip('/')}"

    def ask(self, question: Question) -> Answer:
        """Send one request; no answer is an answer with status 0."""
        if not question.path.startswith("/") or question.path.startswith("//"):
            raise Refused(
                f"{question.path!r} is not a path on the app", hint="Start it with one slash."
            )
        url = self.address().rstrip("/") + question.path
        seconds = deadline.get().left(at_most=question.timeout_seconds)
        begun = time.monotonic()
        try:
            return within(seconds + GRACE_SECONDS, lambda: _answer(url, question, begun, seconds))
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
        return Answer(status=0, seconds=time.monotonic() - begun, problem=problem)


def _answer(url: str, question: Question, begun: float, seconds: float) -> Answer:
    # A client of its own for each call: a kept connection would hide that new ones fail.
    with (
        httpx.Client(timeout=seconds, follow_redirects=False, trust_env=False) as client,
        client.stream(
            question.method,
            url,
            content=question.body or None,
            headers={"User-Agent": USER_AGENT, **question.headers},
        ) as response,
    ):
        body, cut = _read(response, begun + seconds)
        return Answer(
            status=response.status_code,
            seconds=time.monotonic() - begun,
            text=_text(body, response.charset_encoding),
            media_type=response.headers.get("content-type", "").partition(";")[0],
            cut=cut,
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
