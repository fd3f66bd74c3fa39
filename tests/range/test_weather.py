"""The weather at a twin, met by real clients over real connections."""

import asyncio
import http.client
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drillbook.range.cloud import LISTENERS, Cloud
from drillbook.range.twins.serving import Listener
from drillbook.range.twins.weather import (
    FAIR,
    Forecast,
    Mode,
    Weather,
    set_weather,
    weather_file,
)


class Counting:
    """A twin that counts what it carried out, served on a port of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.done: list[str] = []
        self._ending = Event()
        self._ready = Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._thread = Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(20)

    async def answer(self, request: Request) -> JSONResponse:
        body = (await request.body()).decode()
        self.done.append(f"{request.method} {body}".strip())
        return JSONResponse({"number": len(self.done)})

    async def _serve(self) -> None:
        paths = [Route("/{path:path}", self.answer, methods=["GET", "POST"])]
        forecast = Forecast(weather_file(self.folder, "vercel"))
        listener = Listener(Starlette(routes=paths), forecast, self._listening)
        await listener.start()
        self._ready.set()
        while not self._ending.is_set():
            await listener.look()
            await asyncio.sleep(0.01)

    def set(self, weather: Weather) -> None:
        set_weather(self.folder, "vercel", weather)

    def ask(self, method: str = "GET", path: str = "/v1/things", body: str = "") -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("retry-after", "") or answer.read().decode()
        finally:
            connection.close()

    def listens(self) -> bool:
        try:
            self.ask()
        except ConnectionRefusedError:
            return False
        except (ConnectionError, http.client.RemoteDisconnected):
            return True
        return True

    def end(self) -> None:
        self._ending.set()
        self._thread.join()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counting]:
    twin = Counting(tmp_path_factory.mktemp("weather"))
    yield twin
    twin.end()


@pytest.fixture
def twin(served: Counting) -> Iterator[Counting]:
    served.done.clear()
    yield served
    served.set(FAIR)


def test_fair_weather_leaves_no_file_and_changes_nothing(twin: Counting) -> None:
    twin.set(Weather(mode=Mode.FAILING))
    twin.set(FAIR)

    assert twin.ask() == (200, '{"number":1}')
    assert not weather_file(twin.folder, "vercel").exists()


def test_share_of_requests_fails_before_it_is_carried_out(twin: Counting) -> None:
    twin.set(Weather(mode=Mode.FAILING, share=0.4, status=503))

    answered = [twin.ask()[0] for _ in range(10)]

    assert answered.count(503) == 4
    assert len(twin.done) == 6


def test_limited_says_when_to_come_again(twin: Counting) -> None:
    twin.set(Weather(mode=Mode.LIMITED))

    assert twin.ask() == (429, "2")
    assert twin.done == []


def test_lost_answer_is_carried_out_and_says_nothing(twin: Counting) -> None:
    twin.set(Weather(mode=Mode.LOSING, methods=("POST",), path="promote", first=1))

    assert twin.ask(path="/v1/promote") == (200, '{"number":1}')
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        twin.ask("POST", "/v1/promote", "one")
    assert twin.done == ["GET", "POST one"]
    assert twin.ask("POST", "/v1/promote", "two") == (200, '{"number":3}')


def test_request_repeated_on_the_way_is_carried_out_twice(twin: Counting) -> None:
    twin.set(Weather(mode=Mode.TWICE, methods=("POST",)))

    assert twin.ask("POST", body="merge") == (200, '{"number":2}')
    assert twin.done == ["POST merge", "POST merge"]


def test_refusing_listener_is_not_there_and_comes_back_on_its_port(twin: Counting) -> None:
    kept = http.client.HTTPConnection("127.0.0.1", twin.port, timeout=20)
    kept.request("GET", "/before")
    assert kept.getresponse().read()

    twin.set(Weather(mode=Mode.REFUSING))
    while twin.listens():
        pass  # who comes before the socket closes is cut off
    refused = [twin.listens() for _ in range(3)]
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        ask_again(kept)
    twin.set(FAIR)
    while not twin.listens():
        pass

    assert refused == [False] * 3
    assert twin.ask()[0] == 200


def ask_again(kept: http.client.HTTPConnection) -> bytes:
    kept.request("GET", "/after")
    return kept.getresponse().read()


def test_slow_twin_answers_late_and_right(twin: Counting) -> None:
    twin.set(Weather(mode=Mode.SLOW, seconds=0.05))

    assert twin.ask("POST", body="x") == (200, '{"number":1}')


def test_tokens_and_ports_are_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    cloud, again = Cloud(tmp_path), Cloud(tmp_path)

    ports = {name: cloud.port(name) for name in ("vercel", "github", "supabase")}
    cloud.keep_ports({"vercel": 1})

    assert len(set(cloud.ports().values())) == len(LISTENERS)
    assert again.ports() == cloud.ports() | {"github": ports["github"], "vercel": 1}
    assert cloud.token("supabase") == again.token("supabase")
    assert len(cloud.token("supabase")) == 44
    assert cloud.token_file("supabase").stat().st_mode & 0o777 == 0o600
