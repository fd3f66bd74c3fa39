"""A platform's JSON API: reads are tried again, a write is sent once, all within the deadline."""

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

import httpx
from pydantic import JsonValue
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter

from drillbook.core.effect import deadline
from drillbook.core.errors import DrillbookError, Failed, OutcomeUnknown, Unavailable
from drillbook.core.secret import scrub
from drillbook.remote.reply import SERVER_ERRORS, Reply, refusal
from drillbook.remote.within import GRACE_SECONDS, within

READ_SECONDS = 30.0  # all tries of one read together, at most
TRY_SECONDS = 10.0
WRITE_SECONDS = 30.0
LARGEST_BODY_BYTES = 32 * 2**20
USER_AGENT = "drillbook"
Values = Mapping[str, str | int | float | bool]
_backoff = wait_exponential_jitter(initial=0.1, max=5.0, jitter=0.1)


class _AgainError(Exception):
    """A read may be tried again, perhaps after the time the platform asks for."""

    def __init__(self, problem: str, wait_seconds: float | None = None) -> None:
        super().__init__(problem)
        self.wait_seconds = wait_seconds


@dataclass(frozen=True)
class JsonApi:
    """
    One platform; `token` reveals the bearer token at the moment of use.

    Errors: Refused (401, 403, other 4xx with the platform's words), NotFound (404), Unavailable
    (nothing was carried out), OutcomeUnknown (a write was sent and its answer did not come).
    """

    name: str
    url: str
    token: Callable[[], str]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Values = field(default_factory=dict[str, str | int | float | bool])

    def get(self, path: str, query: Values | None = None, *, right: str = "") -> JsonValue:
        """Read a path below the API's URL; tried again after no answer, 5xx and 429."""
        return self.read(path, query, right=right).body

    def read(
        self,
        path: str,
        query: Values | None = None,
        *,
        accept: Collection[int] = (),
        right: str = "",
        raw: bool = False,
    ) -> Reply:
        """Read and return status and headers too; `raw` leaves the body a text."""
        until = time.monotonic() + deadline.get().left(at_most=READ_SECONDS)

        def stop(state: RetryCallState) -> bool:
            return time.monotonic() + state.upcoming_sleep >= until

        tries = Retrying(
            retry=retry_if_exception_type(_AgainError), wait=_wait, stop=stop, reraise=True
        )
        try:
            reply = tries(self._read_once, path, query or {}, until, raw=raw)
        except _AgainError as error:
            raise self._unavailable(f"GET {path}", error) from error
        return self._judged(f"GET {path}", reply, accept, right)

    def send(
        self,
        method: str,
        path: str,
        body: JsonValue = None,
        query: Values | None = None,
        *,
        accept: Collection[int] = (),
        right: str = "",
    ) -> Reply:
        """Send one write, once; statuses of 400 and more that `accept` names are returned."""
        asked = f"{method} {path}"
        seconds = deadline.get().left(at_most=WRITE_SECONDS)
        try:
            status, headers, text = self._exchange(
                self._writing, method, path, query or {}, seconds, body
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            problem = _AgainError(f"no connection ({scrub(str(error))})")
            raise self._unavailable(asked, problem) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise self._unknown(asked, _problem(error, seconds)) from error
        parsed, is_json = _parsed(text)
        reply = Reply(status, parsed, headers)
        if reply.is_limit:
            limited = _AgainError(_limit(reply), reply.wait_seconds)
            raise self._unavailable(asked, limited)
        # A 503 as well: it may come from a gateway that lost the answer.
        if status >= SERVER_ERRORS and status not in accept:
            raise self._unknown(asked, f"it answered {status} {reply.words}".rstrip())
        if status < httpx.codes.MULTIPLE_CHOICES and not is_json:
            raise self._unknown(asked, f"it answered {status} with what is no JSON")
        return self._judged(asked, reply, accept, right)

    def _read_once(self, path: str, query: Values, until: float, *, raw: bool) -> Reply:
        seconds = max(0.1, min(TRY_SECONDS, until - time.monotonic()))
        try:
            status, headers, text = self._exchange(self._reading, "GET", path, query, seconds, None)
        except (httpx.HTTPError, TimeoutError) as error:
            raise _AgainError(_problem(error, seconds)) from error
        parsed, is_json = (text, True) if raw else _parsed(text)
        reply = Reply(status, parsed, headers)
        if status < httpx.codes.MULTIPLE_CHOICES and not is_json:
            raise _AgainError(f"it answered {status} with what is no JSON")
        if reply.is_limit:
            raise _AgainError(_limit(reply), reply.wait_seconds)
        if status >= SERVER_ERRORS:
            problem = f"it answered {status} {reply.words}".rstrip()
            raise _AgainError(problem, reply.wait_seconds)
        return reply

    def _exchange(
        self,
        client: httpx.Client,
        method: str,
        path: str,
        query: Values,
        seconds: float,
        body: JsonValue,
    ) -> tuple[int, dict[str, str], str]:
        request = client.build_request(
            method,
            httpx.URL(self._address(path)).copy_merge_params({**self.query, **query}),
            json=body,
            headers={**self.headers, "Authorization": f"Bearer {self.token()}"},
            timeout=seconds,
        )
        until = time.monotonic() + seconds
        return within(seconds + GRACE_SECONDS, lambda: _response(client, request, until))

    def _address(self, path: str) -> str:
        if path.startswith("/") and not path.startswith("//"):
            return self.url.rstrip("/") + path
        # The address of a next page: the token goes to nobody else.
        if urlsplit(path)[:2] != urlsplit(self.url)[:2]:
            raise Failed(f"{self.name} names a page that is not its own: {scrub(path)}")
        return path

    @cached_property
    def _reading(self) -> httpx.Client:
        return _client(self.url)

    @cached_property
    def _writing(self) -> httpx.Client:
        # A kept connection may be closed at the other end while we send: was it carried out?
        return _client(self.url, kept=0)

    def _judged(self, asked: str, reply: Reply, accept: Collection[int], right: str) -> Reply:
        if reply.status < httpx.codes.MULTIPLE_CHOICES or reply.status in accept:
            return reply
        raise refusal(self.name, asked, reply, right)

    def _unavailable(self, asked: str, error: _AgainError) -> DrillbookError:
        hint = "Nothing was changed; trying again is safe."
        if error.wait_seconds:
            hint = f"{self.name} asks to wait {error.wait_seconds:.0f} s. {hint}"
        return Unavailable(f"{self.name} cannot answer {asked}: {error}", hint=hint)

    def _unknown(self, asked: str, problem: str) -> DrillbookError:
        return OutcomeUnknown(
            f"{self.name} was sent {asked}, and whether it was carried out is open: {problem}",
            hint=f"Look at {self.name} before sending it again.",
        )


def _client(url: str, *, kept: int = 5) -> httpx.Client:
    secure = urlsplit(url).scheme == "https"
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=kept)
    return httpx.Client(
        verify=secure,  # certificates cost 20 ms to load: only where they are used
        follow_redirects=False,
        trust_env=False,
        limits=limits,
        headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
    )


