"""One client of the app: what people do there, one request after the other."""

import http.client
import json
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from select import select
from typing import Any

from drillbook.range.traffic.challenge import TOKEN_HEADER, passed
from drillbook.range.traffic.pace import Pace
from drillbook.range.traffic.recorder import LOGINS, READS, WRITES, Answered, Recorder

ANSWER_SECONDS = 30.0
CUSTOMERS = 10
# That somebody else took the slot, or that a card was declined, is an answer, not a failure.
WELCOME = {200, 201, 402, 409}
LOGGED_OUT = 401
STAYS_JOURNEYS = 10
PAYING_SHARE = 0.6
PASSWORD = "customers.password"  # noqa: S105 - the name of its file
RELEASE_HEADER, PLATFORM_HEADER = "x-release", "x-vercel-error"

Said = dict[str, Any]  # Any: JSON of the app


@dataclass(frozen=True, slots=True)
class Step:
    """One request that a person wants to make."""

    kind: str
    method: str
    path: str
    body: Said | None = None


Journey = Generator[Step, Said, None]


@dataclass(slots=True)
class Client:
    """A browser with a connection of its own; its chance says what the people at it do."""

    folder: Path
    recorder: Recorder
    pace: Pace
    number: int
    chance: Random
    _token: str = ""
    _made: int = 0
    _passes: str = ""
    _connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        """Make request after request, each at its time, until the clients end."""
        life = self.life()
        step = next(life)
        while self.pace.wait(self.number):
            step = life.send(self.ask(step))

    def ask(self, step: Step) -> Said:
        """Send one request and record what came of it; an empty answer when it failed."""
        number = self.recorder.begin(step.kind, f"{step.method} {_route(step.path)}")
        begun = time.monotonic()
        said: Said = {}
        try:
            answered, said = self._send(step)
        except (OSError, http.client.HTTPException) as failure:
            answered = Answered(error=type(failure).__name__)
            self._connection = None
        else:
            if answered.status == LOGGED_OUT:
                self._token = ""
        self.recorder.end(number, time.monotonic() - begun, answered)
        return {} if answered.error else said

    def life(self) -> Journey:
        """Yield what the people at it want, each step when the answer to the one before is sent."""
        while True:
            yield from self._log_in()
            for _ in range(STAYS_JOURNEYS):
                if self.pace.reads(self.number):
                    yield from self._read()
                else:
                    yield from self._book()
                if not self._token:
                    break

    def _log_in(self) -> Journey:
        email = f"customer{1 + self.chance.randrange(CUSTOMERS)}@example.com"
        said = yield Step(LOGINS, "POST", "/api/login", {"email": email})
        self._token = str(said.get("token") or "")

    def _read(self) -> Journey:
        yield Step(READS, "GET", "/api/slots")
        if self._token:
            yield Step(READS, "GET", "/api/bookings")

    def _book(self) -> Journey:
        """Book an open slot, pay for it or not, and cancel: so there are always open ones."""
        said = yield Step(READS, "GET", "/api/slots")
        slots = said.get("slots") or []
        if not slots or not self._token:
            return
        slot = self.chance.choice(slots).get("id")
        wish = {"slot_id": slot, "note": "by live traffic"}
        made = yield Step(WRITES, "POST", "/api/bookings", wish)
        if "reference" not in made:
            return
        booking = f"/api/bookings/{made['reference']}"
        if self.chance.random() < PAYING_SHARE:
            yield Step(WRITES, "POST", f"{booking}/pay", {})
        yield Step(WRITES, "POST", f"{booking}/cancel", {})

    def _send(self, step: Step) -> tuple[Answered, Said]:
        if self._connection is None or _is_over(self._connection):
            # Read anew: an app that was started again may listen elsewhere.
            port = int((self.folder / "app.port").read_text(encoding="utf-8"))
            # Each client is somebody else, also for a limit that counts by address.
            mine = (f"127.1.{self.number // 250}.{1 + self.number % 250}", 0)
            self._connection = http.client.HTTPConnection(
                "127.0.0.1", port, timeout=ANSWER_SECONDS, source_address=mine
            )
        body = None if step.body is None else json.dumps(self._filled(step))
        headers = self._headers(step)
        answer = self._asked(self._connection, step, body, headers)
        release, text = answer.headers.get(RELEASE_HEADER, ""), answer.read()
        try:
            said = json.loads(text)
            words = str(said.get("error", ""))[:120]
        except (ValueError, AttributeError):  # the platform speaks in the app's place
            said, words = {}, answer.headers.get(PLATFORM_HEADER) or "no JSON object"
        is_welcome = answer.status in WELCOME and (said or not words)
        error = "" if is_welcome else f"{answer.status} {words}".strip()
        return Answered(answer.status, release, error), said

    def _asked(
        self,
        connection: http.client.HTTPConnection,
        step: Step,
        body: str | None,
        headers: dict[str, str],
    ) -> http.client.HTTPResponse:
        """Send a request; where the firewall challenges browsers, pass as one and send it again."""
        passes = {"Cookie": self._passes} if self._passes else {}
        connection.request(step.method, step.path, body, headers | passes)
        answer = connection.getresponse()
        token = answer.headers.get(TOKEN_HEADER)
        if token is None:
            return answer
        answer.read()
        self._passes = passed(connection, token)
        connection.request(step.method, step.path, body, headers | {"Cookie": self._passes})
        return connection.getresponse()

    def _filled(self, step: Step) -> Said:
        if step.kind != LOGINS or step.body is None:
            return step.body or {}
        password = (self.folder / PASSWORD).read_text(encoding="utf-8")
        return step.body | {"password": password}

    def _headers(self, step: Step) -> dict[str, str]:
        headers = {"Content-Type": "application/json"} if step.body is not None else {}
        if self._token and step.kind != LOGINS:
            headers["Authorization"] = f"Bearer {self._token}"
        if step.kind == WRITES:
            self._made += 1
            flow = self.pace.flow
            headers["Idempotency-Key"] = f"{flow.seed}-{flow.since}-{self.number}-{self._made}"
        return headers


def _route(path: str) -> str:
    """Return a path without what is different in each request."""
    parts = path.partition("?")[0].split("/")
    return "/".join("…" if part.startswith("B-") else part for part in parts)


def _is_over(connection: http.client.HTTPConnection) -> bool:
    """Tell whether a kept connection was closed while nobody asked; a browser sees it, too."""
    return connection.sock is not None and bool(select([connection.sock], [], [], 0)[0])
