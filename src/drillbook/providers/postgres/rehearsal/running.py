"""A migration applied to a copy as production will apply it, each statement measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import psycopg
from psycopg import sql

from drillbook.analysis.forecast import Span
from drillbook.analysis.statements import Statement
from drillbook.analysis.units import Unit
from drillbook.core.rehearsal import StatementFailed
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.rehearsal.relations import Relations
from drillbook.providers.postgres.sentences import detail_of, first_line
from drillbook.providers.postgres.server import Session
from drillbook.providers.postgres.walking import become_ourselves

TOUCHING = {"AccessShareLock", "RowShareLock", "RowExclusiveLock"}


@dataclass(slots=True)
class Step:
    """One statement that ran: when, what it locked, and what it did; `end` is its locks' end."""

    statement: Statement
    unit: int
    span: Span
    alone: bool
    committed: Span | None = None
    locks: tuple[tuple[int, str], ...] = ()
    scans: dict[int, int] = field(default_factory=dict)
    rows_read: dict[int, int] = field(default_factory=dict)
    rows_added: dict[int, int] = field(default_factory=dict)
    rows_changed: dict[int, int] = field(default_factory=dict)
    rewritten: tuple[int, ...] = ()
    indexes: tuple[str, ...] = ()
    wal_bytes: int = 0

    @property
    def released(self) -> float:
        """When its locks were given back."""
        return self.committed.end if self.committed is not None else self.span.end


@dataclass
class MeasuredRun:
    """Runs units one after the other in one session, and writes down what each statement did."""

    session: Session
    relations: Relations
    tell: Callable[[int, Statement], None]
    role: str = ""
    steps: list[Step] = field(default_factory=list)
    failed: StatementFailed | None = None
    _files: dict[int, tuple[int, int, str, str]] = field(default_factory=dict)

    def go(self, units: Sequence[Unit]) -> None:
        """Run everything; stop at the first statement that fails."""
        # Of two that wait for each other the probe gives way, so that the measurement goes on.
        self.session.execute("SET deadlock_timeout = '1min'")
        self._become_role()
        self._remember_files()
        for number, unit in enumerate(units):
            at: list[Statement] = []
            try:
                if unit.lone is not None:
                    self._alone(number, unit.statements[0], at)
                else:
                    self._together(number, unit, at)
            except psycopg.Error as error:
                if self.session.closed:
                    raise
                self._roll_back()
                self.failed = _failure(error, at)
                break
            except BaseException:
                # Ours (the fence) or the interpreter's: probes must not wait for what is left open.
                self._roll_back()
                raise
        become_ourselves(self.session)

    def _become_role(self) -> None:
        """Act as the role that production's migrations act as, where the copy has it."""
        if self.role:
            row = self.session.execute(query("rehearsal", "role"), {"name": self.role}).fetchone()
            if row is not None:
                statement = sql.SQL("SET SESSION AUTHORIZATION {}")
                self.session.execute(statement.format(sql.Identifier(self.role)))

    def _together(self, number: int, unit: Unit, at: list[Statement]) -> None:
        self.session.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        first = len(self.steps)
        known: set[tuple[int, str]] = set()
        before = _Counters()
        for statement in unit.statements:
            at[:] = [statement]
            self.tell(len(self.steps), statement)
            wal = self._wal()
            step = Step(statement, number, self._timed(statement), alone=False)
            step.wal_bytes = self._wal() - wal
            after = self._mine()
            step.locks = tuple(sorted(after.locks - known))
            after.since(before, step)
            known |= after.locks
            before = after
            self._see_files(step, after.locks)
            self.steps.append(step)
        started = perf_counter()
        self.session.execute("COMMIT")
        committed = Span(started, perf_counter())
        for step in self.steps[first:]:
            step.committed = committed

    def _alone(self, number: int, statement: Statement, at: list[Statement]) -> None:
        at[:] = [statement]
        self.tell(len(self.steps), statement)
        before, wal = self._all_together(), self._wal()
        step = Step(statement, number, self._timed(statement), alone=True)
        step.wal_bytes = self._wal() - wal
        after = self._all_together()
        after.since(before, step)
        everything = {(oid, "") for oid, one in self.relations.by_oid.items() if one.kind in "rm"}
        self._see_files(step, everything)
        self.steps.append(step)

    def _timed(self, statement: Statement) -> Span:
        started = perf_counter()
        self.session.execute(statement.text.encode())
        return Span(started, perf_counter())

    def _wal(self) -> int:
        row = self.session.execute(query("rehearsal", "wal")).fetchone()
        return int(row[0]) if row else 0

    def _mine(self) -> "_Counters":
        found = _Counters()
        for oid, modes, *counts in self.session.execute(query("rehearsal", "mine")):
            found.locks |= {(oid, mode) for mode in modes}
            found.note(oid, counts)
        return found

    def _all_together(self) -> "_Counters":
        found = _Counters()
        self.session.execute("SELECT pg_catalog.pg_stat_force_next_flush()")
        self.session.execute("SELECT pg_catalog.pg_stat_clear_snapshot()")
        for oid, *counts in self.session.execute(query("rehearsal", "together")):
            found.note(oid, counts)
        return found

    def _remember_files(self) -> None:
        self._files = {
            one.oid: (one.table, one.file, one.kind, one.name)
            for one in self.relations.by_oid.values()
        }

    def _see_files(self, step: Step, locks: set[tuple[int, str]]) -> None:
        """Note which tables lie in new files now, and which indexes are new."""
        strong = {oid for oid, mode in locks if mode not in TOUCHING and oid in self._files}
        tables = {self._files[oid][0] for oid in strong}
        if not tables:
            return
        rewritten, indexes = [], []
        rows = self.session.execute(query("rehearsal", "files"), {"tables": list(tables)})
        for oid, table, kind, file, name in rows.fetchall():
            known = self._files.get(oid)
            if known is None or known[1] != file:
                if kind in "iI":
                    indexes.append(name)
                elif known is not None:
                    rewritten.append(table)
                self._files[oid] = (table, file, kind, name)
        step.rewritten, step.indexes = tuple(rewritten), tuple(indexes)

    def _roll_back(self) -> None:
        if self.session.info.transaction_status.name != "IDLE":
            self.session.execute("ROLLBACK")


