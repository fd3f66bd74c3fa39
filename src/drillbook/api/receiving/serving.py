"""Serve the receivers until the process is told to end; what was acknowledged is kept then."""

import asyncio
import ipaddress
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import uvicorn
from starlette.concurrency import run_in_threadpool

from drillbook.api.receiving.app import Reception
from drillbook.api.receiving.receivers import Receiver
from drillbook.core.errors import SettingsInvalid, Unavailable
from drillbook.providers.kept.kept import KEPT_FOR

GRACE_SECONDS = 10
KEEP_ALIVE_SECONDS = 30
BACKLOG, MOST_CONNECTIONS = 256, 200
FORGET_EVERY_SECONDS = 3600.0


def serve(
    receivers: tuple[Receiver, ...],
    *,
    host: str,
    port: int,
    ready: Callable[[str, int], None],
) -> Reception:
    """
    Take log lines until SIGTERM or Ctrl-C, then end the requests under way and return.

    `ready` gets the address and the port once it listens.
    """
    _see_that_strangers_are_kept_out(receivers, host)
    reception = Reception(receivers)
    config = uvicorn.Config(
        reception.app(),
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = uvicorn.Server(config)
    listening = _listening(host, port)
    # Ours as well as uvicorn's: it raises the signal again when it has ended, and before it has
    # begun there is only ours.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    ready(host, int(listening.getsockname()[1]))

    async def run() -> None:
        forgetting = asyncio.create_task(_forget(receivers))
        await server.serve(sockets=[listening])
        forgetting.cancel()
        with suppress(asyncio.CancelledError):
            await forgetting

    asyncio.run(run())
    listening.close()
    return reception


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise Unavailable(
            f"{host}:{port} cannot be listened on: {error.strerror or error}",
            hint="Name another with --host and --port.",
        ) from error


async def _forget(receivers: tuple[Receiver, ...]) -> None:
    """Let go of old lines, now and every hour."""
    while True:
        for receiver in receivers:
            await run_in_threadpool(receiver.store.forget, datetime.now(UTC) - KEPT_FOR)
        await asyncio.sleep(FORGET_EVERY_SECONDS)


def _see_that_strangers_are_kept_out(receivers: tuple[Receiver, ...], host: str) -> None:
    if _is_loopback(host):
        return
    open_to_all = [one.key for one in receivers if one.token is None and one.secret is None]
    if open_to_all:
        raise SettingsInvalid(
            f"{host} can be reached by others, and {', '.join(open_to_all)} lets in everybody",
            hint='Write token = "env:…" (or secret, for a Vercel drain) into its section.',
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
