"""A small real app that fails while a file says so, its log, its users, and a book for it."""

import json
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Self
from urllib.request import urlopen

USERS = 7
EVERY_SECONDS = 0.05
BOOK = """\
# Operations

## Runbook: Errors

Somebody pays, and it fails.

### Symptoms
- Users write that they cannot pay

### Steps
1. **Look**
   - See who is hit `@errors.hit on=production window=30m as hit`
   - Weigh the causes `@errors.culprit on=production window=30m as culprit`
     - evidence: says
2. **Mend**
   - Let it work again `@command.run on=production name=mend as mended`
     - undo: none, because nobody wants it broken again
   - Count what it was `@postmortem.measure on=production since=${culprit.since} as impact`
3. **Write down**
   - Draft `@postmortem.draft on=production as draft`
   - Learn `@runbook.suggest on=production as patch`
"""
STACK = """\
[environments.production]
[environments.production.app]
url = "http://127.0.0.1:{port}"
health = "/health"
[environments.production.logs]
provider = "file"
path = "app.log"
[policy]
production = {{ write = "auto" }}
[roles]
developers = ["ana@example.com"]
[commands.mend]
argv = ["{python}", "-c", "import pathlib; pathlib.Path('broken').unlink(missing_ok=True)"]
idempotent = true
"""


@dataclass
class Shop:
    """The app on a port of its own; `broken` in its folder makes each second payment fail."""

    folder: Path
    random: Random = field(default_factory=lambda: Random(3))  # noqa: S311 - chance, no secret
    ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status = shop.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Write the app's own log instead."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.threads = [
            threading.Thread(target=self.server.serve_forever, daemon=True),
            threading.Thread(target=self._visit, daemon=True),
        ]
        return self

    def open(self) -> None:
        """Serve, and let users come."""
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.server.shutdown()
        for thread in self.threads:
            thread.join()
        self.server.server_close()

    def past(self, minutes: int, failing: int) -> None:
        """Write the log of the last minutes, in the last of which payments failed."""
        now = datetime.now(UTC)
        for number in range(minutes * 30, 0, -1):
            at = now - timedelta(seconds=number * 2)
            fails = number <= failing * 30 and self.random.random() < 0.5
            self._log(at, "/pay", 500 if fails else 200)

    def answer(self, path: str) -> int:
        fails = (self.folder / "broken").exists() and self.random.random() < 0.5
        status = 500 if fails and path != "/health" else 200
        self._log(datetime.now(UTC), path, status)
        return status

    def _log(self, at: datetime, path: str, status: int) -> None:
        line = {
            "time": at.isoformat(), "method": "GET", "path": path, "status": status,
            "user": f"user-{self.random.randrange(USERS)}",
            "message": "card refused by the bank's gateway" if status == 500 else "",
        }  # fmt: skip
        with (self.folder / "app.log").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _visit(self) -> None:
        while not self.ended.wait(EVERY_SECONDS):
            try:
                urlopen(f"http://127.0.0.1:{self.port}/pay", timeout=5).close()
            except OSError:
                continue  # a failure is what this app is for


def stack(port: int) -> str:
    return STACK.format(port=port, python=sys.executable)
