"""92 migrations that were measured on 2,000,000 rows, foretold from a tenth of them."""

import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.migrations.scores import (
    LEAST_F1,
    LEAST_WITHIN,
    Json,
    Line,
    f1,
    squawk_finds,
    within_twice,
)
from drillbook.analysis.forecast import seconds_says
from drillbook.analysis.statements import BEGINS, Statement, read_script
from drillbook.analysis.units import Lone, Settling, Unit, lone_of
from drillbook.core.effect import Effect
from drillbook.core.postgres_tools import find_server, found_tools
from drillbook.core.rehearsal import DANGEROUS_SECONDS
from drillbook.local.server import PostgresServer
from drillbook.providers.postgres.copies import SETTINGS
from drillbook.providers.postgres.rehearsal.accounting import Ground, Measured
from drillbook.providers.postgres.rehearsal.measuring import measure as rehearse
from drillbook.providers.postgres.server import Server

MEASURED_ON_MAJOR = 15
SCALE = 10
BY_ITSELF = ("do_stmt", "call_stmt")
LONG_SECONDS = 0.1  # shorter ones say nothing about the machine


@dataclass(frozen=True, slots=True)
class Case:
    """One migration: what happened there, what was foretold, what happens here."""

    truth: Json
    told: Measured
    squawk: bool
    here: Measured | None = None

    @property
    def name(self) -> str:
        return str(self.truth["id"])

    @property
    def dangerous(self) -> bool:
        return bool(self.truth["dangerous"])

    @property
    def blocked(self) -> float:
        return float(max(self.truth["read_block_ms"], self.truth["write_block_ms"])) / 1000

    @property
    def foretold(self) -> float:
        return self.told.forecast.blocked_seconds

    @property
    def blocked_here(self) -> float:
        waits = [
            max(one.reads_seconds, one.writes_seconds)
            for one in (self.here.blocked if self.here else ())
        ]
        return max(waits, default=0.0)


@dataclass(frozen=True, slots=True)
class Found:
    """All cases, and how many times longer the machine of the truth took for the same work."""

    cases: tuple[Case, ...]
    pace: float

    def lines(self) -> list[Line]:
        """Return the figures, the promised ones first."""
        cases = self.cases
        paced = f1((c.dangerous, c.foretold * self.pace >= DANGEROUS_SECONDS) for c in cases)
        plain = f1((c.dangerous, c.told.forecast.dangerous) for c in cases)
        squawk = f1((c.dangerous, c.squawk) for c in cases)
        both = [c for c in cases if c.dangerous and c.foretold * self.pace >= DANGEROUS_SECONDS]
        near = sum(within_twice(c.blocked, c.foretold * self.pace) for c in both)
        raw = sum(within_twice(c.blocked, c.foretold) for c in both)
        fails = sum(bool(c.truth["fails"]) is (c.told.failed is not None) for c in cases)
        many = len(both)
        return [
            Line(
                f"F1 for dangerous, {len(cases)} cases", f"{paced:.3f}",
                f"≥ {LEAST_F1}", paced >= LEAST_F1,
            ),
            Line("  without that machine's pace", f"{plain:.3f}"),
            Line("  squawk", f"{squawk:.3f}"),
            Line(
                "blocked time within twice", f"{near} of {many}",
                f"≥ {LEAST_WITHIN:.0%}", near >= LEAST_WITHIN * many,
            ),
            Line("  without that machine's pace", f"{raw} of {many}"),
            Line("that machine's pace", f"{self.pace:.2f}"),
            Line("failing or not, as it was", f"{fails} of {len(cases)}"),
            *self._lines_here(),
        ]  # fmt: skip

    def _lines_here(self) -> list[Line]:
        cases = [c for c in self.cases if c.here is not None]
        if not cases:
            return []
        score = f1((c.blocked_here >= DANGEROUS_SECONDS, c.told.forecast.dangerous) for c in cases)
        both = [
            c for c in cases if c.blocked_here >= DANGEROUS_SECONDS and c.told.forecast.dangerous
        ]
        near = sum(within_twice(c.blocked_here, c.foretold) for c in both)
        return [
            Line(f"F1 against all rows on this machine, {len(cases)} cases", f"{score:.3f}"),
            Line("  blocked time within twice", f"{near} of {len(both)}"),
        ]

    def as_json(self) -> Json:
        """Return every figure and every case."""
        figures = {line.what.strip(): line.measured for line in self.lines()}
        return {"figures": figures, "cases": [self._case(case) for case in self.cases]}

    def _case(self, case: Case) -> Json:
        return {
            "id": case.name,
            "dangerous": case.dangerous,
            "foretold_dangerous": case.foretold * self.pace >= DANGEROUS_SECONDS,
            "squawk_dangerous": case.squawk,
            "blocked_seconds": case.blocked,
            "foretold_seconds": case.foretold,
            "foretold_at_that_pace": round(case.foretold * self.pace, 3),
            "blocked_here_seconds": case.blocked_here if case.here else None,
            "fails": case.truth["fails"],
            "foretold_fails": case.told.failed is not None,
            "says": case.told.forecast.says,
            "copy_seconds": [one.seconds for one in case.told.statements],
            "factors": [one.factor for one in case.told.statements],
        }


