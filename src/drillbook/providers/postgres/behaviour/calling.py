"""Calls of functions and procedures as everybody who may call them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from psycopg import sql

from drillbook.core.behaviour import Behaviour, Subject
from drillbook.providers.postgres.behaviour.arguments import Arguments
from drillbook.providers.postgres.behaviour.known import Known
from drillbook.providers.postgres.behaviour.outside import Outside, heavy_of
from drillbook.providers.postgres.behaviour.people import People
from drillbook.providers.postgres.behaviour.shapes import Function, Shape
from drillbook.providers.postgres.behaviour.trying import Outcome, Persona, Trial
from drillbook.providers.postgres.behaviour.writing import judged
from drillbook.providers.postgres.queries import query

_QUOTED = re.compile(r'"([^"]+)"')
ENDS_TRANSACTIONS = "2D000"
PERMISSION = "42501"
ROWS_AT_MOST = 50
SUCCESSES = 2


@dataclass(frozen=True)
class Caller:
    """Tries functions; each in a transaction of its own."""

    trial: Trial
    shape: Shape
    people: People
    login: str
    roles: Sequence[str]
    known: Known
    outside: Outside
    reachable: frozenset[str]

    @cached_property
    def arguments(self) -> Arguments:
        """Makes arguments."""
        somebody = tuple(dict.fromkeys(self.people.values.values()))
        return Arguments(self.trial, self.shape, somebody)

    def all(self, function: Function) -> Iterator[Behaviour]:
        """Try a function as the login and as every role that may call it."""
        with self.trial.transaction():
            why = self._impossible(function)
            if why:
                yield self._judged(function, self.login, [], why)
                return
            yield from self._call(function, self.people.owner(self.login))
            now = [role for role in self.roles if self._may(function, role)]
            for role in self.known.roles(function.name, function.identity, now):
                if role in self.reachable:
                    yield from self._call(function, self.people.persona(role))

    def _impossible(self, function: Function) -> str:
        if not function.trusted or function.language in {"c", "internal"}:
            return f"functions in {function.language} may do what no rollback takes back"
        if why := self.outside.functions.get(function.oid):
            return why
        if self.trial.gentle and (word := heavy_of(function.body)):
            return f"it may {word}, and others would wait for the whole table"
        return self.arguments.impossible(function)

    def _may(self, function: Function, role: str) -> bool:
        values = {"role": role, "function": function.oid, "schema": function.schema}
        row = self.trial.session.execute(query("behaviour", "may_call"), values).fetchone()
        return bool(row and row[0])

    def _call(self, function: Function, persona: Persona) -> Iterator[Behaviour]:
        whole = len(function.types)
        needed = whole - function.defaults
        for count, operation in ((needed, "call"), (whole, "call with all arguments")):
            if operation != "call" and needed == whole:
                continue
            outcomes = self._outcomes(function, persona, count)
            if outcomes[-1].sqlstate == ENDS_TRANSACTIONS:
                why = "it ends transactions by itself, so it cannot be tried inside one"
                yield self._judged(function, persona.label, [], why, operation=operation)
            else:
                best = _decisive(outcomes)
                yield self._judged(function, persona.label, [best], operation=operation)

    def _outcomes(self, function: Function, persona: Persona, count: int) -> list[Outcome]:
        outcomes: list[Outcome] = []
        with self.trial.become(persona):
            for values in self.arguments.candidates(function, count):
                outcome = self.trial.attempt(call(function, count), values)
                if _names_one_of(values, outcome.error):
                    # `SELECT … FROM %I` with what was made up: its way to say no to that.
                    outcome = replace(outcome, raised=True)
                outcomes.append(outcome)
                worked = sum(outcome.ok for outcome in outcomes)
                if worked == SUCCESSES or outcomes[-1].sqlstate == ENDS_TRANSACTIONS:
                    break
        return outcomes

    def _judged(
        self,
        function: Function,
        role: str,
        outcomes: Sequence[Outcome],
        unknown: str = "",
        *,
        operation: str = "call",
    ) -> Behaviour:
        empty = Behaviour(
            subject=function.name,
            kind=Subject.FUNCTION,
            operation=operation,
            role=role,
            ok=False,
            identity=function.identity,
        )
        return judged(empty, outcomes, unknown=unknown)


def call(function: Function, count: int) -> sql.Composed:
    """Return the statement that calls a function with the first of its arguments."""
    places = [sql.SQL("%s::") + sql.SQL("{}").format(_type(t)) for t in function.types[:count]]
    if function.variadic and count == len(function.types):
        places[-1] = sql.SQL("VARIADIC ") + places[-1]
    name = sql.Identifier(function.schema, function.short)
    listed = sql.SQL(", ").join(places)
    if function.kind == "p":
        return sql.SQL("CALL {}({})").format(name, listed)
    return sql.SQL("SELECT {}({}) LIMIT {}").format(name, listed, sql.Literal(ROWS_AT_MOST))


def _type(written: str) -> sql.SQL:
    # As the server's format_type wrote it: quoted where it must be.
    return sql.SQL(written)


def _names_one_of(values: Sequence[str | None], error: str) -> bool:
    """Tell whether an error quotes a value that was given, alone or behind a schema."""
    quoted = [f".{text}".casefold() for text in _QUOTED.findall(error)]
    given = [f".{value}".casefold() for value in values if value]
    return any(text.endswith(value) for text in quoted for value in given)


def _decisive(outcomes: Sequence[Outcome]) -> Outcome:
    """Return what counts: an error that no arguments avoid, else a success, else the first."""
    for outcome in outcomes:
        state = outcome.sqlstate
        if state.startswith("42") and state != PERMISSION and not outcome.raised:
            return outcome
    sure = [outcome for outcome in outcomes if outcome.sure] or outcomes
    deliberate = [outcome for outcome in sure if outcome.raised]
    worked = next((outcome for outcome in sure if outcome.ok), None)
    if worked is not None:
        return worked
    # What a function refuses by a RAISE of its own says less than an error inside it.
    others = [outcome for outcome in sure if outcome not in deliberate]
    return (others or list(sure))[0]
