"""The range's own migrations, foretold from a tenth of a million bookings."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.migrations.scores import LEAST_F1, Json, Line, f1, squawk_finds
from drillbook.analysis.statements import read_script
from drillbook.analysis.units import units_of
from drillbook.core.effect import Effect
from drillbook.local.server import PostgresServer
from drillbook.ports.migrations import Change
from drillbook.ports.rehearsals import How, Rehearsal
from drillbook.providers.postgres.copies import SETTINGS, Copy
from drillbook.providers.postgres.rehearsal.accounting import Ground, Measured
from drillbook.providers.postgres.rehearsal.measuring import measure as rehearse
from drillbook.providers.postgres.rehearsal.rehearsals import PostgresRehearsals
from drillbook.providers.postgres.server import Server
from drillbook.range.booking.database import BookingData, make_booking_database
from drillbook.range.verdicts import RehearsalSays, Sample, sample_migrations

# The rows grow with the scale's third power: this is a tenth of scale 8, a million bookings.
SCALE, PARTS = 8 / 10 ** (1 / 3), 10


@dataclass(frozen=True, slots=True)
class Case:
    """One migration of the table and what its rehearsal said."""

    sample: Sample
    measured: Measured  # on a tenth of a million bookings
    told: Rehearsal  # on a few: what breaks shows there as well
    squawk: bool

    @property
    def verdict(self) -> RehearsalSays:
        if self.told.failed is not None:
            return RehearsalSays.FAILS
        broken = self.told.behaviour is not None and self.told.behaviour.broken
        return RehearsalSays.BREAKS if broken else RehearsalSays.PASSES

    @property
    def rewrites(self) -> set[str]:
        return {name for one in self.measured.statements for name in one.rewritten}

    @property
    def rewrites_as_expected(self) -> bool:
        return self.rewrites == {one.removeprefix("public.") for one in self.sample.rewrites}

    def as_json(self) -> Json:
        return {
            "file": self.sample.file,
            "dangerous": self.sample.dangerous,
            "foretold_dangerous": self.measured.forecast.dangerous,
            "squawk_dangerous": self.squawk,
            "rehearsal": self.sample.rehearsal,
            "rehearsal_said": self.verdict,
            "says": self.measured.forecast.says,
            "broken": [one.says for one in self.told.behaviour.broken]
            if self.told.behaviour
            else [],
            "failed": self.told.failed.message if self.told.failed else "",
            "rewrites": sorted(self.rewrites),
        }


@dataclass(frozen=True, slots=True)
class Found:
    """All cases."""

    cases: tuple[Case, ...]

    def lines(self) -> list[Line]:
        """Return the figures, the promised one first."""
        cases = self.cases
        score = f1((c.sample.dangerous, c.measured.forecast.dangerous) for c in cases)
        squawk = f1((c.sample.dangerous, c.squawk) for c in cases)
        said = sum(c.verdict is c.sample.rehearsal for c in cases)
        rewrites = sum(c.rewrites_as_expected for c in cases)
        return [
            Line(
                f"F1 for dangerous, {len(cases)} of the range", f"{score:.3f}",
                f"≥ {LEAST_F1}", score >= LEAST_F1,
            ),
            Line("  squawk", f"{squawk:.3f}"),
            Line("passes, breaks or fails, as the table says", f"{said} of {len(cases)}"),
            Line("rewrites what the table says", f"{rewrites} of {len(cases)}"),
        ]  # fmt: skip

    def as_json(self) -> Json:
        """Return every figure and every case."""
        figures = {line.what.strip(): line.measured for line in self.lines()}
        return {"figures": figures, "cases": [case.as_json() for case in self.cases]}


@dataclass(frozen=True, slots=True)
class Clones:
    """Copies within one server, made from a template: a tenth of production's rows."""

    running: PostgresServer
    template: str
    sample: Sample

    @property
    def server(self) -> Server:
        """The template stands for production; it runs on this machine, at this pace."""
        return Server(lambda: self.running.url(self.template), "production")

    @contextmanager
    def taken(
        self, _effect: Effect, *, physical: bool | None = None, backup: str = ""
    ) -> Iterator[Copy]:
        """Make a clone in which what the sample needs has been done."""
        if physical is not None or backup:
            raise AssertionError("clones are made in one way")
        with psycopg.connect(self.running.url(), autocommit=True) as connection:
            text = f"CREATE DATABASE work TEMPLATE {self.template} STRATEGY file_copy"
            connection.execute(text.encode())
            try:
                self._set_up()
                server = Server(lambda: self.running.url("work"), "the copy")
                yield Copy(server, "clone", self.template, 0.0, 0, "", {})
            finally:
                connection.execute("DROP DATABASE work WITH (FORCE)")

    def _set_up(self) -> None:
        texts = [self.sample.path.with_name(n).read_text() for n in self.sample.setup.applied]
        with psycopg.connect(self.running.url("work"), autocommit=True) as connection:
            for text in (*texts, self.sample.setup.was):
                if text:
                    connection.execute(text.encode())


def measure(only: Sequence[str], *, tell: Callable[[str], None]) -> Found:
    """Rehearse every migration of the table."""
    chosen = [s for s in sample_migrations() if not only or s.file[:4] in only]
    cases = []
    with _ground() as (server, rows):
        for sample in chosen:
            text = sample.path.read_text(encoding="utf-8")
            digest = hashlib.sha256(text.encode()).hexdigest()
            change = Change(name=sample.file, sha256=digest, text=text)
            effect = Effect(key=sample.file)
            with Clones(server, "booking", sample).taken(effect) as copy:
                units = units_of(read_script(text).statements)
                measured = rehearse(copy.server, units, effect, Ground(rows=rows))
            small = PostgresRehearsals(Clones(server, "one", sample), try_way_back=None)
            told = small.rehearse(change, effect, How())
            case = Case(sample, measured, told, squawk_finds(text))
            right = (
                sample.dangerous is measured.forecast.dangerous and case.verdict is sample.rehearsal
            )
            tell(
                f"{sample.file:40} {'' if right else 'WRONG':6}{case.verdict}: "
                f"{measured.forecast.says}"
            )
            cases.append(case)
    return Found(tuple(cases))


@contextmanager
def _ground() -> Iterator[tuple[PostgresServer, Mapping[str, int]]]:
    """Start a server with the template, and say how many rows production has by table."""
    folder = Path(tempfile.mkdtemp(prefix="drillbook-bench-"))
    server = PostgresServer(folder, durable=False, settings=SETTINGS | {"max_wal_size": "4GB"})
    try:
        server.start(tied=True)
        for name, scale in (("booking", SCALE), ("one", 1.0), ("two", 2.0)):
            make_booking_database(server, name, BookingData(scale=scale, flawed=True))
        here, one, two = (_counts(server, name) for name in ("booking", "one", "two"))
        yield server, {n: here[n] * (PARTS if two[n] > 2 * one[n] else 1) for n in here}
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _counts(server: PostgresServer, name: str) -> dict[str, int]:
    asked = (
        "SELECT CASE n.nspname WHEN 'public' THEN c.relname ELSE n.nspname||'.'||c.relname END,"
        " c.reltuples::int8 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'm', 'p') AND c.oid >= 16384"
    )
    with psycopg.connect(server.url(name)) as connection:
        return {row[0]: max(0, row[1]) for row in connection.execute(asked).fetchall()}
