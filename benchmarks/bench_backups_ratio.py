"""
What proofs cost: a backup with its proof data and a proven restore, each beside the bare tool.

`python -m benchmarks.bench_backups_ratio [--scale 70] [--rounds 3]` makes a database with pgbench
(scale 70 is 1 GB) on a server of its own, measures in turns, and writes
build/bench-backups-ratio.json. Ratios are of medians; the load of the machine stands beside them.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from drillbook.core.effect import Effect
from drillbook.core.postgres_tools import find_server
from drillbook.local.server import PostgresServer
from drillbook.providers.postgres.backups import PostgresBackups
from drillbook.providers.postgres.proof.data import proof_data
from drillbook.providers.postgres.scratch import ScratchRoom
from drillbook.providers.postgres.server import Server
from drillbook.providers.postgres.storage.folder import FolderStore
from drillbook.providers.postgres.verifying import PostgresVerifier
from drillbook.providers.process.commands import ProcessCommands

TARGET = Path("build/bench-backups-ratio.json")
SCALE = 70
ROUNDS = 3
MOST_CREATE_RATIO = 1.3
MOST_RESTORE_RATIO = 2.0
LEAST_MB_PER_SECOND = 400.0
Measured = dict[str, Any]  # Any: figures of several kinds


class Site:
    """A server with a pgbench database, and everything that backs it up."""

    def __init__(self, folder: Path, scale: int) -> None:
        self.folder = folder
        self.tools = find_server()
        self.server = PostgresServer(
            folder / "server", tools=self.tools, settings={"shared_buffers": "512MB"}
        )
        self.server.start(tied=True)
        url = self.server.url("bench")
        with psycopg.connect(self.server.url(), autocommit=True) as session:
            session.execute("CREATE DATABASE bench")
        self.program("pgbench", "-i", "-q", "-s", str(scale), url)
        with psycopg.connect(url, autocommit=True) as session:
            session.execute("CHECKPOINT")
        self.database = Server(lambda: url, "bench")
        self.store = FolderStore(folder / "store")
        self.commands = ProcessCommands(folder / "commands")
        self.room = ScratchRoom(folder / "room")
        self.backups = PostgresBackups(self.database, self.store, self.commands)
        self.verifier = PostgresVerifier(self.database, self.store, self.room, self.commands)

    def program(self, name: str, *arguments: str) -> None:
        subprocess.run([self.tools.folder / name, *arguments], check=True, capture_output=True)

    def sizes(self) -> tuple[int, int]:
        """Return the bytes of the database, and those of its tables' rows."""
        with psycopg.connect(self.server.url("bench")) as session:
            row = session.execute(
                "SELECT pg_database_size(current_database()), (SELECT sum(pg_relation_size(oid))"
                " FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace)"
            ).fetchone()
        assert row is not None
        return int(row[0]), int(row[1])


def measure(scale: int = SCALE, rounds: int = ROUNDS) -> Measured:
    """Measure in turns, so that a busy moment of the machine hits both sides."""
    with tempfile.TemporaryDirectory(prefix="drillbook-bench-") as name:
        site = Site(Path(name), scale)
        try:
            return _measured(site, rounds)
        finally:
            site.server.stop()


def _measured(site: Site, rounds: int) -> Measured:
    database_bytes, table_bytes = site.sizes()
    found: dict[str, list[float]] = {
        key: [] for key in ("dump", "create", "restore", "proven", "read")
    }
    load = [os.getloadavg()[0]]
    for number in range(rounds):
        dump = site.folder / f"dump-{number}"
        found["dump"].append(_seconds(lambda dump=dump: _dump(site, dump)))
        effect = Effect(key=f"bench-{number}/1")
        found["create"].append(_seconds(lambda effect=effect: site.backups.create("", effect)))
        backup = site.store.id_of(effect.key)
        found["restore"].append(_seconds(lambda dump=dump: _restore(site, dump)))
        found["proven"].append(
            _seconds(lambda backup=backup: site.verifier.verify(backup, Effect(key="bench/2")))
        )
        found["read"].append(_seconds(lambda: proof_data(site.database)))
        site.store.remove(backup)
        shutil.rmtree(dump)
        load.append(os.getloadavg()[0])
    median = {key: statistics.median(values) for key, values in found.items()}
    return {
        "database_bytes": database_bytes,
        "table_bytes": table_bytes,
        "seconds": {key: [round(one, 3) for one in values] for key, values in found.items()},
        "create_ratio": round(median["create"] / median["dump"], 3),
        "restore_ratio": round(median["proven"] / median["restore"], 3),
        "fingerprint_mb_per_second": round(table_bytes / 1e6 / median["read"], 1),
        "load": [round(one, 2) for one in load],
    }


def _dump(site: Site, folder: Path) -> None:
    site.program("pg_dump", "-Fd", "-j2", "-f", str(folder), site.server.url("bench"))


def _restore(site: Site, dump: Path) -> None:
    """Restore with nothing but the tools: a server of its own, a database, pg_restore."""
    with site.room.server(Effect(key="bench/bare"), site.tools.major) as scratch:
        with psycopg.connect(scratch.server.address(), autocommit=True) as session:
            session.execute("CREATE DATABASE bare")
        site.program("pg_restore", "-j2", "-d", scratch.running.url("bare"), str(dump))


def _seconds(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def lines(measured: Measured) -> list[tuple[str, str, str, bool]]:
    """Return what was measured, what is allowed, and whether that held."""
    create, restore = measured["create_ratio"], measured["restore_ratio"]
    speed = measured["fingerprint_mb_per_second"]
    return [
        (
            "backup.create of 1 GB with its proof data beside pg_dump -Fd -j2",
            f"{create:.2f}", f"≤ {MOST_CREATE_RATIO}", create <= MOST_CREATE_RATIO,
        ),
        (
            "restore and proof (equal contents, heapallindexed) beside a bare restore",
            f"{restore:.2f}", f"≤ {MOST_RESTORE_RATIO}", restore <= MOST_RESTORE_RATIO,
        ),
        (
            "fingerprint with all contents, 2 sessions",
            f"{speed:.0f} MB/s", f"≥ {LEAST_MB_PER_SECOND:.0f} MB/s", speed >= LEAST_MB_PER_SECOND,
        ),
    ]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=int, default=SCALE)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    measured = measure(given.scale, given.rounds)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(measured, indent=1) + "\n")
    for what, value, allowed, held in lines(measured):
        print(f"{what}: {value} ({allowed}) {'held' if held else 'missed'}")
    print(f"load {measured['load']}, seconds {measured['seconds']}")
    return 0 if all(held for *_, held in lines(measured)) else 1


if __name__ == "__main__":
    raise SystemExit(main())
