"""A TCP proxy before a server, that can drop all its connections or let nothing through."""

import asyncio
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

CHUNK_BYTES = 1 << 16


class Proxy:
    """Listens on a port of its own and carries bytes to the server's port and back."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._writers: set[asyncio.StreamWriter] = set()
        self._open = asyncio.Event()
        self._refuses = False
        self.port = 0

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._thread.start()
        self._open.set()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        """Drop everything and listen no more."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Drop all connections, and refuse new ones until `mend`."""
        self._loop.call_soon_threadsafe(self._cut)

    def silence(self) -> None:
        """Let no byte through any more, without a word to either side; `cut` ends it."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def mend(self) -> None:
        """Carry bytes again."""
        self._loop.call_soon_threadsafe(self._mend)

    def _cut(self) -> None:
        self._refuses = True
        for writer in tuple(self._writers):
            writer.transport.abort()
        self._open.set()

    def _mend(self) -> None:
        self._refuses = False
        self._open.set()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._carry, "127.0.0.1", 0)

    async def _end(self) -> None:
        self._server.close()
        self._cut()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _carry(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if self._refuses:
            back.transport.abort()
            return
        try:
            server, there = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            back.transport.abort()  # the server is down: so is its address
            return
        ways = (self._pump(client, there), self._pump(server, back))
        await asyncio.gather(*ways)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with suppress(OSError):
                while data := await reader.read(CHUNK_BYTES):
                    await self._open.wait()
                    writer.write(data)
                    await writer.drain()
        finally:
            self._writers.discard(writer)
            writer.close()
