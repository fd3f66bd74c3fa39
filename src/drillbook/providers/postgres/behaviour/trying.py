"""One try: a statement behind a savepoint, taken back whatever came of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import LiteralString

import psycopg
from psycopg import sql

from drillbook.providers.postgres.sentences import first_line, is_lost
from drillbook.providers.postgres.server import Session

Statement = sql.SQL | sql.Composed
# Ended by time, by a lock or by another session: nothing is known of the operation itself.
PASSING = frozenset({"57014", "55P03", "40001", "40P01", "53300", "53200", "57P01", "57P03"})
_WHY = {"57014": "it took longer than allowed", "55P03": "a lock was not free in time"}


_SET = sql.SQL("SELECT {}; SAVEPOINT drillbook_try")
_TAKE_BACK: LiteralString = "SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK TO SAVEPOINT drillbook_try"
_KEEP: LiteralString = (
    "SET CONSTRAINTS ALL IMMEDIATE; RELEASE SAVEPOINT drillbook_try; SAVEPOINT drillbook_try"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a statement went; `found` are its rows as text."""

    ok: bool
    rows: int = 0
    sqlstate: str = ""
    error: str = ""
    constraint: str = ""
    column: str = ""
    type: str = ""
    raised: bool = False
    found: tuple[tuple[str | None, ...], ...] = ()

    @property
    def sure(self) -> bool:
        """Whether it says something about the operation."""
        return self.ok or self.sqlstate not in PASSING


@dataclass(frozen=True, slots=True)
class Persona:
    """Who tries: a role (empty: the login itself) and the settings that say who is signed in."""

    label: str
    role: str = ""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Trial:
    """
    Tries on one session, inside one transaction that ends in a rollback.

    `gentle`: others use the database, so nothing is tried that locks many rows.
    """

    session: Session
    statement_seconds: float
    lock_seconds: float
    gentle: bool = False

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the transaction; nothing of it stays."""
        settings = {
            "statement_timeout": f"{self.statement_seconds * 1000:.0f}",
            "lock_timeout": f"{self.lock_seconds * 1000:.0f}",
            # How values are written; the order of day and month stays as the app has it.
            "DateStyle": "ISO",
            "IntervalStyle": "postgres",
            "bytea_output": "hex",
        }
        with self.session.transaction(force_rollback=True):
            self.session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            self.session.execute(_SET.format(_settings(settings)))
            yield

    @contextmanager
    def become(self, persona: Persona) -> Iterator[None]:
        """Be somebody for a while."""
        role = {"role": persona.role} if persona.role else {}
        self.session.execute("SAVEPOINT drillbook_who")
        try:
            self.session.execute(_SET.format(_settings({**persona.settings, **role})))
            yield
        finally:
            if not self.session.closed:
                self.session.execute(
                    "ROLLBACK TO SAVEPOINT drillbook_who; RELEASE SAVEPOINT drillbook_who"
                )

    def attempt(
        self, statement: Statement, values: Sequence[object] = (), *, kept: bool = False
    ) -> Outcome:
        """
        Try a statement, with its constraints and triggers that wait for the end.

        `kept`: leave its work in the transaction for the tries that build on it.
        """
        return self._tried(statement, values, _KEEP if kept else _TAKE_BACK)

    def read(self, statement: Statement, values: Sequence[object] = ()) -> Outcome:
        """Try a query; its rows come as text."""
        return self._tried(statement, values, "")

    def _tried(
        self, statement: Statement, values: Sequence[object], then: LiteralString
    ) -> Outcome:
        # Each try costs a journey to a server that may be far: two at most.
        try:
            cursor = self.session.execute(statement, values or None)
            found: tuple[tuple[str | None, ...], ...] = ()
            if cursor.description is not None:
                rows = cursor.fetchall()
                found = tuple(tuple(None if v is None else str(v) for v in row) for row in rows)
            count = max(cursor.rowcount, 0)
            if then:
                self.session.execute(then)
        except psycopg.Error as error:
            if is_lost(error) or self.session.closed:
                raise
            self.session.execute("ROLLBACK TO SAVEPOINT drillbook_try")
            return _failed(error)
        return Outcome(ok=True, rows=count, found=found)


def _settings(settings: Mapping[str, str]) -> sql.Composed:
    one = sql.SQL("pg_catalog.set_config({}, {}, true)")
    return sql.SQL(", ").join(
        one.format(sql.Literal(name), sql.Literal(value)) for name, value in settings.items()
    )


def _failed(error: psycopg.Error) -> Outcome:
    state = error.sqlstate or ""
    diag = error.diag
    context = (diag.context or "").partition("\n")[0]
    said = first_line(error)
    return Outcome(
        ok=False,
        sqlstate=state,
        error=_WHY.get(state, said) if state in PASSING else said,
        constraint=diag.constraint_name or "",
        column=diag.column_name or "",
        type=diag.datatype_name or "",
        raised=context.endswith(" at RAISE"),
    )
