"""What was run, seen and felt in a rehearsal, put together: who had to wait for what."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from drillbook.analysis.forecast import Kept, Ran, Span, factor_of, forecast, growth_of, joined
from drillbook.core.rehearsal import (
    DANGEROUS_SECONDS,
    Blocks,
    Forecast,
    LockHeld,
    StatementFailed,
    StatementMeasured,
    TableBlocked,
)
from drillbook.providers.postgres.rehearsal.probing import Load
from drillbook.providers.postgres.rehearsal.relations import Relation, Relations
from drillbook.providers.postgres.rehearsal.running import MeasuredRun, Step
from drillbook.providers.postgres.rehearsal.sampling import LockSampler

MANY_SHARE = 0.01  # of a table's rows: so many changed ones are soon met by a writer
UNSEEN_SECONDS = 0.01  # a lock held longer than this is seen by the sampler
KEEPS_OUT = {
    "AccessExclusiveLock": Blocks.ALL,
    "ExclusiveLock": Blocks.WRITES,
    "ShareRowExclusiveLock": Blocks.WRITES,
    "ShareLock": Blocks.WRITES,
}


@dataclass(frozen=True, slots=True)
class Measured:
    """What applying a migration to a copy showed."""

    statements: tuple[StatementMeasured, ...]
    failed: StatementFailed | None
    blocked: tuple[TableBlocked, ...]
    forecast: Forecast
    seconds: float
    samples: int


@dataclass(frozen=True, slots=True)
class Ground:
    """
    What is so in production, and what wait counts as dangerous.

    `rows` by table (None: as many as the copy has), `role` applies migrations there, and work
    takes `pace` times as long as on the copy.
    """

    rows: Mapping[str, int] | None = None
    role: str = ""
    pace: float = 1.0
    threshold_seconds: float = DANGEROUS_SECONDS


@dataclass(frozen=True)
class Account:
    """Puts together what was run, seen and felt."""

    relations: Relations
    run: MeasuredRun
    load: Load
    sampler: LockSampler
    ground: Ground

    def measured(self, seconds: float) -> Measured:
        """Return everything; `seconds` is how long the whole took."""
        copied = self.relations.rows
        production = self.ground.rows if self.ground.rows is not None else copied
        factors = [factor_of(self._work(step), copied, production) for step in self.run.steps]
        ran = self._ran(factors)
        held = [self._held(step) for step in self.run.steps]
        kept = self._kept([span for spans in held for span in spans])
        rewritten = {oid for step in self.run.steps for oid in step.rewritten}
        names = [self.relations.by_oid[oid].shown for oid in rewritten]
        changed = sum(
            sum(self._shown(step.rows_changed).values()) * factor
            for step, factor in zip(self.run.steps, factors, strict=True)
        )
        blocked = self._blocked()
        return Measured(
            statements=tuple(
                self._statement(step, factor, spans, kept)
                for step, factor, spans in zip(self.run.steps, factors, held, strict=True)
            ),
            failed=self.run.failed,
            blocked=blocked,
            forecast=forecast(
                ran,
                kept,
                production,
                threshold_seconds=self.ground.threshold_seconds,
                rows_rewritten=sum(production.get(name, 0) for name in names),
                rows_changed=round(changed),
                scale=max(factors, default=1.0),
                deadlocks=tuple(one.table for one in blocked if one.deadlocks),
            ),
            seconds=round(seconds, 3),
            samples=self.sampler.samples,
        )

    @property
    def _known(self) -> Mapping[int, Relation]:
        return self.relations.by_oid

    def _work(self, step: Step) -> dict[str, int]:
        work: dict[str, int] = {}
        for rows in (step.rows_read, step.rows_added, step.rows_changed):
            for oid, count in rows.items():
                relation = self._known.get(oid)
                if relation is not None and relation.kind in "rpm":
                    work[relation.shown] = work.get(relation.shown, 0) + count
        return work

    def _ran(self, factors: Sequence[float]) -> list[Ran]:
        ran: list[Ran] = []
        commits: dict[Span, float] = {}
        for step, factor in zip(self.run.steps, factors, strict=True):
            ran.append(Ran(step.span, factor, self.ground.pace, in_phases=step.alone))
            if step.committed is not None:
                commits[step.committed] = max(factor, commits.get(step.committed, 1.0))
        return ran + [Ran(span, factor, self.ground.pace) for span, factor in commits.items()]

    def _held(self, step: Step) -> list[tuple[int, str, Span]]:
        """Return the locks a statement took, each as long as it was held."""
        if step.alone:
            return [
                (oid, mode, Span(max(seen.start, step.span.start), min(seen.end, step.span.end)))
                for (oid, mode), every in self.sampler.held.items()
                for seen in every
                if seen.end > step.span.start and seen.start < step.span.end
            ]
        found = []
        for oid, mode in step.locks:
            if mode not in KEEPS_OUT:
                found.append((oid, mode, Span(step.span.start, step.released)))
                continue
            seen_at = self.sampler.first_seen(oid, mode, step.span.start)
            start = step.released - UNSEEN_SECONDS if seen_at is None else seen_at
            start = min(max(start, step.span.start), step.span.end)
            found.append((oid, mode, Span(start, step.released)))
        return found

    def _kept(self, held: Sequence[tuple[int, str, Span]]) -> list[Kept]:
        reads: dict[int, list[Span]] = {}
        writes: dict[int, list[Span]] = {}
        for oid, mode, span in held:
            table = self.relations.table_of(oid)
            blocks = KEEPS_OUT.get(mode)
            if table is None or blocks is None:
                continue
            for one in (table.oid, *self.relations.ancestors(table.oid)):
                writes.setdefault(one, []).append(span)
                if blocks is Blocks.ALL:
                    reads.setdefault(one, []).append(span)
        for oid, is_write, span in (*self._waits(), *self._rows_locked()):
            (writes if is_write else reads).setdefault(oid, []).append(span)
        return [
            Kept(
                self._known[oid].shown,
                reads=joined(reads.get(oid, ())),
                writes=joined(writes.get(oid, ())) if self._known[oid].kind in "rpv" else (),
            )
            for oid in sorted({*reads, *writes})
        ]

    def _waits(self) -> list[tuple[int, bool, Span]]:
        """Return every wait of a probe that the lock table confirms: a slow machine is no lock."""
        found = []
        for slow in self.load.slow:
            probe = self.load.probes[slow.pid]
            for seen in self.sampler.waits.get(slow.pid, ()):
                if seen.start < slow.end and seen.end > slow.start:
                    span = Span(max(seen.start, slow.start), slow.end)
                    found.append((probe.table.oid, probe.writes, span))
        return found

    def _rows_locked(self) -> Iterator[tuple[int, bool, Span]]:
        """Return where writers of the first rows a statement changed wait until it commits."""
        for step in self.run.steps:
            for oid, count in step.rows_changed.items():
                table = self._known.get(oid)
                if table is not None and count >= MANY_SHARE * max(table.rows, 1):
                    span = Span(step.span.start, step.released)
                    for one in (oid, *self.relations.ancestors(oid)):
                        yield one, True, span

    def _blocked(self) -> tuple[TableBlocked, ...]:
        waits = self._waits()
        found = []
        for oid in dict.fromkeys(probe.table.oid for probe in self.load.probes.values()):
            probes = [p for p in self.load.probes.values() if p.table.oid == oid]
            reads = [s.seconds for table, is_write, s in waits if table == oid and not is_write]
            writes = [s.seconds for table, is_write, s in waits if table == oid and is_write]
            found.append(
                TableBlocked(
                    table=self._known[oid].shown,
                    reads_seconds=round(max(reads, default=0.0), 4),
                    writes_seconds=round(max(writes, default=0.0), 4),
                    reads_total_seconds=round(sum(reads), 4),
                    writes_total_seconds=round(sum(writes), 4),
                    probes=sum(probe.count for probe in probes),
                    deadlocks=sum(probe.deadlocks for probe in probes),
                )
            )
        return tuple(found)

    def _statement(
        self,
        step: Step,
        factor: float,
        held: Sequence[tuple[int, str, Span]],
        kept: Sequence[Kept],
    ) -> StatementMeasured:
        locks = tuple(
            LockHeld(
                table=self._known[oid].shown,
                mode=mode.removesuffix("Lock"),
                line=step.statement.line,
                seconds=round(span.seconds, 4),
                blocks=KEEPS_OUT.get(mode, Blocks.NOTHING),
            )
            for oid, mode, span in held
            if oid in self._known and (mode in KEEPS_OUT or self._known[oid].kind in "rpmv")
            if mode != "AccessShareLock"
        )
        blocks = any(span.within(step.span) for one in kept for span in (*one.reads, *one.writes))
        return StatementMeasured(
            line=step.statement.line,
            says=step.statement.says,
            unit=step.unit,
            seconds=round(step.span.seconds, 4),
            growth=growth_of(self._work(step), blocks=blocks),
            factor=round(factor, 3),
            locks=locks,
            rewritten=tuple(self._known[oid].shown for oid in step.rewritten),
            indexes_built=step.indexes,
            rows_changed=self._shown(_sum(step.rows_added, step.rows_changed)),
            rows_read=self._shown(step.rows_read),
            wal_bytes=step.wal_bytes,
        )

    def _shown(self, rows: Mapping[int, int]) -> dict[str, int]:
        return {
            self._known[oid].shown: count
            for oid, count in rows.items()
            if oid in self._known and self._known[oid].kind in "rpm"
        }


def _sum(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    return {oid: one.get(oid, 0) + other.get(oid, 0) for oid in {*one, *other}}