@dataclass(slots=True)
class _Counters:
    locks: set[tuple[int, str]] = field(default_factory=set)
    scans: dict[int, int] = field(default_factory=dict)
    read: dict[int, int] = field(default_factory=dict)
    added: dict[int, int] = field(default_factory=dict)
    changed: dict[int, int] = field(default_factory=dict)

    def note(self, oid: int, counts: Sequence[int]) -> None:
        """Write down the counts of one relation, in the order of the queries."""
        self.scans[oid], self.read[oid], self.added[oid], self.changed[oid] = counts

    def since(self, before: "_Counters", step: Step) -> None:
        """Give a step what was counted since an earlier look."""
        step.scans = _more(before.scans, self.scans)
        step.rows_read = _more(before.read, self.read)
        step.rows_added = _more(before.added, self.added)
        step.rows_changed = _more(before.changed, self.changed)


def _more(before: Mapping[int, int], after: Mapping[int, int]) -> dict[int, int]:
    return {
        oid: count - before.get(oid, 0)
        for oid, count in after.items()
        if count > before.get(oid, 0)
    }


def _failure(error: psycopg.Error, at: Sequence[Statement]) -> StatementFailed:
    diag = error.diag
    names = [
        diag.table_name or "",
        diag.column_name or "",
        diag.constraint_name or "",
    ]
    return StatementFailed(
        line=at[0].line if at else 0,
        says=at[0].says if at else "COMMIT",
        sqlstate=error.sqlstate or "",
        message=first_line(error),
        detail=detail_of(error),
        on=" ".join(dict.fromkeys(name for name in names if name)),
    )
