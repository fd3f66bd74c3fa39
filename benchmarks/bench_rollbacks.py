"""
Plant rollbacks that are unsafe and ones that are safe, and ask whether each may be gone.

`python -m benchmarks.bench_rollbacks` makes a hosting, a repository and a database of its own,
deploys releases, changes what lies between them, and asks `deployment.way_back`. An unsafe one
counts as named when it is not called safe and the planted reason is told; a safe one counts as held
back when it is not called safe. It writes build/bench-rollbacks.json; `--only TEXT` takes the cases
whose name contains it.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.rollbacks.cases import SAFE, UNSAFE, Case
from benchmarks.rollbacks.site import Site, a_site
from benchmarks.rollbacks.world import TEMPLATE, a_world
from drillbook.actions import deployment
from drillbook.actions.deployment.going_back import ReleaseBefore
from drillbook.local.server import PostgresServer
from drillbook.ports.deployments import Deployments, EnvironmentValues
from drillbook.ports.migration_files import Ledgers
from drillbook.ports.repository import Repository
from drillbook.range.booking.database import BookingData, make_booking_database
from drillbook.stack.stack import Stack

# mypy: disable-error-code="type-abstract"
# Ports are Protocols, and `Stack.port` takes the type itself.

TARGET = Path("build/bench-rollbacks.json")
MOST_HELD_BACK = 1
SMALL = BookingData(scale=0.1, flawed=False)
Row = dict[str, object]


def asked(stack: Stack, to: str) -> ReleaseBefore:
    """Ask as a runbook does, through the providers of production."""
    return deployment.way_back.do(
        stack.port("production", Deployments),
        stack.port("production", EnvironmentValues),
        stack.port("production", Repository),
        stack.port("production", Ledgers),
        to=to,
    )


def judged(site: Site, server: PostgresServer, case: Case) -> Row:
    """Plant one rollback and return what was said of it."""
    begun = time.perf_counter()
    with a_world(site, server, case.name) as world:
        to = case.plant(world)
        planted = time.perf_counter()
        found = asked(world.stack, to)
        aims = to or world.old
    told = [f"{one.subject} {one.name}: {one.says}" for one in (*found.reasons, *found.unknown)]
    named = bool(case.named) and any(case.named in one for one in told)
    right = (not found.is_safe and named) if case.named else found.is_safe
    return {
        "case": case.name,
        "planted": "unsafe" if case.named else "safe",
        "verdict": found.verdict.value,
        "right": right and found.to == aims,
        "told": told,
        "notes": list(found.notes),
        "asked_seconds": round(time.perf_counter() - planted, 3),
        "seconds": round(time.perf_counter() - begun, 3),
    }


def measured(only: str) -> list[Row]:
    """Return what was said of every case."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bench-rollbacks-") as name:
        folder = Path(name)
        server = PostgresServer(folder / "postgres", durable=False)
        server.start(tied=True)
        try:
            make_booking_database(server, TEMPLATE, SMALL)
            with a_site(folder / "range") as site:
                for case in (*UNSAFE, *SAFE):
                    if only in case.name:
                        rows.append(judged(site, server, case))
                        _tell(rows[-1])
        finally:
            server.end_at_once()
    return rows


def _tell(row: Row) -> None:
    mark = "ok   " if row["right"] else "WRONG"
    told = row["told"]
    first = told[0] if isinstance(told, list) and told else ""
    print(f"{mark} {row['planted']:6} {row['case']}: {row['verdict']}  {first}"[:160], flush=True)


def main() -> int:
    """Plant all, write the table, and say whether the promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    only = parser.parse_args().only
    rows = measured(only)
    unsafe = [row for row in rows if row["planted"] == "unsafe"]
    safe = [row for row in rows if row["planted"] == "safe"]
    named = sum(bool(row["right"]) for row in unsafe)
    held_back = sum(not row["right"] for row in safe)
    kept = named == len(unsafe) and held_back <= MOST_HELD_BACK
    summary = {
        "unsafe": len(unsafe), "unsafe_named": named, "safe": len(safe),
        "safe_held_back": held_back, "kept": kept, "cases": rows,
    }  # fmt: skip
    if not only:
        TARGET.parent.mkdir(exist_ok=True)
        TARGET.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print(f"{named} of {len(unsafe)} unsafe named, {held_back} of {len(safe)} safe held back")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
