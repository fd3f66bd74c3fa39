"""The cloud process: one listener a twin, on sockets that its starter handed over."""

import asyncio
import importlib
import os
import signal
import socket
import sys
from email.utils import formatdate
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, cast

import uvicorn
from typing_extensions import override
from uvicorn.lifespan.on import LifespanOn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from drillbook.core.errors import Failed
from drillbook.range.cloud import Cloud
from drillbook.range.hosting.app_process import end_frozen
from drillbook.range.twins.supabase.restarting import end_servers
from drillbook.range.twins.weather import App, Forecast, Mode, Weathered, weather_file

if TYPE_CHECKING:
    from collections.abc import Callable

# Each listener's twin: a module with `make_app(cloud, *words)`.
TWINS: dict[str, tuple[str, tuple[str, ...]]] = {
    "vercel": ("drillbook.range.twins.vercel", ()),
    "github": ("drillbook.range.twins.github", ()),
    "supabase": ("drillbook.range.twins.supabase", ()),
    "auth-production": ("drillbook.range.twins.auth", ("production",)),
    "auth-staging": ("drillbook.range.twins.auth", ("staging",)),
    "payments": ("drillbook.range.twins.payments", ()),
    "status": ("drillbook.range.twins.status", ()),
}
LOOK_SECONDS = 0.05
BACKLOG = 128
KEEP_ALIVE_SECONDS = 30


class CuttableProtocol(H11Protocol):
    """HTTP whose application can cut the connection, as a platform that loses an answer does."""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own does
        """Give each request of this connection its transport."""
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


class Listener:
    """One twin: its application, and the socket that is closed while its platform refuses."""

    def __init__(self, twin: App, forecast: Forecast, listening: socket.socket) -> None:
        self._forecast = forecast
        self._address = listening.getsockname()
        self._config = uvicorn.Config(
            cast("Callable[..., object]", Weathered(twin, forecast)),
            interface="asgi3",
            http=CuttableProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        self._config.load()
        self._lifespan = LifespanOn(self._config)
        self._state = ServerState()
        self._server: asyncio.Server | None = None
        self._kept: socket.socket | None = listening

    async def start(self) -> None:
        """Start the twin's own work, then answer."""
        await self._lifespan.startup()
        if self._lifespan.should_exit:
            raise Failed("a twin did not start", hint="See the lines above.")
        if self._forecast.now().mode is Mode.REFUSING:
            self._close()
        await self.look()

    async def look(self) -> None:
        """Open or close the socket, as the weather wants it now."""
        self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
        refuses = self._forecast.now().mode is Mode.REFUSING
        if refuses and self._server is not None:
            self._close()
        elif not refuses and self._server is None:
            await self._open()

    async def _open(self) -> None:
        assert self._kept is not None  # noqa: S101 - open and kept are never both None
        self._kept.listen(BACKLOG)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, sock=self._kept, backlog=BACKLOG)
        self._kept = None

    def _close(self) -> None:
        for open_now in (self._server, self._kept):
            if open_now is not None:
                open_now.close()
        self._server = None
        for connection in list(self._state.connections):
            cast("H11Protocol", connection).transport.abort()
        # Bound without listening, the port answers nobody, and nobody else can take it.
        self._kept = socket.socket()
        self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._kept.setblocking(False)
        self._kept.bind(self._address)

    def _protocol(self) -> asyncio.Protocol:
        return CuttableProtocol(self._config, self._state, self._lifespan.state)


async def serve(cloud: Cloud, sockets: dict[str, socket.socket]) -> None:
    """Serve each listener, until the process ends."""
    listeners = []
    for name, listening in sockets.items():
        module, words = TWINS[name]
        twin = cast("App", importlib.import_module(module).make_app(cloud, *words))
        forecast = Forecast(weather_file(cloud.weather, name))
        listeners.append(Listener(twin, forecast, listening))
    await asyncio.gather(*(listener.start() for listener in listeners))
    while True:
        for listener in listeners:
            await listener.look()
        await asyncio.sleep(LOOK_SECONDS)


def main() -> None:
    """Run the cloud: `serving serve RANGE LISTENER=HANDLE… [tied]`."""
    words = sys.argv[3:]
    if "tied" in words:
        Thread(target=_end_with_starter, args=(Path(sys.argv[2]),), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    handed = [word.split("=") for word in words if "=" in word]
    sockets = {name: socket.socket(fileno=int(handle)) for name, handle in handed}
    asyncio.run(serve(Cloud(Path(sys.argv[2])), sockets))


def _end_with_starter(folder: Path) -> None:
    sys.stdin.read()
    end_frozen(Cloud(folder).deployments)
    end_servers(Cloud(folder))
    os._exit(0)


if __name__ == "__main__":
    main()
