"""A twin that really listens, for as long as a test needs it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from drillbook.local.sockets import listen


@contextmanager
def listening(app: Starlette) -> Iterator[str]:
    """Serve an application on a free port of 127.0.0.1; gives its address."""
    config = uvicorn.Config(app, log_level="warning", ws="none")
    server = uvicorn.Server(config)
    with listen(None) as handle:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [handle]}, daemon=True)
        thread.start()
        try:
            # Who connects before the server runs waits in the socket's queue.
            yield f"http://127.0.0.1:{handle.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
