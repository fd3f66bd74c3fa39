"""Serve on the socket the starter handed over: `python -m booking HANDLE [tied]`."""

import os
import signal
import sys
from socket import socket
from threading import Thread

from booking.routes import App
from booking.server import serve
from booking.settings import Settings


def main() -> None:
    """Serve until told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if "tied" in sys.argv:
        Thread(target=_end_with_starter, daemon=True).start()
    serve(App.made(Settings()), socket(fileno=int(sys.argv[1])))


def _end_with_starter() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
