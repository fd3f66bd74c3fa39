"""
How long an app stalls while a migration is applied behind an idle transaction.

`python -m benchmarks.bench_apply` lets four busy clients read and write a table, opens a
transaction that has read it and does nothing for 30 s, and applies ALTER TABLE … ADD COLUMN.
Beside the way of Drillbook stand the plain statement and a bare lock_timeout with tries.
It writes build/bench-apply.json; `--quick` takes a reader of 10 s and fewer cases.
"""

import argparse
import hashlib
import json
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

import psycopg

from drillbook.actions import migration
from drillbook.core.effect import Effect
from drillbook.core.errors import DrillbookError
from drillbook.core.files import File
from drillbook.core.quantities import parse_duration
from drillbook.local.server import PostgresServer
from drillbook.providers.postgres.database import PostgresDatabase
from drillbook.providers.postgres.migrations import PostgresMigrations
from drillbook.providers.postgres.server import Server

TARGET = Path("build/bench-apply.json")
CLIENTS = 4
ROWS = 200_000
ALLOWED_SECONDS = 0.05
THINK_SECONDS = 0.002
CONTEXT = multiprocessing.get_context("spawn")
Queue = "multiprocessing.queues.Queue[float]"
Measured = dict[str, object]


def client(url: str, number: int, stop: Event, longest: Queue) -> None:
    """Read and write one row after the other; tell the longest answer."""
    chance = random.Random(number)
    worst, count = 0.0, 0
    with psycopg.connect(url, application_name="app", autocommit=True) as app:
        while not stop.is_set():
            row = chance.randrange(ROWS)
            for statement in (
                "SELECT total FROM orders WHERE id = %s",
                "UPDATE orders SET total = total + 1 WHERE id = %s",
            ):
                began = time.perf_counter()
                app.execute(statement.encode(), [row])
                worst = max(worst, time.perf_counter() - began)
                count += 1
            time.sleep(THINK_SECONDS)
    longest.put((worst, count))


def reader(url: str, seconds: float, began: Event) -> None:
    """Read once, then hold the transaction open and do nothing."""
    with psycopg.connect(url, application_name="reporting") as reports:
        reports.execute("SELECT count(*) FROM orders WHERE id < 10")
        began.set()
        time.sleep(seconds)


@contextmanager
def traffic(url: str, idle_seconds: float) -> Iterator[Callable[[], tuple[float, int]]]:
    """Let the clients and, with a time, the idle reader run; give the longest answer at the end."""
    stop, began, longest = CONTEXT.Event(), CONTEXT.Event(), CONTEXT.Queue()
    workers = [
        CONTEXT.Process(target=client, args=(url, number, stop, longest), daemon=True)
        for number in range(CLIENTS)
    ]
    idle = CONTEXT.Process(target=reader, args=(url, idle_seconds, began), daemon=True)
    for worker in workers:
        worker.start()
    _until_connected(url)
    if idle_seconds:
        idle.start()
        began.wait(60)
    found: list[tuple[float, int]] = []

    def end() -> tuple[float, int]:
        stop.set()
        found.extend(longest.get(timeout=120) for _ in workers)
        return max(worst for worst, _ in found), sum(count for _, count in found)

    try:
        yield end
    finally:
        for process in [*workers, *([idle] if idle_seconds else [])]:
            process.join(1)
            process.kill()
            process.join()


def _until_connected(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'app'"
            ).fetchone()
            if row and row[0] == CLIENTS:
                return
            time.sleep(0.05)


def by_drillbook(url: str, lock_timeout: str, number: int) -> str:
    """Apply as `migration.apply` does."""
    return _applied(url, f"ALTER TABLE orders ADD COLUMN note_{number} text;", lock_timeout, number)


def by_drillbook_unforeseen(url: str, lock_timeout: str, number: int) -> str:
    """Apply what no reading of the file foresees, so that every try has to queue."""
    inner = f"ALTER TABLE orders ADD COLUMN note_{number} text"
    return _applied(url, f"DO $$ BEGIN EXECUTE '{inner}'; END $$;", lock_timeout, number)


