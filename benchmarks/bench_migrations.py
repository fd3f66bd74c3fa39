"""
Rehearse many migrations on a copy with a tenth of the rows, and hold the forecast against the truth.

`python -m benchmarks.bench_migrations` takes some minutes and writes build/bench-migrations.json.
The measured migrations lie beside the checkout (or where DRILLBOOK_MIGRATIONS_92 says).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from rich.console import Console
from rich.table import Table

from drillbook.analysis.forecast import seconds_says
from drillbook.analysis.statements import BEGINS, Statement, read_script
from drillbook.analysis.units import Lone, Settling, Unit, lone_of, units_of
from drillbook.core.effect import Effect
from drillbook.core.postgres_tools import find_server, found_tools
from drillbook.local.server import PostgresServer
from drillbook.providers.postgres.rehearsal.measuring import Ground, Measured, measure
from drillbook.providers.postgres.server import Server

TARGET = Path("build/bench-migrations.json")
VARIABLE = "DRILLBOOK_MIGRATIONS_92"
BESIDE = Path(__file__).resolve().parents[2] / "shared/data/migrations-92.json"
MEASURED_ON_MAJOR = 15
SCALE = 10
LEAST_F1, LEAST_WITHIN, TWICE = 0.97, 0.9, 2.0
BY_ITSELF = ("do_stmt", "call_stmt")
Json = dict[str, Any]  # Any: a data file's own shape, and figures of several kinds


@dataclass(frozen=True, slots=True)
class Case:
    """One migration, what really happened, and what was foretold."""

    name: str
    truth: Json
    measured: Measured
    table: str
    squawk: bool

    @property
    def really_blocked(self) -> float:
        return max(self.truth["read_block_ms"], self.truth["write_block_ms"]) / 1000

    @property
    def foretold(self) -> float:
        return self.measured.forecast.blocked_seconds

    @property
    def within_twice(self) -> bool:
        low, high = sorted((self.really_blocked, self.foretold))
        return high <= low * TWICE

    def as_json(self) -> Json:
        return {
            "id": self.name,
            "dangerous": self.truth["dangerous"],
            "foretold_dangerous": self.measured.forecast.dangerous,
            "squawk_dangerous": self.squawk,
            "blocked_seconds": self.really_blocked,
            "foretold_seconds": self.foretold,
            "within_twice": self.within_twice,
            "fails": self.truth["fails"],
            "foretold_fails": self.measured.failed is not None,
            "says": self.measured.forecast.says,
            "factors": [one.factor for one in self.measured.statements],
            "copy_seconds": [one.seconds for one in self.measured.statements],
        }


def units_as_psql_runs_them(text: str) -> tuple[Unit, ...]:
    """Return each statement as a transaction of its own: so these cases were measured."""
    units: list[Unit] = []
    group: list[Statement] | None = None
    for statement in read_script(text).statements:
        control = statement.control
        if control is not None:
            if control.kind in BEGINS:
                group = []
            elif group is not None:
                units.append(Unit(tuple(group)))
                group = None
        elif group is not None:
            group.append(statement)
        else:
            lone = lone_of(statement)
            if lone is None and statement.kind in BY_ITSELF:
                lone = Lone(Settling.UNKNOWN)
            units.append(Unit((statement,), lone))
    return tuple(units)


@dataclass(frozen=True, slots=True)
class Ground92:
    """A server with the template the cases are cloned from, and production's rows by table."""

    server: PostgresServer
    rows: Mapping[str, int]

    @contextmanager
    def clone(self) -> Iterator[Server]:
        self._do("CREATE DATABASE work TEMPLATE small STRATEGY file_copy")
        try:
            yield Server(lambda: self.server.url("work"), "the copy")
        finally:
            self._do("DROP DATABASE work WITH (FORCE)")

    def _do(self, statement: str) -> None:
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def ground(data: Json) -> Iterator[Ground92]:
    """Start a server and make the template: the schema of the data with a tenth of the rows."""
    folder = Path(tempfile.mkdtemp(prefix="drillbook-bench-"))
    fitting = [t for t in found_tools() if t.major == MEASURED_ON_MAJOR and t.has("initdb")]
    settings = {"shared_buffers": "128MB", "autovacuum": "off", "max_wal_size": "4GB"}
    tools = fitting[0] if fitting else find_server()
    server = PostgresServer(folder, tools=tools, durable=False, settings=settings)
    try:
        server.start(tied=True)
        small = data["rows"] // SCALE
        make(server, "small", data["schema_sql_template"], small)
        # Which tables grow with the rows, and which do not, shows in two tiny ones.
        for name, rows in (("tiny", small // 100), ("twice", small // 50)):
            make(server, name, data["schema_sql_template"], rows)
        tiny, twice, here = (counts(server, name) for name in ("tiny", "twice", "small"))
        grown = {n: here[n] * (SCALE if twice[n] > tiny[n] else 1) for n in here}
        yield Ground92(server, grown)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def make(server: PostgresServer, name: str, template: str, rows: int) -> None:
    """Make a database by the schema of the data."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    text = template
    for word, count in (("rows", rows), ("half", rows // 2), ("customers", rows // 10)):
        text = text.replace(f"{{{word}}}", str(count))
    with psycopg.connect(server.url(name), autocommit=True) as connection:
        connection.execute(text.encode())
        connection.execute("VACUUM ANALYZE")


def counts(server: PostgresServer, name: str) -> dict[str, int]:
    """Return the rows of every table of a database."""
    asked = "SELECT relname, reltuples::int8 FROM pg_class WHERE relkind IN ('r', 'm') AND oid >= 16384"
    with psycopg.connect(server.url(name)) as connection:
        return {row[0]: max(0, row[1]) for row in connection.execute(asked).fetchall()}


def squawk_finds(text: str) -> bool:
    """Tell whether squawk, a linter, has anything to say about a file."""
    program = Path(sys.executable).with_name("squawk")
    done = subprocess.run(
        [program, "--reporter", "json"], input=text, capture_output=True, text=True, check=False
    )
    return bool(json.loads(done.stdout or "[]"))


def f1(cases: list[tuple[bool, bool]]) -> float:
    """Return the F1 of pairs of truth and foretold."""
    hit = sum(truth and told for truth, told in cases)
    wrong = sum(truth != told for truth, told in cases)
    return 2 * hit / (2 * hit + wrong) if hit else 0.0


def measure_all(data: Json, only: list[str], tell: Console) -> list[Case]:
    """Rehearse every case of the data on a clone of its own."""
    cases = []
    with ground(data) as here:
        for truth in data["cases"]:
            if only and truth["id"] not in only:
                continue
            units = units_as_psql_runs_them(truth["sql"])
            with here.clone() as server:
                measured = measure(server, units, Effect(key=truth["id"]), Ground(rows=here.rows))
            case = Case(
                truth["id"], truth, measured, truth["probed_table"], squawk_finds(truth["sql"])
            )
            cases.append(case)
            tell.print(
                f"{case.name:32} really {seconds_says(case.really_blocked):>8}"
                f"  foretold {seconds_says(case.foretold):>8}  {'' if case.truth['dangerous'] == measured.forecast.dangerous else 'WRONG'}"
            )
    return cases


def summary(cases: list[Case]) -> Json:
    """Return the figures the cases come to."""
    dangerous = [one for one in cases if one.truth["dangerous"]]
    both = [one for one in dangerous if one.measured.forecast.dangerous]
    return {
        "cases": len(cases),
        "f1": round(f1([(c.truth["dangerous"], c.measured.forecast.dangerous) for c in cases]), 4),
        "f1_squawk": round(f1([(c.truth["dangerous"], c.squawk) for c in cases]), 4),
        "within_twice": sum(one.within_twice for one in both),
        "of": len(both),
        "fails_found": sum(one.truth["fails"] == bool(one.measured.failed) for one in cases),
    }


def data_file() -> Path | None:
    """Return where the measured migrations lie, or None."""
    named = os.environ.get(VARIABLE)
    found = Path(named) if named else BESIDE
    return found if found.is_file() else None


def main() -> int:
    """Measure, print, write; 1 when a promise is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", default=[])
    asked = parser.parse_args()
    console = Console(highlight=False)
    path = data_file()
    if path is None:
        console.print(f"migrations-92.json is not here: set {VARIABLE} to measure with it")
        return 0
    cases = measure_all(json.loads(path.read_text(encoding="utf-8")), asked.only, console)
    figures = summary(cases)
    TARGET.parent.mkdir(exist_ok=True)
    document = {"migrations_92": figures, "cases": [case.as_json() for case in cases]}
    TARGET.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    console.print(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
