"""Ways back derived for 65 changes, each checked by pg_dump and by all rows."""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from drillbook.core.effect import Effect
from drillbook.core.errors import DrillbookError
from drillbook.core.postgres_tools import find_server
from drillbook.local.server import PostgresServer
from drillbook.ports.migrations import Change
from drillbook.ports.ways_back import WayBackRehearsal
from drillbook.providers.postgres.server import Server
from drillbook.providers.postgres.wayback import rehearse_way_back
from drillbook.providers.postgres.wayback.clones import run_down, run_up

CASES = Path("/work/shared/data/ways-back-65.json")
TARGET = 60


class Oracle:
    """Says what a database is, in the words of pg_dump and of its rows, not of ours."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.program = find_server().folder / "pg_dump"

    def schema(self, database: str) -> list[str]:
        """Return the dump's blocks in an order of their own, columns sorted."""
        words = [str(self.program), "-s", "-N", "drillbook", "-d", self.server.url(database)]
        text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        lines = [
            line
            for line in text.splitlines()
            if not line.startswith(("\\restrict", "\\unrestrict", "-- ", "--"))
        ]
        blocks = re.split(r";\n", "\n".join(line for line in lines if line.strip()))
        return sorted(_columns_sorted(block) for block in blocks)

    def rows(self, database: str) -> dict[str, str]:
        """Return a digest of each table's rows, each row as JSON with sorted names."""
        found = {}
        with psycopg.connect(self.server.url(database)) as session:
            tables = session.execute(
                "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n "
                "ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' "
                "AND n.nspname NOT IN ('information_schema', 'drillbook')"
            ).fetchall()
            for (name,) in tables:
                rows = session.execute(f"SELECT to_jsonb(t)::text FROM ONLY {name} t").fetchall()
                told = "\n".join(sorted(row[0] for row in rows))
                found[name] = hashlib.sha256(told.encode()).hexdigest()
        return found


def _columns_sorted(block: str) -> str:
    """A middle column that was dropped comes back last: said in the price, equal otherwise."""
    if "CREATE TABLE" not in block:
        return block.strip()
    head, _, body = block.partition("(\n")
    return head.strip() + "\n".join(sorted(line.strip().rstrip(",") for line in body.splitlines()))


def check(
    server: PostgresServer, oracle: Oracle, case: str, sql: str, source: str
) -> tuple[WayBackRehearsal | None, str]:
    """Rehearse one change; return what came of it, and what the oracle holds against it."""
    ours = Server(lambda: server.url(source), "bench", source)
    change = Change(name=f"{case}.sql", sha256=hashlib.sha256(sql.encode()).hexdigest(), text=sql)
    try:
        found = rehearse_way_back(ours, change, Effect(key=f"bench:{case}"))
    except DrillbookError as error:
        return None, f"it cannot be applied: {error}"
    if found.script is None:
        return found, ""
    name = "oracle"
    with psycopg.connect(server.url(), autocommit=True) as session:
        session.execute(f"CREATE DATABASE {name} TEMPLATE {source}")
    try:
        other = ours.other(name)
        with psycopg.connect(server.url(name), autocommit=True) as session:
            session.execute("CREATE SCHEMA IF NOT EXISTS drillbook")
        before = oracle.schema(name), oracle.rows(name)
        run_up(other, sql, found.script.capture_sql)
        run_down(other, found.script.down_sql)
        after = oracle.schema(name), oracle.rows(name)
        return found, _held_against(before, after)
    except DrillbookError as error:
        return found, f"the offered way back failed: {error}"
    finally:
        with psycopg.connect(server.url(), autocommit=True) as session:
            session.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _held_against(
    before: tuple[list[str], dict[str, str]], after: tuple[list[str], dict[str, str]]
) -> str:
    if before[0] != after[0]:
        gone = [b for b in before[0] if b not in after[0]]
        new = [b for b in after[0] if b not in before[0]]
        return f"pg_dump differs: {gone[:2]} -> {new[:2]}"
    if before[1] != after[1]:
        return f"rows differ: {[n for n in before[1] if before[1][n] != after[1].get(n)]}"
    return ""


def run_cases(cases: Path, only: str) -> Iterator[dict[str, object]]:
    """Rehearse every case of a file on a server of its own."""
    told = json.loads(cases.read_text(encoding="utf-8"))
    folder = Path(tempfile.mkdtemp(prefix="drillbook-bench-ways-back-"))
    server = PostgresServer(folder, durable=False, settings={"wal_level": "logical"})
    try:
        server.start(tied=True)
        with psycopg.connect(server.url(), autocommit=True) as session:
            session.execute("CREATE DATABASE source")
        with psycopg.connect(server.url("source"), autocommit=True) as session:
            session.execute(told["schema_sql"])
        oracle = Oracle(server)
        for case in told["cases"]:
            if only and only not in case["id"]:
                continue
            started = time.monotonic()
            found, held = check(server, oracle, case["id"], case["sql"], "source")
            yield {
                "id": case["id"],
                "proven": found is not None and found.proven,
                "held_against": held,
                "why_not": found.why_not if found else held,
                "price": found.price if found else "",
                "rehearsal_seconds": found.seconds if found else 0.0,
                "seconds": round(time.monotonic() - started, 2),
                "down": found.script.down_sql if found and found.script else "",
                "capture": found.script.capture_sql if found and found.script else "",
            }
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def main(
    cases: Path = CASES, out: Path = Path("build/bench-ways-back.json"), only: str = ""
) -> int:
    """Print the table, write the file; 0 when the target is met."""
    if not cases.exists():
        print(f"ways back: {cases} is not here; nothing was measured")
        return 0
    results = []
    for result in run_cases(cases, only):
        results.append(result)
        mark = "proven" if result["proven"] else "restore"
        if result["held_against"]:
            mark = "WRONG"
        print(
            f"{mark:8} {result['id']:24} {result['seconds']:5.2f} s  "
            f"{result['held_against'] or result['why_not'] or result['price']}"
        )
    proven = sum(bool(r["proven"]) and not r["held_against"] for r in results)
    wrong = sum(bool(r["proven"]) and bool(r["held_against"]) for r in results)
    out.parent.mkdir(parents=True, exist_ok=True)
    told = {"proven": proven, "of": len(results), "offered_unproven": wrong, "cases": results}
    out.write_text(json.dumps(told, indent=1), encoding="utf-8")
    print(f"ways back: {proven} of {len(results)} proven, {wrong} offered unproven; {out}")
    return 0 if wrong == 0 and (only or proven >= TARGET) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=Path, default=CASES)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path, default=Path("build/bench-ways-back.json"))
    given = parser.parse_args()
    sys.exit(main(given.cases, given.out, given.only))