def _applied(url: str, text: str, lock_timeout: str, number: int) -> str:
    server = Server(lambda: url, "production")
    file = File(name=f"{number}.sql", sha256=hashlib.sha256(text.encode()).hexdigest(), text=text)
    effect = Effect(key=f"bench:{number}", run="bench")
    applied = migration.apply.do(
        PostgresDatabase(server), PostgresMigrations(server), effect, file=file,
        lock_timeout=parse_duration(lock_timeout), retries=20, patience=parse_duration("5m"),
    )  # fmt: skip
    return f"applied; waited for {len(applied.waited_for)}"


def by_tries(url: str, lock_timeout: str, number: int) -> str:
    """Apply with a bare lock_timeout and a pause of a second between tries."""
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(f"SET lock_timeout = '{lock_timeout}'".encode())
        for tried in range(1, 1000):
            try:
                session.execute(f"ALTER TABLE orders ADD COLUMN note_{number} text".encode())
            except psycopg.errors.LockNotAvailable:
                time.sleep(1)
            else:
                return f"applied at try {tried}"
    return "not applied"


def by_hand(url: str, lock_timeout: str, number: int) -> str:
    """Apply as psql does, without any time-out."""
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(f"ALTER TABLE orders ADD COLUMN note_{number} text".encode())
    return "applied"


def measure(*, quick: bool, idle_seconds: float, tell: Callable[[str], None]) -> Measured:
    """Measure every way, each with traffic of its own."""
    folder = Path(tempfile.mkdtemp(prefix="drillbook-bench-"))
    server = PostgresServer(folder / "server", durable=False)
    cases: list[tuple[str, Callable[[str, str, int], str] | None, str]] = [
        ("nothing is applied", None, "0s"),
        ("drillbook", by_drillbook, "1s"),
        ("drillbook", by_drillbook, "200ms"),
        ("lock_timeout and tries", by_tries, "1s"),
    ]
    if not quick:
        cases += [
            ("drillbook, inside a DO block", by_drillbook_unforeseen, "500ms"),
            ("plain statement", by_hand, "0s"),
        ]
    try:
        server.start(tied=True)
        url = server.url()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE orders (id int PRIMARY KEY, total bigint NOT NULL)")
            connection.execute(
                f"INSERT INTO orders SELECT n, n FROM generate_series(0, {ROWS - 1}) n".encode()
            )
            connection.execute("VACUUM ANALYZE orders")
        found = []
        for number, (name, way, timeout) in enumerate(cases):
            idle = idle_seconds if way else 0.0
            found.append(_one(url, name, way, timeout, number, idle))
            tell(_says(found[-1]))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return {"clients": CLIENTS, "idle_seconds": idle_seconds, "rows": ROWS, "cases": found}


def _one(
    url: str, name: str, way: Callable[[str, str, int], str] | None, timeout: str, number: int,
    idle_seconds: float,
) -> Measured:  # fmt: skip
    with traffic(url, idle_seconds) as ended:
        began = time.monotonic()
        try:
            outcome = way(url, timeout, number) if way else "idle"
        except DrillbookError as error:
            outcome = f"failed: {error}"
        if way is None:
            time.sleep(5)
        seconds = time.monotonic() - began
        stall, answers = ended()
    allowed = parse_duration(timeout).total_seconds() + ALLOWED_SECONDS
    held = (
        stall <= allowed and outcome.startswith("applied") if name.startswith("drillbook") else None
    )
    return {
        "case": name, "lock_timeout": timeout, "stall_seconds": round(stall, 3),
        "allowed_seconds": allowed if held is not None else None, "held": held,
        "seconds": round(seconds, 1), "answers": answers, "outcome": outcome,
    }  # fmt: skip


def _says(one: Measured) -> str:
    verdict = {True: "held", False: "MISSED", None: ""}[one["held"]]  # type: ignore[index]  # of three values
    return (
        f"{one['case']:<28} lock_timeout {one['lock_timeout']:<6} longest stall "
        f"{one['stall_seconds']:>7} s  {one['outcome']} after {one['seconds']} s  {verdict}"
    )


def main() -> int:
    """Measure, print and write; the exit code says whether what is promised was held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--idle-seconds", type=float, default=0.0)
    given = parser.parse_args()
    idle = given.idle_seconds or (10.0 if given.quick else 30.0)
    measured = measure(quick=given.quick, idle_seconds=idle, tell=print)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    cases = measured["cases"]
    assert isinstance(cases, list)
    return 0 if all(case["held"] is not False for case in cases) else 1


if __name__ == "__main__":
    sys.exit(main())
