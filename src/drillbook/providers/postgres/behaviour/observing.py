"""Try everything around some tables, and every function, and take it all back."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from drillbook.core.behaviour import Behaviour, Behaviours, Subject
from drillbook.providers.postgres.behaviour.bodies import plans_of_bodies
from drillbook.providers.postgres.behaviour.calling import Caller
from drillbook.providers.postgres.behaviour.known import Known, constraint_names
from drillbook.providers.postgres.behaviour.outside import Outside, find_outside
from drillbook.providers.postgres.behaviour.parents import fill_parents
from drillbook.providers.postgres.behaviour.people import People, find_people
from drillbook.providers.postgres.behaviour.reading import count, read_as
from drillbook.providers.postgres.behaviour.rows import Row, may, sample, whole
from drillbook.providers.postgres.behaviour.shapes import Shape, Table, read_shape
from drillbook.providers.postgres.behaviour.trying import Outcome, Persona, Trial
from drillbook.providers.postgres.behaviour.writing import Writer
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server

STATEMENT_SECONDS = 5.0
LOCK_SECONDS = 0.5
AT_MOST_SECONDS = 120.0
NOT_REACHED = "the login may not become it any more"


def behaviours(
    server: Server,
    tables: Sequence[str] = (),
    *,
    like: Behaviours | None = None,
    statement_seconds: float = STATEMENT_SECONDS,
    lock_seconds: float = LOCK_SECONDS,
    at_most_seconds: float = AT_MOST_SECONDS,
    gentle: bool = False,
) -> Behaviours:
    """
    Try what an app does with some tables, what hangs on them, and every function.

    Everything happens in transactions that are rolled back, one a table, none of them long.
    `gentle`: others use the database meanwhile, and must not wait.
    """
    began = time.monotonic()
    with server.session(application="drillbook behaviour", at_most=at_most_seconds) as session:
        trial = Trial(session, statement_seconds, lock_seconds, gentle)
        observer = Observer(trial, Known(like), tuple(tables), began + at_most_seconds * 0.9)
        found = tuple(observer.all())
        remains = observer.remains()
    return Behaviours(
        behaviours=found,
        there=observer.shape.there(),
        constraints=constraint_names(observer.shape),
        people=dict(observer.people.values),
        seconds=round(time.monotonic() - began, 3),
        remains=remains,
    )


@dataclass
class Observer:
    """One observation; it stops beginning new tables when its time is up."""

    trial: Trial
    known: Known
    names: tuple[str, ...]
    until: float

    @cached_property
    def shape(self) -> Shape:
        """The catalog as it is now."""
        with self.trial.transaction():
            return read_shape(self.trial.session)

    @cached_property
    def people(self) -> People:
        """Who is signed in."""
        known = self.known.earlier.people if self.known.earlier else {}
        with self.trial.transaction():
            return find_people(self.trial, self.shape, known)

    @cached_property
    def login(self) -> str:
        """The role of the session itself."""
        row = self.trial.session.execute("SELECT current_user").fetchone()
        return str(row[0]) if row else ""

    def all(self) -> Iterator[Behaviour]:
        """Try everything."""
        # What was tried then is tried again, also where nothing links it any more.
        for table in self.shape.around(self.names, self.known.tables()):
            if time.monotonic() > self.until:
                yield _untried(table, self.login, "the time for trying was up")
                continue
            yield from _of_most(tuple(self._table(table)))
        yield from self._functions()

    def _functions(self) -> Iterator[Behaviour]:
        caller = Caller(
            self.trial,
            self.shape,
            self.people,
            self.login,
            self._callers(),
            self.known,
            self.outside,
            self.reachable,
        )
        with self.trial.transaction():
            yield from plans_of_bodies(self.trial, self.login, self.outside)
        for function in self.shape.functions:
            if time.monotonic() < self.until:
                yield from caller.all(function)

    def _callers(self) -> tuple[str, ...]:
        """Return the roles that have anything to do with the app's tables."""
        roles = {role for table in self.shape.tables.values() for role in table.roles}
        return tuple(sorted(roles - {self.login}))

    @cached_property
    def reachable(self) -> frozenset[str]:
        """The roles the login may become, without itself."""
        rows = self.trial.session.execute(query("behaviour", "reachable"))
        return frozenset(str(row[0]) for row in rows) - {self.login}

    @cached_property
    def outside(self) -> Outside:
        """What reaches outside the transaction."""
        return find_outside(self.trial.session, self.shape)

    def remains(self) -> tuple[str, ...]:
        """Say what a rollback does not take back."""
        return (
            "numbers that sequences gave to tried inserts are not given out again",
            *(
                f"{self.shape.tables[oid].name} was not written to: {why}"
                for oid, why in self.outside.tables.items()
                if oid in self.shape.tables
            ),
        )

    def _table(self, table: Table) -> Iterator[Behaviour]:
        for role in table.unreachable:
            yield _untried(table, role, f"{self.login} may not become {role}")
        with self.trial.transaction():
            fill_parents(self.trial, self.shape, table, self.outside.tables)
            login = Persona(self.login)
            own = [row.values for row in sample(self.trial, table, may(self.trial, table, login))]
            total = count(self.trial, table)
            yield from self._as(table, self.people.owner(self.login), own, total)
            for role in self.known.roles(table.name, table.identity, table.roles):
                if role in self.reachable:
                    yield from self._as(table, self.people.persona(role), own, total)
                elif role not in {self.login, *table.unreachable}:
                    yield _gone(table, role)

    def _as(
        self, table: Table, persona: Persona, own: Sequence[Row], total: Outcome
    ) -> list[Behaviour]:
        allowed = may(self.trial, table, persona)
        with self.trial.become(persona):
            rows = sample(self.trial, table, allowed)
            found = [read_as(self.trial, table, persona.label, allowed, total)]
        patterns = whole(self.trial, table, rows) if persona.role else own
        if not patterns:
            # Nothing of somebody's own is there: a row like another one's, but somebody's own.
            mine = self._own_values(table)
            patterns = [{**row, **mine} for row in own]
        if table.relation.kind == "m":
            return found
        if why := self.outside.tables.get(table.relation.oid):
            return [*found, _untried(table, persona.label, why, operation="insert")]
        with self.trial.become(persona):
            writer = Writer(
                self.trial, self.shape, table, persona.label, allowed, rows, patterns, self.known,
                self.outside.tables,
            )  # fmt: skip
            found += writer.all()
        return found

    def _own_values(self, table: Table) -> Row:
        values = self.people.columns_of(table)
        return {c.number: values[c.name] for c in table.columns if c.name in values}


def _of_most(found: tuple[Behaviour, ...]) -> Iterator[Behaviour]:
    """Count as there what any role sees: the login itself may see less than others."""
    most = max((one.rows for one in found if one.operation == "read"), default=0)
    for one in found:
        is_less = one.operation == "read" and one.of < most
        yield one.model_copy(update={"of": most}) if is_less else one


def _gone(table: Table, role: str) -> Behaviour:
    why = f"the role {role} is gone, or {NOT_REACHED}"
    found = _untried(table, role, why)
    return found.model_copy(update={"sure": True, "sqlstate": "42704"})


def _untried(table: Table, role: str, why: str, *, operation: str = "read") -> Behaviour:
    return Behaviour(
        subject=table.name,
        kind=Subject.TABLE if table.relation.is_table else Subject.VIEW,
        operation=operation,
        role=role,
        ok=False,
        sure=False,
        error=why,
        identity=table.identity,
    )