def _response(
    client: httpx.Client, request: httpx.Request, until: float
) -> tuple[int, dict[str, str], str]:
    response = client.send(request, stream=True)
    try:
        body = bytearray()
        for chunk in response.iter_bytes(65536):
            body += chunk
            if len(body) > LARGEST_BODY_BYTES:
                raise httpx.ReadError(f"more than {LARGEST_BODY_BYTES >> 20} MiB came")
            if time.monotonic() > until:  # a body that drips never trips the read time-out
                raise httpx.ReadTimeout("the body did not end in time")
    finally:
        response.close()
    headers = {name.lower(): value for name, value in response.headers.items()}
    return response.status_code, headers, body.decode("utf-8", "replace")


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait_seconds if isinstance(error, _AgainError) else None
    return _backoff(state) if asked is None else asked


def _problem(error: Exception, seconds: float) -> str:
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return f"no answer within {seconds:.1f} s"
    if isinstance(error, httpx.ConnectError):
        return f"no connection ({scrub(str(error))})"
    return f"the connection broke ({type(error).__name__})"


def _limit(reply: Reply) -> str:
    return f"it has had too many requests ({reply.status})"


def _parsed(text: str) -> tuple[JsonValue, bool]:
    """Return the JSON of a body, None for an empty one, and whether it was JSON."""
    try:
        return (json.loads(text) if text.strip() else None), True
    except ValueError:
        return None, False
