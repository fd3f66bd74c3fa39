"""The bodies of PL/pgSQL functions: every statement is planned, also where no call comes by."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql
from psycopg.rows import class_row

from drillbook.analysis.plpgsql_body import Body, planning_block, read_body
from drillbook.core.behaviour import Behaviour, Subject
from drillbook.providers.postgres.behaviour.outside import NEVER_BACK, Outside
from drillbook.providers.postgres.behaviour.trying import Persona, Trial
from drillbook.providers.postgres.queries import query

OPERATION = "plan of the body"
# What a trigger's body may name besides its own variables; a stand-in declares them.
TRIGGER_VARIABLES = (
    ("tg_name", "name"), ("tg_when", "text"), ("tg_level", "text"), ("tg_op", "text"),
    ("tg_relid", "oid"), ("tg_relname", "name"), ("tg_table_name", "name"),
    ("tg_table_schema", "name"), ("tg_nargs", "integer"), ("tg_argv", "text[]"),
)  # fmt: skip
# Names, types and syntax that do not fit; $1 and its like have no stand-in.
DEFECT, NO_PARAMETER, PERMISSION, NO_TABLE = "42", "42P02", "42501", "42P01"
_MAKES_TABLES = re.compile(r"\bcreate\b|\binto\s+temp", re.IGNORECASE)
_NAMED = re.compile(r'"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Source:
    """A function's text; `tables` are those whose triggers call it."""

    oid: int
    short: str
    name: str
    source: str
    definition: str
    names: list[str]
    types: list[str]
    pseudo: bool
    config: list[str]
    acts_as: str
    is_trigger: bool
    tables: list[str]
    transitions: list[str]


def plans_of_bodies(trial: Trial, login: str, outside: Outside) -> Iterator[Behaviour]:
    """
    Let the server plan every statement of every body; none is carried out.

    What a body's DECLARE computes is: one that reaches outside there is not planned.
    """
    with trial.session.cursor(row_factory=class_row(Source)) as cursor:
        sources = cursor.execute(query("behaviour", "bodies")).fetchall()
    for source in sources:
        if source.pseudo or (source.is_trigger and not source.tables):
            continue
        body = read_body(_definition(source), source.source)
        if body is not None and body.statements:
            yield _planned(trial, source, body, login, outside.reach_of(body.opening))


def _definition(source: Source) -> str:
    """Return a definition for the grammar, which knows a trigger's variables only as arguments."""
    if not source.is_trigger:
        return source.definition
    variables = [("new", "record"), ("old", "record"), *TRIGGER_VARIABLES]
    listed = ", ".join(f"{name} {type_}" for name, type_ in variables)
    tag = "$drillbook_body$"
    return (
        f"CREATE FUNCTION stand_in({listed}) RETURNS record LANGUAGE plpgsql AS "
        f"{tag}{source.source}{tag}"
    )


def _planned(trial: Trial, source: Source, body: Body, login: str, reach: str) -> Behaviour:
    found = Behaviour(
        subject=source.name,
        kind=Subject.FUNCTION,
        operation=OPERATION,
        role=login,
        ok=True,
        worked=1,
        identity=f"function {source.oid}",
    )
    if reach:
        why = f"its DECLARE calls {reach}, {NEVER_BACK}"
        return found.model_copy(update={"ok": False, "sure": False, "error": why})
    for variables in _variables(source):
        said, unsure = _said(trial, source, planning_block(source.short, variables, body))
        if unsure:
            return found.model_copy(update={"ok": False, "sure": False, "error": unsure})
        for line, state, message in said:
            if _is_defect(source, body, state, message):
                return found.model_copy(
                    update={
                        "ok": False,
                        "worked": 0,
                        "sqlstate": state,
                        "error": f"line {line}: {message}",
                    }
                )
    return found


def _variables(source: Source) -> Iterator[Sequence[tuple[str, str]]]:
    own = list(zip(source.names, source.types, strict=True))
    if not source.is_trigger:
        yield own
    for table in source.tables:
        yield [*own, ("new", table), ("old", table), *TRIGGER_VARIABLES]


def _said(trial: Trial, source: Source, block: str) -> tuple[list[tuple[int, str, str]], str]:
    """Run the block in the function's own surroundings; return what it said, or why not."""
    surroundings = dict(setting.partition("=")[::2] for setting in source.config)
    with trial.become(Persona(source.acts_as, source.acts_as, surroundings)):
        outcome = trial.attempt(sql.SQL("DO {}").format(sql.Literal(block)), kept=True)
        if not outcome.ok:
            return [], outcome.error
        row = trial.session.execute(query("behaviour", "said")).fetchone()
    said = json.loads(row[0]) if row and row[0] else []
    return [(int(line), str(state), str(text)) for line, state, text in said], ""


def _is_defect(source: Source, body: Body, state: str, message: str) -> bool:
    """Tell whether an error is the body's own, and not the stand-in's."""
    if not state.startswith(DEFECT) or state in {NO_PARAMETER, PERMISSION}:
        return False
    named = [part.lower() for text in _NAMED.findall(message) for part in text.split(".")]
    # A variable of an inner block, or of a loop, is not declared in the stand-in.
    if any(name in body.names for name in named[:1]):
        return message.startswith('record "')
    if state == NO_TABLE and (_MAKES_TABLES.search(source.source) or named[:1] == []):
        return False
    return not set(named) & set(source.transitions)
