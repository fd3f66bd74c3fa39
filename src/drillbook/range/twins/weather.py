"""The weather at a twin: how its platform behaves now, read from a file on each request."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from drillbook.local.private_file import write_private

Message = MutableMapping[str, Any]  # Any: as ASGI has it
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
RETRY_AFTER_SECONDS = 2
LIMIT_HEADERS = {
    b"retry-after": str(RETRY_AFTER_SECONDS).encode(),
    b"x-ratelimit-limit": b"60",
    b"x-ratelimit-remaining": b"0",
    b"ratelimit-policy": b'"burst";q=60;w=60',
}


class Mode(StrEnum):
    """How a listener behaves."""

    FAIR = "fair"
    REFUSING = "refusing"  # nobody listens
    FAILING = "failing"  # answers with an error before anything is carried out
    LIMITED = "limited"  # 429 with Retry-After, nothing is carried out
    SLOW = "slow"
    LOSING = "losing answers"  # carried out, then the connection is cut
    TWICE = "twice"  # carried out twice, as by a gateway that repeats; the second answer counts


@dataclass(frozen=True, slots=True)
class Weather:
    """
    What a listener does, to which requests.

    Of the requests that fit methods and path, a share meets it, and at most the first so many.
    The clock offset is what a twin with a clock of its own adds to the true time.
    """

    mode: Mode = Mode.FAIR
    share: float = 1.0
    status: int = 500
    seconds: float = 0.0
    methods: tuple[str, ...] = ()
    path: str = ""
    first: int = 0
    clock_offset_seconds: float = 0.0


FAIR = Weather()


def weather_file(folder: Path, listener: str) -> Path:
    """Return the file with a listener's weather, which need not be there."""
    return folder / f"{listener}.json"


def set_weather(folder: Path, listener: str, weather: Weather) -> None:
    """Let a listener behave so from its next request on."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if weather == FAIR:
        weather_file(folder, listener).unlink(missing_ok=True)
    else:
        write_private(weather_file(folder, listener), json.dumps(asdict(weather)))


@dataclass(slots=True)
class Forecast:
    """Reads one listener's weather again when its file changed: a look costs one stat."""

    file: Path
    _mark: tuple[int, int] = (0, 0)
    _weather: Weather = FAIR
    _met: int = 0
    _owed: float = 0.0

    def now(self) -> Weather:
        """Return the weather."""
        try:
            found = self.file.stat()
        except FileNotFoundError:
            self._mark, self._weather = (0, 0), FAIR
            return FAIR
        mark = (found.st_mtime_ns, found.st_ino)
        if mark != self._mark:
            self._mark, self._weather = mark, _read(self.file)
            self._met, self._owed = 0, 0.0
        return self._weather

    def meets(self, method: str, path: str) -> Weather:
        """Return what this request meets; the share is kept without chance, by counting."""
        weather = self.now()
        fits = (not weather.methods or method in weather.methods) and re.search(weather.path, path)
        if not fits or (weather.first and self._met >= weather.first):
            return FAIR
        self._owed += weather.share
        if self._owed < 1 - 1e-9:
            return FAIR
        self._owed -= 1
        self._met += 1
        return weather


@dataclass(slots=True)
class Weathered:
    """A twin behind its weather."""

    app: App
    forecast: Forecast

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve as the weather lets one."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        weather = self.forecast.meets(scope["method"], scope["path"])
        match weather.mode:
            case Mode.FAIR:
                await self.app(scope, receive, send)
            case Mode.REFUSING:  # serving.py stops listening; who came just before is cut off
                await _cut(scope)
            case Mode.SLOW:
                await asyncio.sleep(weather.seconds)
                await self.app(scope, receive, send)
            case Mode.FAILING:
                await asyncio.sleep(weather.seconds)
                await _answer(send, weather.status, {})
            case Mode.LIMITED:
                await _answer(send, 429, LIMIT_HEADERS)
            case Mode.LOSING:
                await self.app(scope, receive, _say_nothing)
                await _cut(scope)
            case Mode.TWICE:
                body = await _whole_body(receive)
                await self.app(dict(scope), _saying(body), _say_nothing)
                await self.app(scope, _saying(body), send)


def _read(file: Path) -> Weather:
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return FAIR
    return Weather(**said | {"mode": Mode(said["mode"]), "methods": tuple(said["methods"])})


async def _answer(send: Send, status: int, headers: dict[bytes, bytes]) -> None:
    words = {429: "Too many requests", 500: "Internal Server Error", 503: "Service Unavailable"}
    message = words.get(status, "The platform has a problem")
    # Each platform reads its own shape of an error: Vercel's `error`, the others' `message`.
    error = {"code": "rate_limited" if status == 429 else "internal_error", "message": message}  # noqa: PLR2004 - HTTP's
    body = json.dumps({"message": message, "error": error}).encode()
    sent = {b"content-type": b"application/json", b"content-length": str(len(body)).encode()}
    await send(
        {"type": "http.response.start", "status": status, "headers": [*(sent | headers).items()]}
    )
    await send({"type": "http.response.body", "body": body})


async def _say_nothing(_: Message) -> None:
    """Let an answer go that nobody is to get."""


async def _whole_body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


def _saying(body: bytes) -> Receive:
    said: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if said:
            return said.pop()
        await asyncio.Event().wait()  # nobody hangs up before the answer
        raise AssertionError

    return receive


async def _cut(scope: Message) -> None:
    # The server's protocol put its transport there: nothing else can end a connection mid-request.
    cast("asyncio.Transport", scope["state"]["transport"]).abort()
    await asyncio.sleep(0)  # let the protocol see its end, or it answers 500 to nobody
