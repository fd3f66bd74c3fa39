"""The booking app of any tree of files, served by the range's hosting for a test."""

import hashlib
import http.client
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import psycopg
import uvicorn
from joserfc import jwt
from joserfc.jwk import OctKey
from psycopg import sql
from starlette.types import ASGIApp

from drillbook.local.server import PostgresServer
from drillbook.local.sockets import listen
from drillbook.local.spawn import Process, reap, spawn
from drillbook.range.history.patches import Tree

APP_PASSWORD = "the app's"
SECRET = "a secret that only the tests and the app know"
COMMIT = "4f1c0ffee4f1c0ffee4f1c0ffee4f1c0ffee4f1c"


@dataclass
class Answer:
    """What the app said."""

    status: int
    json: dict[str, Any]
    headers: dict[str, str]


@dataclass
class BookingApp:
    """A running app; each request has a connection of its own."""

    process: Process
    log: Path
    port: int = 0
    token: str = ""
    customer: int = 0

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        told = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        told |= {name.replace("_", "-"): text for name, text in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), told)
            answer = connection.getresponse()
            said = json.loads(answer.read())
            return Answer(answer.status, said, {k.lower(): v for k, v in answer.getheaders()})
        finally:
            connection.close()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def memory_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


def token_of(customer: int, seconds: float = 600) -> str:
    """Return what the auth service would give a customer of the practice data."""
    claims = {"sub": uuid_of(customer), "aud": "authenticated", "exp": int(time.time() + seconds)}
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))


def uuid_of(customer: int) -> str:
    """Return a customer's id, as the practice data makes it."""
    return str(UUID(hashlib.md5(f"user {customer}".encode(), usedforsecurity=False).hexdigest()))


def values_for(url: str, log: Path, **values: str) -> dict[str, str]:
    """Return the environment values of a deployment."""
    return {
        "DATABASE_URL": url,
        "AUTH_JWT_SECRET": SECRET,
        "LOG_FILE": str(log),
        "VERCEL_GIT_COMMIT_SHA": COMMIT,
        "VERCEL_DEPLOYMENT_ID": "dpl_test",
    } | values


def app_url(server: PostgresServer, database: str) -> str:
    """Let the app's login in, and return the address it uses."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        words = sql.SQL("ALTER ROLE booking_app PASSWORD {}").format(sql.Literal(APP_PASSWORD))
        connection.execute(words)
    password = APP_PASSWORD.replace(" ", "%20").replace("'", "%27")
    return f"postgresql://booking_app:{password}@127.0.0.1:{server.port}/{database}"


@contextmanager
def serving(folder: Path, tree: Tree, values: dict[str, str]) -> Iterator[BookingApp]:
    """Serve a tree of files with these values; the app ends with whoever serves it."""
    source = folder / f"source-{uuid4().hex[:8]}"
    for path, text in tree.items():
        file = source / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONPATH": str(source)} | values
    with listen(None) as listening:
        port, handle = listening.getsockname()[1], listening.fileno()
        words = [sys.executable, "-m", "booking", str(handle), "tied"]
        process = spawn(words, source / "errors", tied=True, handles=(handle,), env=env)
    try:
        yield BookingApp(process, Path(values["LOG_FILE"]), port)
    finally:
        process.terminate()
        reap(process, 10)


@contextmanager
def listening(app: ASGIApp) -> Iterator[str]:
    """Serve a twin on a free port of this machine; gives its address."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    with listen(None) as handle:
        thread = Thread(target=server.run, kwargs={"sockets": [handle]}, daemon=True)
        thread.start()
        try:
            # Who connects before the server runs waits in the socket's queue.
            yield f"http://127.0.0.1:{handle.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
