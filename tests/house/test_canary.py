"""Secrets never leave their place: canary values planted everywhere, and everything searched."""

import base64
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.parse import quote, quote_plus

import psycopg
import pytest
from psycopg import sql

from docs.console import workers_in
from drillbook.core.process_identity import send_signal, wait_until_gone
from drillbook.core.secret import register, scrub
from drillbook.local.server import PostgresServer
from house.canaries import CANARIES, Site, found_in, write_files


class Echo(BaseHTTPRequestHandler):
    """An app that tells everybody what it was told."""

    def do_GET(self) -> None:
        self.tell(403 if self.path.startswith("/kanari") else 200)

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.tell(403)

    do_DELETE = do_GET  # noqa: N815 - the server's own name

    def tell(self, status: int) -> None:
        told = {"ok": True, "status": "ok", "headers": dict(self.headers)}
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Watcher:
    """Looks at the argument lists of all processes, again and again."""

    seen: set[bytes] = field(default_factory=set[bytes])
    _stop: Event = field(default_factory=Event)

    def run(self) -> None:
        while not self._stop.wait(0.05):
            for entry in Path("/proc").iterdir():
                if entry.name.isdecimal():
                    try:
                        self.seen.add((entry / "cmdline").read_bytes())
                    except OSError:
                        continue

    def stop(self) -> None:
        self._stop.set()


@pytest.fixture
def app() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def site(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_server: PostgresServer, app: int
) -> Iterator[Site]:
    mark = tmp_path.name.rsplit("_", 1)[-1].replace("-", "").lower()
    names = [f"canary_{name}_{os.getpid()}_{mark}" for name in ("production", "staging", "store")]
    with psycopg.connect(postgres_server.url(), autocommit=True) as admin:
        for name, canary in zip(names, ("production", "staging", "store"), strict=True):
            role = sql.Identifier(name)
            admin.execute(
                sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}").format(
                    role, sql.Literal(CANARIES[canary])
                )
            )
            admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
        urls = [
            f"postgresql://{name}:{quote(CANARIES[canary], safe='')}@127.0.0.1:"
            f"{postgres_server.port}/{name}"
            for name, canary in zip(names, ("production", "staging", "store"), strict=True)
        ]
        for url in urls[:2]:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("CREATE TABLE bookings (id int)")
        folder = tmp_path / "stack"
        folder.mkdir()
        site = Site(folder, variables(tmp_path, urls, app, request.param))
        write_files(folder, urls[1], app)
        try:
            yield site
        finally:
            for process in workers_in(folder):
                send_signal(process, signal.SIGKILL)
                wait_until_gone(process, 10)
            for name in names:
                gone = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
                admin.execute(gone.format(sql.Identifier(name)))
                admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def variables(tmp_path: Path, urls: list[str], app: int, store: str) -> dict[str, str]:
    broken = quote(CANARIES["broken"], safe="")
    given = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "DRILLBOOK_HOME": str(tmp_path / "stack" / ".drillbook"),
        "CANARY_DATABASE": urls[0],
        "CANARY_BROKEN": f"postgresql://someone:{broken}@127.0.0.1:1/nowhere",
        "CANARY_BROKEN_APP": f"http://someone:{broken}@127.0.0.1:1",
        "CANARY_APP": f"http://probe:{quote(CANARIES['app'], safe='')}@127.0.0.1:{app}",
        "CANARY_TOKEN": CANARIES["token"],
        "CANARY_BEARER": CANARIES["bearer"],
        "CANARY_S3": CANARIES["s3"],
    }
    return given | ({"DRILLBOOK_STORE": urls[2]} if store == "postgres" else {})


def test_the_search_itself_finds_every_form() -> None:
    for name, canary in CANARIES.items():
        basic = base64.b64encode(f"someone:{canary}@more".encode())
        for form in (canary.encode(), quote(canary, safe="").encode(), basic):
            assert name in found_in(b"before " + form + b" after")


