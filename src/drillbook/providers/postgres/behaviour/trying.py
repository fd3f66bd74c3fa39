"""One try: a statement behind a savepoint, taken back whatever came of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from drillbook.core.errors import DrillbookError
from drillbook.providers.postgres.sentences import as_ours, first_line, is_lost
from drillbook.providers.postgres.server import Session, set_locally

Statement = sql.SQL | sql.Composed
# Ended by time, by a lock or by another session: nothing is known of the operation itself.
PASSING = frozenset({"57014", "55P03", "40001", "40P01", "53300", "53200", "57P01", "57P03"})
_WHY = {"57014": "it took longer than allowed", "55P03": "a lock was not free in time"}


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
    """Tries on one session, inside one transaction that ends in a rollback."""

    session: Session
    where: str
    statement_seconds: float
    lock_seconds: float

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the transaction; nothing of it stays."""
        with self.session.transaction(force_rollback=True):
            self.session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            set_locally(self.session, "statement_timeout", f"{self.statement_seconds * 1000:.0f}")
            set_locally(self.session, "lock_timeout", f"{self.lock_seconds * 1000:.0f}")
            # How values are written; the order of day and month stays as the app has it.
            set_locally(self.session, "DateStyle", "ISO")
            set_locally(self.session, "IntervalStyle", "postgres")
            set_locally(self.session, "bytea_output", "hex")
            yield

    @contextmanager
    def become(self, persona: Persona) -> Iterator[None]:
        """Be somebody for a while."""
        self.session.execute("SAVEPOINT drillbook_who")
        try:
            for name, value in persona.settings.items():
                self.session.execute("SELECT pg_catalog.set_config(%s, %s, true)", [name, value])
            if persona.role:
                self.session.execute(
                    sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(persona.role))
                )
            yield
        finally:
            if not self.session.closed:
                self.session.execute("ROLLBACK TO SAVEPOINT drillbook_who")
                self.session.execute("RELEASE SAVEPOINT drillbook_who")

    def attempt(
        self, statement: Statement, values: Sequence[object] = (), *, kept: bool = False
    ) -> Outcome:
        """
        Try a statement, with its constraints and triggers that wait for the end.

        `kept`: leave its work in the transaction for the tries that build on it.
        """
        self.session.execute("SAVEPOINT drillbook_try")
        try:
            outcome = self._done(statement, values)
        except psycopg.Error as error:
            if is_lost(error) or self.session.closed:
                raise
            outcome = _failed(error)
        if not (kept and outcome.ok):
            self.session.execute("ROLLBACK TO SAVEPOINT drillbook_try")
        self.session.execute("RELEASE SAVEPOINT drillbook_try")
        return outcome

    def read(self, statement: Statement, values: Sequence[object] = ()) -> Outcome:
        """Try a query; its rows come as text."""
        return self.attempt(statement, values)

    def lost(self, error: psycopg.Error) -> DrillbookError:
        """Return our error for one that ended the session."""
        return as_ours(error, self.where)

    def _done(self, statement: Statement, values: Sequence[object]) -> Outcome:
        cursor = self.session.execute(statement, values or None)
        found: tuple[tuple[str | None, ...], ...] = ()
        if cursor.description is not None:
            rows = cursor.fetchall()
            found = tuple(tuple(None if v is None else str(v) for v in row) for row in rows)
        count = max(cursor.rowcount, 0)
        self.session.execute("SET CONSTRAINTS ALL IMMEDIATE")
        return Outcome(ok=True, rows=count, found=found)


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
