"""Measure a migration on a copy: apply it under load, and put together who had to wait for what."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from time import perf_counter

from drillbook.analysis.statements import Statement, range_vars
from drillbook.analysis.units import Unit
from drillbook.core.effect import Effect
from drillbook.core.errors import Unavailable
from drillbook.providers.postgres.progress import Pace, how_far
from drillbook.providers.postgres.rehearsal.accounting import Account, Ground, Measured
from drillbook.providers.postgres.rehearsal.probing import Load
from drillbook.providers.postgres.rehearsal.relations import (
    Relation,
    Relations,
    neighbours,
    read_relations,
)
from drillbook.providers.postgres.rehearsal.running import MeasuredRun
from drillbook.providers.postgres.rehearsal.sampling import LockSampler
from drillbook.providers.postgres.server import Server, Session

LONGEST_SECONDS = 7 * 86400.0


def measure(server: Server, units: Sequence[Unit], effect: Effect, ground: Ground) -> Measured:
    """Apply units to the database of a server that is thrown away, under load, and measure."""
    with ExitStack() as stack:
        session = stack.enter_context(
            server.session(application="drillbook rehearsal", at_most=LONGEST_SECONDS)
        )
        relations = read_relations(session)
        touched = _named(session, relations, units)
        load = stack.enter_context(Load(server, relations, touched))
        pid = session.info.backend_pid
        telling = _Telling(effect, pid, sum(len(unit.statements) for unit in units))
        sampler = stack.enter_context(LockSampler(server, pid, load.also, telling.how_far))
        run = MeasuredRun(session, relations, telling.begun, role=ground.role)
        started = perf_counter()
        run.go(units)
        seconds = perf_counter() - started
    for part in (load, sampler):
        if part.failed is not None:
            raise Unavailable(
                f"the load on {server.where} ended before the migration did: {part.failed}",
                hint="Rehearse again; the copy is thrown away.",
            ) from part.failed
    return Account(relations, run, load, sampler, ground).measured(seconds)


def _named(session: Session, relations: Relations, units: Sequence[Unit]) -> tuple[Relation, ...]:
    """Return the tables to probe from the start; others are probed once a lock on them is seen."""
    names = {pair for unit in units for one in unit.statements for pair in range_vars(one.node)}
    tables = {one.table for one in relations.named(names)}
    oids = (*sorted(tables), *neighbours(session, tuple(tables)))
    found = (relations.table_of(oid) for oid in dict.fromkeys(oids))
    return tuple(one for one in found if one is not None and one.kind in "rpmv")


@dataclass(slots=True)
class _Telling:
    """Says which statement runs, and while it takes long, how far the server is with it."""

    effect: Effect
    pid: int
    total: int
    pace: Pace | None = None

    def begun(self, done: int, statement: Statement) -> None:
        self.effect.still_mine()
        says = (
            f"rehearsing statement {done + 1} of {self.total}, line {statement.line}: "
            f"{statement.says}"
        )
        self.pace = Pace(says)
        self.effect.progress(says, done / max(1, self.total))

    def how_far(self, session: Session) -> None:
        if self.pace is not None and (told := how_far(session, self.pid, self.pace)) is not None:
            self.effect.progress(*told)
