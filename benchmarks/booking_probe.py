"""The same requests to any booking app, and what came of them."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.booking_app import BookingApp, serving, token_of, values_for
from drillbook.range.history.patches import Tree

WITH_PHONE, WITHOUT_PHONE = 5, 6
POOL_SIZE = 2
PAYERS = 6
LOOKS = 15
MANY_REQUESTS = 150
MUCH_MEMORY_BYTES = 1_000_000
SLOW_TIMES = 5.0
CREATED = 201
HANG_SECONDS = 1.2
END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'booking_app'
"""
Found = dict[str, object]


class Hanging:
    """A service that takes its time while it is told to."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.hangs = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.hangs.is_set():
            await asyncio.sleep(HANG_SECONDS)
        await self._app(scope, receive, send)


@dataclass
class Probe:
    """Where apps are tried: a database, and the payment company."""

    folder: Path
    admin_url: str
    app_url: str
    payments: Hanging
    values: dict[str, str]
    _number: int = field(default=0)

    def ci(self, tree: Tree) -> str:
        words = [sys.executable, "-m", "unittest", "discover", "-s", "tests", "-t", "."]
        return "green" if self._run(tree, words) == 0 else "red"

    def build(self, tree: Tree) -> str:
        command = json.loads(tree["vercel.json"])["buildCommand"]
        words = ["/bin/sh", "-c", command.replace("python ", f"{sys.executable} ")]
        return "ready" if self._run(tree, words) == 0 else "error"

    def serve(self, tree: Tree, migrations: dict[str, str] | None = None) -> Found:
        """Serve a tree and ask it everything."""
        self._number += 1
        log = self.folder / f"app-{self._number}.log"
        values = values_for(self.app_url, log, POOL_SIZE=str(POOL_SIZE), **self.values)
        found: Found = {"crons": json.loads(tree["vercel.json"]).get("crons")}
        with serving(self.folder, tree, values) as app:
            found["health"] = app.ask("GET", "/api/health").status
            app.token = token_of(WITHOUT_PHONE)
            found["book, without a phone"] = self._book(app)[0]
            app.token = token_of(WITH_PHONE)
            found["book"], booking = self._book(app, keep=True)
            found["pay"] = app.ask("POST", f"{booking}/pay", {}).status
            app.ask("POST", f"{booking}/cancel", {})
            found["bookings"] = app.ask("GET", "/api/bookings").status
            found["slots"] = app.ask("GET", "/api/slots").status
            found["slots, slow"] = _is_slow(app)
            found["pay and look, while payments hang"] = self._hang(app)
            found["memory grows"] = _grows(app)
            for _ in range(3 * POOL_SIZE):
                app.ask("POST", "/api/bookings", {"slot_id": 10**9})
            found["slots, after bad requests"] = app.ask("GET", "/api/slots").status
            found["book, after its migrations"] = self._migrated(app, migrations or {})
            found["health, database away"] = self._away(app)
        return found

    def _book(self, app: BookingApp, *, keep: bool = False) -> tuple[int, str]:
        made = app.ask("POST", "/api/bookings", {"note": "a probe"})
        booking = f"/api/bookings/{made.json.get('reference')}"
        if not keep and "reference" in made.json:
            app.ask("POST", f"{booking}/cancel", {})
        return made.status, booking

    def _hang(self, app: BookingApp) -> int:
        """Pay for more bookings at once than there are connections, and look at the slots."""
        bookings = [self._book(app, keep=True) for _ in range(PAYERS)]
        self.payments.hangs.set()
        worst = 0
        with ThreadPoolExecutor(PAYERS) as pool:
            paying = [pool.submit(app.ask, "POST", f"{path}/pay", {}) for _, path in bookings]
            while not all(each.done() for each in paying):
                worst = max(worst, app.ask("GET", "/api/slots").status)
        if all(status == CREATED for status, _ in bookings):
            worst = max(worst, *(each.result().status for each in paying))
        self.payments.hangs.clear()
        for _, path in bookings:
            app.ask("POST", f"{path}/cancel", {})
        return worst

    def _migrated(self, app: BookingApp, migrations: dict[str, str]) -> int:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            for text in migrations.values():
                connection.execute(text.encode())
            try:
                return self._book(app)[0]
            finally:
                for text in migrations.values():
                    table, column = text.split()[2], text.split()[5]
                    words = sql.SQL("ALTER TABLE {} DROP COLUMN {}")
                    connection.execute(words.format(sql.Identifier(table), sql.Identifier(column)))

    def _away(self, app: BookingApp) -> int:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute("ALTER ROLE booking_app NOLOGIN")
            connection.execute(END_SESSIONS)
            try:
                return app.ask("GET", "/api/health").status
            finally:
                connection.execute("ALTER ROLE booking_app LOGIN")

    def _run(self, tree: Tree, words: list[str]) -> int:
        self._number += 1
        folder = self.folder / f"run-{self._number}"
        for path, text in tree.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return subprocess.run(words, cwd=folder, capture_output=True, check=False).returncode


def _is_slow(app: BookingApp) -> bool:
    """Compare with another request to the database: how busy the machine is matters less."""
    return _least_seconds(app, "/api/slots") > SLOW_TIMES * _least_seconds(app, "/api/bookings")


def _least_seconds(app: BookingApp, path: str) -> float:
    took = []
    for _ in range(LOOKS):
        begun = time.monotonic()
        app.ask("GET", path)
        took.append(time.monotonic() - begun)
    return min(took)


def _grows(app: BookingApp) -> bool:
    """Tell whether memory grows with each request, beyond what many requests before needed."""
    for _ in range(MANY_REQUESTS // 2):
        app.ask("GET", "/api/slots")
    before = app.memory_bytes()
    for _ in range(MANY_REQUESTS):
        app.ask("GET", "/api/slots")
    return app.memory_bytes() - before > MUCH_MEMORY_BYTES


def differences(before: Found, after: Found) -> dict[str, Any]:
    return {name: after[name] for name in after if before.get(name) != after[name]}