@pytest.mark.parametrize("name", CANARIES)
@pytest.mark.parametrize("before", ["", "x", "someone:"])
def test_what_was_revealed_is_hidden_in_every_form(name: str, before: str) -> None:
    canary = CANARIES[name]
    register(canary, name=f"env:{name}")

    texts = [canary, quote(canary, safe=""), quote_plus(canary), json.dumps({"a": canary})]
    encoded = base64.b64encode(f"{before}{canary}@after".encode()).decode()

    for text in (*texts, encoded, encoded.replace("+", "-").replace("/", "_")):
        hidden = scrub(f"before {text} after")
        assert found_in(hidden.encode()) == [], hidden
        assert hidden.startswith("before ")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("site", ["sqlite", "postgres"], indirect=True)
def test_no_secret_is_anywhere_but_where_it_was_put(site: Site) -> None:
    watcher = Watcher()
    watching = Thread(target=watcher.run, daemon=True)
    watching.start()

    use_everything(site)

    watcher.stop()
    watching.join()
    told = "\n".join(site.said)
    assert {"stdout and stderr": found_in(told.encode())} == {"stdout and stderr": []}
    assert [words for words in watcher.seen if found_in(words)] == []
    own = {site.folder / name for name in ("staging.url", "backup.key")}
    files = [path for path in site.folder.rglob("*") if path.is_file() and path not in own]
    assert len(files) > 20
    leaks = {str(path.relative_to(site.folder)): found_in(path.read_bytes()) for path in files}
    assert {path: found for path, found in leaks.items() if found} == {}
    if store := site.variables.get("DRILLBOOK_STORE"):
        assert leaks_of_store(store) == {}


def use_everything(site: Site) -> None:
    """Carry out every command that touches a secret, with success and with failure."""
    done = site.drillbook("run", "change", "-i", "migration=right.sql", "--unattended")
    assert done.returncode == 0, done.stdout + done.stderr
    failed = site.drillbook("run", "change", "-i", "migration=wrong.sql", "--unattended", "--json")
    assert failed.returncode in {4, 5}, failed.stdout + failed.stderr
    assert "missing" in failed.stdout
    ended = site.drillbook("do", "command.run", "on=production", "name=fail", "--json")
    assert ended.returncode in {3, 4, 5, 8}, ended.stdout + ended.stderr
    if "DRILLBOOK_STORE" not in site.variables:
        use_what_is_the_same_upon_every_store(site)
    runs = [each["run"] for each in json.loads(site.drillbook("runs", "--json").stdout)]
    wrong, right = runs[-2:]
    site.drillbook("runs", "show", right, "--json")
    assert site.drillbook("report", wrong, "--output", "reports").returncode == 0
    assert site.drillbook("journal", "export", right).returncode == 0
    assert site.drillbook("journal", "verify").returncode == 0


def use_what_is_the_same_upon_every_store(site: Site) -> None:
    """See the plan, ask what is broken, and show what a store gave back."""
    assert site.drillbook("doctor").returncode == 9  # the broken environment
    assert site.drillbook("plan", "change", "-i", "migration=right.sql").returncode == 0
    site.drillbook("plan", "change", "-i", "migration=right.sql", "--json")
    told = site.drillbook("do", "command.run", "on=production", "name=tell", "--json")
    assert told.returncode == 0, told.stdout + told.stderr
    site.drillbook("do", "database.access", "on=broken")
    site.drillbook("do", "checks.health", "on=broken")
    kept_out = site.drillbook("do", "backup.list", "on=broken")
    assert "the keys may not do this" in kept_out.stdout + kept_out.stderr
    newest, *_, wrong, right = (
        each["run"] for each in json.loads(site.drillbook("runs", "--json").stdout)
    )
    site.drillbook("runs", "show", newest)
    site.drillbook("runs", "show", wrong, "--json")
    assert site.drillbook("report", right, "--output", "reports").returncode == 0


def leaks_of_store(url: str) -> dict[str, list[str]]:
    """Search every cell of every table of a Postgres store."""
    leaks: dict[str, list[str]] = {}
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('dbos', 'drillbook')"
        ).fetchall()
        assert len(tables) > 5
        for schema, table in tables:
            query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, table))
            for row in connection.execute(query):
                for cell in row:
                    data = cell if isinstance(cell, bytes) else str(cell).encode()
                    if found := found_in(data):
                        leaks[f"{schema}.{table}"] = found
    return leaks
