"""The receivers' HTTP: what is answered with success is on the disk."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drillbook.api.receiving import otlp, vercel
from drillbook.api.receiving.gate import MOST_AT_ONCE, whole_body
from drillbook.api.receiving.receivers import Receiver
from drillbook.api.receiving.refusing import NotUnderstoodError, TurnedAwayError
from drillbook.core.errors import DrillbookError

BUSY_SECONDS, FULL_SECONDS = 1, 10
BODY_SECONDS = 20.0
MOST_REMEMBERED = 10_000
INVALID, UNAUTHENTICATED, UNAVAILABLE, EXHAUSTED, UNKNOWN = 3, 16, 14, 8, 2  # google.rpc.Code
CODES = {400: INVALID, 401: UNAUTHENTICATED, 429: EXHAUSTED, 503: UNAVAILABLE}
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True)
class Tally:
    """What came since the start, for whoever looks."""

    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    lines: int = 0
    requests: int = 0
    rejected: int = 0
    turned_away: int = 0
    repeated: int = 0
    newest: datetime | None = None

    def shown(self) -> dict[str, object]:
        """Return it as JSON has it."""
        newest = self.newest.isoformat() if self.newest else None
        return {
            "since": self.since.isoformat(),
            "lines": self.lines,
            "requests": self.requests,
            "rejected": self.rejected,
            "turned_away": self.turned_away,
            "repeated": self.repeated,
            "newest": newest,
        }


@dataclass(slots=True)
class Seen:
    """The requests kept last: one whose answer was lost on its way comes again, and counts once."""

    _digests: OrderedDict[bytes, None] = field(default_factory=OrderedDict[bytes, None])

    def has(self, digest: bytes) -> bool:
        """Whether this request is kept already."""
        return digest in self._digests

    def add(self, digest: bytes) -> None:
        """Remember it, and forget the oldest."""
        self._digests[digest] = None
        if len(self._digests) > MOST_REMEMBERED:
            self._digests.popitem(last=False)


class Reception:
    """All receivers behind one server."""

    def __init__(self, receivers: tuple[Receiver, ...]) -> None:
        self._receivers = {receiver.key: receiver for receiver in receivers}
        self.tallies = {receiver.key: Tally() for receiver in receivers}
        self._under_way = set[bytes]()
        self._seen = {receiver.key: Seen() for receiver in receivers}
        self._at_once = 0

    def app(self) -> Starlette:
        """Return the application: an address each source, and the short ones where one is alone."""
        routes = []
        for above in ("", "/{environment}/{name}"):
            routes += [
                Route(f"{above}/v1/logs", self._otlp(otlp.LOGS), methods=["POST"]),
                Route(f"{above}/v1/traces", self._otlp(otlp.TRACES), methods=["POST"]),
                Route(f"{above}/vercel", self._drain, methods=["POST", "GET"]),
            ]
        return Starlette(routes=[*routes, Route("/", self._state)])

    async def _state(self, _: Request) -> Response:
        # Whoever asks needs no token, so it names neither environments nor sources.
        tallies = self.tallies.values()
        newest = max((one.newest for one in tallies if one.newest), default=None)
        return JSONResponse(
            {
                "receivers": len(tallies),
                "since": min(one.since for one in tallies).isoformat(),
                "lines": sum(one.lines for one in tallies),
                "turned_away": sum(one.turned_away for one in tallies),
                "newest": newest.isoformat() if newest else None,
            }
        )

    def _otlp(self, signal: str) -> Endpoint:
        async def take(request: Request) -> Response:
            media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            asked = media_type if media_type == otlp.JSON else otlp.PROTOBUF
            try:
                receiver = self._receiver(request)
                _see_that_it_is_otlp(media_type)
                _let_in(receiver, request)
                taken = await self._taken(
                    request,
                    receiver,
                    lambda body: otlp.read_request(
                        signal, body, media_type, source=receiver.source
                    ),
                )
            except TurnedAwayError as error:
                code = CODES.get(error.status, UNKNOWN)
                return _refused(error, otlp.refusal(code, str(error), asked), asked)
            return Response(otlp.answer(signal, taken, asked), 200, media_type=asked)

        return take

    async def _drain(self, request: Request) -> Response:
        try:
            receiver = self._receiver(request)
            headers = {"x-vercel-verify": receiver.verify} if receiver.verify else {}
            if request.method == "GET":  # the question whether the address is ours
                return JSONResponse({"ok": True}, headers=headers)
            signature = request.headers.get("x-vercel-signature", "")

            def read(body: bytes) -> otlp.Taken:
                _see_signed(receiver, body, signature)
                found = vercel.read_batch(body, source=receiver.source)
                return otlp.Taken(found.lines, found.not_understood)

            taken = await self._taken(request, receiver, read)
        except TurnedAwayError as error:
            said = json.dumps({"error": str(error)}).encode()
            return _refused(error, said, otlp.JSON)
        kept = {"kept": len(taken.lines), "not_understood": taken.rejected}
        return JSONResponse(kept, headers=headers)

    def _receiver(self, request: Request) -> Receiver:
        names = request.path_params
        if names:
            receiver = self._receivers.get(f"{names['environment']}/{names['name']}")
        else:
            receiver = next(iter(self._receivers.values())) if len(self._receivers) == 1 else None
        if receiver is None:
            raise TurnedAwayError(
                404, "nothing is received here; `drillbook receive` says which addresses there are"
            )
        return receiver

    async def _taken(
        self, request: Request, receiver: Receiver, read: Callable[[bytes], otlp.Taken]
    ) -> otlp.Taken:
        """Read a request, keep its lines on the disk, and count them."""
        tally = self.tallies[receiver.key]
        try:
            taken, is_new = await self._kept(request, receiver, read)
        except TurnedAwayError:
            tally.turned_away += 1
            raise
        if not is_new:
            tally.repeated += 1
            return taken
        tally.requests += 1
        tally.lines += len(taken.lines)
        tally.rejected += taken.rejected
        tally.newest = max(
            (line.at for line in taken.lines), default=tally.newest or datetime.now(UTC)
        )
        return taken

    async def _kept(
        self, request: Request, receiver: Receiver, read: Callable[[bytes], otlp.Taken]
    ) -> tuple[otlp.Taken, bool]:
        if self._at_once >= MOST_AT_ONCE:
            raise TurnedAwayError(503, "busy; send it again", wait_seconds=BUSY_SECONDS)
        self._at_once += 1
        try:
            receiver.pace.ask()
            body, seen = await _body(request), self._seen[receiver.key]
            digest = sha256(request.url.path.encode() + b"\n" + body).digest()
            if digest in self._under_way:
                raise TurnedAwayError(
                    503, "it is being kept; send it again", wait_seconds=BUSY_SECONDS
                )
            self._under_way.add(digest)
            try:
                is_kept = seen.has(digest)
                taken = await run_in_threadpool(_keep, receiver, read, body, is_kept=is_kept)
                seen.add(digest)
            finally:
                self._under_way.discard(digest)
            return taken, not is_kept
        finally:
            self._at_once -= 1


def _see_that_it_is_otlp(media_type: str) -> None:
    if media_type not in (otlp.JSON, otlp.PROTOBUF):
        raise TurnedAwayError(415, f"Content-Type is neither {otlp.PROTOBUF} nor {otlp.JSON}")


def _keep(
    receiver: Receiver, read: Callable[[bytes], otlp.Taken], body: bytes, *, is_kept: bool
) -> otlp.Taken:
    try:
        taken = read(body)
    except NotUnderstoodError as error:
        raise TurnedAwayError(400, str(error)) from error
    if is_kept:
        return taken
    receiver.pace.take(len(taken.lines))
    try:
        receiver.store.keep(taken.lines, durable=True)
    except DrillbookError as error:
        # Not taken: whoever sends is to keep it, and to send it again.
        raise TurnedAwayError(503, str(error), wait_seconds=FULL_SECONDS) from error
    return taken


async def _body(request: Request) -> bytes:
    encoding = request.headers.get("content-encoding", "")
    try:
        async with asyncio.timeout(BODY_SECONDS):  # who drips holds up all others
            return await whole_body(request.stream(), encoding)
    except TimeoutError as error:
        raise TurnedAwayError(408, f"the body did not come within {BODY_SECONDS:g} s") from error
    except ClientDisconnect as error:
        raise TurnedAwayError(400, "the body did not come whole") from error


def _let_in(receiver: Receiver, request: Request) -> None:
    try:
        if receiver.lets_in(request.headers.get("authorization", "")):
            return
    except DrillbookError as error:
        raise TurnedAwayError(503, str(error), wait_seconds=FULL_SECONDS) from error
    if receiver.token is None:
        raise TurnedAwayError(401, f"{receiver.key} has no token, and takes what Vercel signs only")
    raise TurnedAwayError(401, f"{receiver.key} needs its token: Authorization: Bearer …")


def _see_signed(receiver: Receiver, body: bytes, signature: str) -> None:
    if receiver.secret is None:
        raise TurnedAwayError(
            403, f"{receiver.key} has no secret, so nobody can show that he is Vercel"
        )
    try:
        secret = receiver.secret()
    except DrillbookError as error:
        raise TurnedAwayError(503, str(error), wait_seconds=FULL_SECONDS) from error
    if not vercel.is_signed(body, signature, secret):
        raise TurnedAwayError(403, "x-vercel-signature does not fit the body and the secret")


def _refused(error: TurnedAwayError, body: bytes, media_type: str) -> Response:
    wait = error.wait_seconds
    headers = {} if wait is None else {"Retry-After": str(wait)}
    return Response(body, error.status, headers, media_type)