def measure(data: Json, only: Sequence[str], *, here: bool, tell: Callable[[str], None]) -> Found:
    """Rehearse every case on a clone of its own; with `here` also on all rows."""
    chosen = [case for case in data["cases"] if not only or case["id"] in only]
    told = dict(_each(data, chosen, SCALE, tell))
    full = dict(_each(data, chosen, 1, tell)) if here else {}
    cases = tuple(
        Case(one, told[one["id"]], squawk_finds(one["sql"]), full.get(one["id"])) for one in chosen
    )
    found = Found(cases, pace_of(cases))
    for case in cases:
        right = (case.foretold * found.pace >= DANGEROUS_SECONDS) is case.dangerous
        tell(
            f"{case.name:30} {'' if right else 'WRONG':6}really {seconds_says(case.blocked):>8}  "
            f"foretold {seconds_says(case.foretold * found.pace):>8}"
            + (f"  here {seconds_says(case.blocked_here):>8}" if here else "")
        )
    return found


def pace_of(cases: Sequence[Case]) -> float:
    """
    Return how fast the machine of the truth was, from the cases in which nobody had to wait.

    The truth comes from one machine and the copy runs on another, as with a real production. Only
    how long harmless migrations took is looked at: none of what is foretold.
    """
    ratios = [
        case.truth["duration_ms"] / 1000 / case.told.forecast.seconds
        for case in cases
        if not case.dangerous and case.truth["duration_ms"] >= LONG_SECONDS * 1000
    ]
    return round(statistics.median(ratios), 2) if ratios else 1.0


def units_as_psql_runs_them(text: str) -> tuple[Unit, ...]:
    """Return each statement as a transaction of its own: so these cases were measured."""
    units: list[Unit] = []
    group: list[Statement] | None = None
    for statement in read_script(text).statements:
        control = statement.control
        if control is not None and control.kind in BEGINS:
            group = []
        elif control is not None:
            units.append(Unit(tuple(group or ())))
            group = None
        elif group is not None:
            group.append(statement)
        else:
            lone = lone_of(statement)
            if lone is None and statement.kind in BY_ITSELF:
                lone = Lone(Settling.UNKNOWN)
            units.append(Unit((statement,), lone))
    return tuple(units)


def _each(
    data: Json, chosen: Sequence[Json], scale: int, tell: Callable[[str], None]
) -> Iterator[tuple[str, Measured]]:
    with _ground(data, scale) as (server, rows):
        for case in chosen:
            tell(f"{case['id']} on {data['rows'] // scale:,} rows")
            units = units_as_psql_runs_them(case["sql"])
            with _clone(server) as copy:
                yield case["id"], rehearse(copy, units, Effect(key=case["id"]), Ground(rows=rows))


@contextmanager
def _ground(data: Json, scale: int) -> Iterator[tuple[PostgresServer, Mapping[str, int]]]:
    """Start a server, make the template, and say how many rows production has by table."""
    folder = Path(tempfile.mkdtemp(prefix="drillbook-bench-"))
    fitting = [t for t in found_tools() if t.major == MEASURED_ON_MAJOR and t.has("initdb")]
    settings = SETTINGS | {"shared_buffers": "128MB", "max_wal_size": "4GB"}
    tools = fitting[0] if fitting else find_server()
    server = PostgresServer(folder, tools=tools, durable=False, settings=settings)
    try:
        server.start(tied=True)
        whole = data["rows"] // scale
        # Which tables grow with the rows, and which do not, shows in two tiny ones.
        for name, rows in (("template_0", whole), ("tiny", 2_000), ("twice", 4_000)):
            _make(server, name, data["schema_sql_template"], rows)
        here, tiny, twice = (_counts(server, name) for name in ("template_0", "tiny", "twice"))
        yield server, {n: here[n] * (scale if twice[n] > tiny[n] else 1) for n in here}
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _make(server: PostgresServer, name: str, template: str, rows: int) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    text = template
    for word, count in (("rows", rows), ("half", rows // 2), ("customers", rows // 10)):
        text = text.replace(f"{{{word}}}", str(count))
    with psycopg.connect(server.url(name), autocommit=True) as connection:
        connection.execute(text.encode())
        connection.execute("VACUUM ANALYZE")


def _counts(server: PostgresServer, name: str) -> dict[str, int]:
    asked = (
        "SELECT relname, reltuples::int8 FROM pg_class "
        "WHERE relkind IN ('r', 'm', 'p') AND oid >= 16384"
    )
    with psycopg.connect(server.url(name)) as connection:
        return {row[0]: max(0, row[1]) for row in connection.execute(asked).fetchall()}


@contextmanager
def _clone(server: PostgresServer) -> Iterator[Server]:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE work TEMPLATE template_0 STRATEGY file_copy")
        try:
            yield Server(lambda: server.url("work"), "the copy")
        finally:
            connection.execute("DROP DATABASE work WITH (FORCE)")
