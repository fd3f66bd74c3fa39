"""
A copy for a rehearsal against bare `pg_basebackup` and a start: what does our care cost?

`python -m benchmarks.bench_copies --rows 3000000` copies about 1 GB, both ways in turn.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from drillbook.core.effect import Effect
from drillbook.core.postgres_tools import find_server
from drillbook.local.server import PostgresServer
from drillbook.providers.postgres.copies import Copies
from drillbook.providers.postgres.scratch import ScratchRoom
from drillbook.providers.postgres.server import Server
from drillbook.providers.process.commands import ProcessCommands

ROWS, ROUNDS = 3_000_000, 3
RATIO_ALLOWED = 1.3
Measured = dict[str, Any]  # Any: figures of several kinds


def measure(rows: int = ROWS, rounds: int = ROUNDS) -> Measured:
    """Copy one server both ways in turn; the medians and their ratio."""
    with _production(rows) as (server, folder):
        with psycopg.connect(server.url("app")) as connection:
            row = connection.execute("SELECT pg_database_size('app')").fetchone()
        size = int(row[0]) if row else 0
        ways: dict[str, Callable[[], float]] = {
            "bare": lambda: _bare(server, folder),
            "ours": lambda: _ours(server, folder),
        }
        times: dict[str, list[float]] = {"bare": [], "ours": []}
        for number in range(rounds):
            # Taken in turn and each first once, so that a warm cache helps nobody more.
            for name in sorted(ways, reverse=bool(number % 2)):
                times[name].append(ways[name]())
    bare, ours = (statistics.median(times[name]) for name in ("bare", "ours"))
    return {
        "size_bytes": size,
        "bare_seconds": round(bare, 2),
        "ours_seconds": round(ours, 2),
        "ratio": round(ours / bare, 3),
        "ratio_allowed": RATIO_ALLOWED,
        "rounds": times,
    }


def _bare(server: PostgresServer, folder: Path) -> float:
    """Copy and start as one would by hand, until a query is answered."""
    place = folder / "bare"
    place.mkdir(mode=0o700)
    program = find_server().folder / "pg_basebackup"
    words = [program, f"--pgdata={place / 'data'}", "--checkpoint=fast", "--no-sync"]
    environment = os.environ | {
        "PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": "postgres",
        "PGPASSWORD": server.password,
    }  # fmt: skip
    copy = PostgresServer(place, durable=False)
    started = time.perf_counter()
    subprocess.run(words, env=environment, check=True, capture_output=True)
    shutil.copy(server.folder / "password", place / "password")
    copy.start(tied=True)
    with psycopg.connect(copy.url("app")) as connection:
        connection.execute("SELECT 1")
    seconds = time.perf_counter() - started
    copy.stop()
    shutil.rmtree(place)
    return seconds


def _ours(server: PostgresServer, folder: Path) -> float:
    """Take a copy as a rehearsal does, until a query is answered."""
    copies = Copies(
        Server(lambda: server.url("app"), "production"),
        ScratchRoom(folder / "scratch"),
        ProcessCommands(folder / "commands"),
    )
    started = time.perf_counter()
    with copies.taken(Effect(key="r-1/1.1"), physical=True) as copy, copy.server.session() as one:
        one.execute("SELECT 1")
        return time.perf_counter() - started


def lines(measured: Measured) -> list[tuple[str, str, str, bool]]:
    """Return what was measured, what is promised, and whether that was reached."""
    ratio, size = measured["ratio"], measured["size_bytes"] / 1e9
    seconds = f"{measured['ours_seconds']:.1f} s, bare {measured['bare_seconds']:.1f} s"
    return [
        (
            f"a copy of {size:.1f} GB, started, against bare pg_basebackup and a start",
            f"{ratio:.2f} x ({seconds})", f"≤ {RATIO_ALLOWED} x", ratio <= RATIO_ALLOWED,
        )
    ]  # fmt: skip


@contextmanager
def _production(rows: int) -> Iterator[tuple[PostgresServer, Path]]:
    folder = Path(tempfile.mkdtemp(prefix="drillbook-bench-"))
    server = PostgresServer(folder / "production", durable=False, settings={"max_wal_size": "4GB"})
    try:
        server.start(tied=True)
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE app")
        with psycopg.connect(server.url("app"), autocommit=True) as connection:
            connection.execute("CREATE TABLE items (id int PRIMARY KEY, a text, b text, c text)")
            filling = (
                "INSERT INTO items SELECT g, md5(g::text), repeat(md5((g * 7)::text), 6), 'c' || g"
                " FROM generate_series(1, %s) g"
            )
            connection.execute(filling, [rows])
            connection.execute("CHECKPOINT")
        yield server, folder
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    print(json.dumps(measure(asked.rows, asked.rounds), indent=1))
