"""The clients as a process: readers and writers who use the app at a steady pace."""

import http.client
import json
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import quote

from drillbook.range.traffic.recorder import BEGAN, ENDED, READS, WRITES, Recorder

ANSWER_SECONDS = 30.0
CUSTOMERS = 10
# That somebody else took the slot is an answer, not a failure.
WELCOME = {200, 201, 409}


@dataclass(slots=True)
class Client:
    """One client: a connection of its own, one request at a time."""

    folder: Path
    recorder: Recorder
    number: int
    pause_seconds: float
    ending: Event
    _connection: http.client.HTTPConnection | None = None
    _due: float = field(default_factory=time.monotonic)

    def read(self) -> None:
        """Look at open slots and at one's bookings, in turn."""
        turn = self.number
        while self._wait():
            turn += 1
            if turn % 2:
                self.ask(READS, "GET", "/api/slots")
            else:
                self.ask(READS, "GET", f"/api/bookings?email={quote(_customer(turn))}")

    def write(self) -> None:
        """Book an open slot and cancel it again, so that there are always open ones."""
        turn = self.number
        while self._wait():
            turn += 1
            wish = {"email": _customer(turn), "note": "by live traffic"}
            slots = self.ask(READS, "GET", "/api/slots").get("slots") or [{}]
            wish |= {"slot_id": slots[self.number % len(slots)].get("id")}
            made = self._wait() and self.ask(WRITES, "POST", "/api/bookings", wish)
            if made and "reference" in made and self._wait():
                path = f"/api/bookings/{made['reference']}/cancel"
                self.ask(WRITES, "POST", path, {"email": wish["email"]})

    def ask(
        self, kind: str, method: str, path: str, body: object = None
    ) -> dict[str, Any]:  # Any: JSON of the app
        """Send one request and record what came of it; an empty answer when it failed."""
        number = self.recorder.begin(kind, f"{method} {path.partition('?')[0]}")
        begun = time.monotonic()
        error = ""
        said: dict[str, Any] = {}  # Any: as above
        try:
            status, said = self._send(method, path, body)
        except (OSError, http.client.HTTPException, ValueError) as failure:
            error = type(failure).__name__
            self._connection = None
        else:
            if status not in WELCOME:
                error = f"{status} {str(said.get('error', ''))[:120]}".strip()
        self.recorder.end(number, time.monotonic() - begun, ok=not error, error=error)
        return {} if error else said

    def _send(self, method: str, path: str, body: object) -> tuple[int, dict[str, Any]]:
        if self._connection is None:
            # Read anew: an app that was started again may listen elsewhere.
            port = int((self.folder / "app.port").read_text(encoding="utf-8"))
            self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
        self._connection.request(method, path, None if body is None else json.dumps(body))
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())

    def _wait(self) -> bool:
        """Wait for the next turn (missed ones are not made up for); False: the clients end."""
        self._due = max(self._due + self.pause_seconds, time.monotonic())
        return not self.ending.wait(max(0.0, self._due - time.monotonic()))


def main() -> None:
    """Run the clients: `clients serve FOLDER RECORD RATE READERS WRITERS [tied]`."""
    folder, record = Path(sys.argv[2]), Path(sys.argv[3])
    rate, readers, writers = float(sys.argv[4]), int(sys.argv[5]), int(sys.argv[6])
    ending = Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    if "tied" in sys.argv:
        Thread(target=_end_with_starter, daemon=True).start()
    pause = (readers + writers) / rate
    with record.open("a", encoding="utf-8") as file:
        recorder = Recorder(file)
        recorder.session(BEGAN)
        clients = [Client(folder, recorder, n, pause, ending) for n in range(readers + writers)]
        threads = [
            Thread(target=client.read if n < readers else client.write, daemon=True)
            for n, client in enumerate(clients)
        ]
        for thread in threads:
            thread.start()
        ending.wait()
        deadline = time.monotonic() + 2
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        recorder.session(ENDED)
        with suppress(OSError):
            os.fsync(file.fileno())
        # Whoever still waits for an answer does not get it: those requests stay without an end.
        os._exit(0)


def _customer(turn: int) -> str:
    return f"customer{1 + turn % CUSTOMERS}@example.com"


def _end_with_starter() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
