"""The statements in a PL/pgSQL body, and a block that lets the server plan each of them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import postgast
from postgast import PgQueryError

PLANNED = frozenset({"select_stmt", "insert_stmt", "update_stmt", "delete_stmt", "merge_stmt"})
# How the grammar says what an expression is; assignments to a.b and a.b.c follow that to a.
ASSIGNMENT, EXPRESSION, STATEMENT = 3, 2, 0
SAID = "drillbook.said"
_BEGIN = re.compile(r"\bBEGIN\b", re.IGNORECASE)
_TARGET = re.compile(r"^[^=]*?:?=(?!=)", re.DOTALL)
_OPTIONS = re.compile(r"^\s*#[^\n]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class BodyStatement:
    """One statement or expression of a body, as a query that can be planned."""

    line: int
    sql: str


@dataclass(frozen=True, slots=True)
class Body:
    """What a body declares, and what it runs; `opening` stands before its outermost BEGIN."""

    options: str
    opening: str
    names: frozenset[str]
    statements: tuple[BodyStatement, ...]


def read_body(definition: str, source: str) -> Body | None:
    """Take a function apart; None where the grammar at hand does not know it."""
    try:
        (found,) = (each["PLpgSQL_function"] for each in postgast.parse_plpgsql(definition))
        block = found["action"]["PLpgSQL_stmt_block"]
        while "lineno" not in block:  # the one that ends a function without a RETURN
            block = block["body"][0]["PLpgSQL_stmt_block"]
    except (PgQueryError, ValueError, KeyError, IndexError):
        return None
    lines = source.splitlines(keepends=True)
    at = sum(len(line) for line in lines[: int(block["lineno"]) - 1])
    begin = _BEGIN.search(source, at)
    if begin is None:
        return None
    opening = source[: begin.start()]
    return Body(
        options="\n".join(_OPTIONS.findall(opening)),
        opening=_OPTIONS.sub("", opening),
        names=frozenset(_names(found["datums"])),
        statements=tuple(_statements(block.get("body", ()), 0)),
    )


def planning_block(label: str, variables: Sequence[tuple[str, str]], body: Body) -> str:
    """
    Return a block in which the server plans each statement and runs none of them.

    It puts a JSON list of [line, SQLSTATE, message] of those it could not plan into a setting.
    """
    declared = "".join(f'    "{name}" {type_};\n' for name, type_ in variables if name)
    planned = "".join(
        "BEGIN\n"
        f"    FOR drillbook_row IN EXPLAIN {statement.sql}\n"
        "    LOOP END LOOP;\n"
        "EXCEPTION WHEN OTHERS THEN\n"
        "    drillbook_said := drillbook_said || jsonb_build_array(\n"
        f"        jsonb_build_array({statement.line}, SQLSTATE, SQLERRM));\n"
        "END;\n"
        for statement in body.statements
    )
    return (
        f'{body.options}\n<<"{label}">>\nDECLARE\n    drillbook_row record;\n'
        f"    drillbook_said jsonb := '[]';\n{declared}BEGIN\n{body.opening}\nBEGIN\n{planned}"
        f"END;\nPERFORM pg_catalog.set_config('{SAID}', drillbook_said::text, true);\nEND"
    )


def _names(datums: Sequence[dict[str, dict[str, object]]]) -> Iterator[str]:
    for datum in datums:
        for value in datum.values():
            if "refname" in value:
                yield str(value["refname"]).lower()


def _statements(node: object, line: int) -> Iterator[BodyStatement]:
    """Walk the tree; each expression belongs to the nearest line above it."""
    if isinstance(node, list | tuple):
        for each in node:
            yield from _statements(each, line)
    if not isinstance(node, dict):
        return
    for kind, value in node.items():
        if kind == "PLpgSQL_expr":
            sql = _planned(str(value["query"]), int(value.get("parseMode", STATEMENT)))
            if sql:
                yield BodyStatement(line, sql)
        elif isinstance(value, dict):
            yield from _statements(value, int(value.get("lineno", line)))
        else:
            yield from _statements(value, line)


def _planned(query: str, mode: int) -> str:
    """Return a query that EXPLAIN takes; empty for what is no query."""
    if mode >= ASSIGNMENT:
        # `NEW.total := price`: the target must be there as well as what is assigned.
        target = _TARGET.match(query)
        if target is None:
            return ""
        query = f"SELECT {target[0].rstrip(':= ')}, {query[target.end() :]}"
    elif mode == EXPRESSION:
        query = f"SELECT {query}"
    try:
        tree = postgast.parse(query)
    except (PgQueryError, ValueError):
        return ""
    if len(tree.stmts) != 1 or tree.stmts[0].stmt.WhichOneof("node") not in PLANNED:
        return ""
    return query
