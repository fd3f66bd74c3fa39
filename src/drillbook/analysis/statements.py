"""A migration file taken apart by the server's own grammar: statements, lines and problems."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import postgast
from postgast import PgQueryError
from postgast.pg_query_pb2 import Node, RangeVar, Token, TransactionStmt, TransactionStmtKind

OWN_SCHEMA = "drillbook"
Control = TransactionStmtKind
COMMENTS = (Token.SQL_COMMENT, Token.C_COMMENT)
BEGINS = (Control.TRANS_STMT_BEGIN, Control.TRANS_STMT_START)
REFUSED_CONTROLS = {
    Control.TRANS_STMT_ROLLBACK: "ROLLBACK throws the work away",
    Control.TRANS_STMT_PREPARE: "PREPARE TRANSACTION leaves the outcome open",
    Control.TRANS_STMT_COMMIT_PREPARED: "COMMIT PREPARED ends a transaction of somebody else",
    Control.TRANS_STMT_ROLLBACK_PREPARED: "ROLLBACK PREPARED ends a transaction of somebody else",
}


ELSEWHERE = {
    "createdb_stmt": "CREATE DATABASE",
    "dropdb_stmt": "DROP DATABASE",
    "create_table_space_stmt": "CREATE TABLESPACE",
    "drop_table_space_stmt": "DROP TABLESPACE",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a file cannot be applied, and the line."""

    line: int
    says: str


@dataclass(frozen=True, slots=True)
class Statement:
    """
    One statement as written, without what stands before it; `kind` is its grammar node.

    `start` counts the bytes of the file before it, `column` the characters of its line.
    """

    text: str
    line: int
    kind: str
    node: Node
    start: int = 0
    column: int = 0

    @property
    def control(self) -> TransactionStmt | None:
        """The transaction command this is, if it is one."""
        return self.node.transaction_stmt if self.kind == "transaction_stmt" else None

    @property
    def sets_for_session(self) -> bool:
        """Whether it is a SET that the statements after it rely on."""
        return self.kind == "variable_set_stmt" and not self.node.variable_set_stmt.is_local

    @property
    def says(self) -> str:
        """The statement in one short line."""
        line = " ".join(self.text.split())
        return line if len(line) <= 80 else line[:79] + "…"  # noqa: PLR2004 - a line of a terminal


@dataclass(frozen=True, slots=True)
class Script:
    """A file's statements, or why there are none."""

    statements: tuple[Statement, ...]
    problems: tuple[Problem, ...]


@lru_cache(maxsize=16)
def read_script(text: str) -> Script:
    """Take a file apart; with a syntax error there are no statements."""
    try:
        tree = postgast.parse(text)
    except PgQueryError as error:
        return Script((), (_syntax(text, error),))
    except ValueError as error:
        return Script((), (Problem(1, f"the file cannot be parsed: {error}"),))
    data = text.encode()
    starts = _token_starts(text)
    statements = []
    line, counted = 1, 0
    for raw in tree.stmts:
        end = raw.stmt_location + raw.stmt_len if raw.stmt_len else len(data)
        start = starts[bisect_left(starts, raw.stmt_location)]
        kind = raw.stmt.WhichOneof("node") or ""
        line += data.count(b"\n", counted, start)
        counted = start
        written = data[start:end].decode().strip()
        column = len(data[data.rfind(b"\n", 0, start) + 1 : start].decode())
        statements.append(Statement(written, line, kind, raw.stmt, start, column))
    found = tuple(statements)
    return Script(found, tuple(_problems(found)))


def range_vars(node: Node) -> Iterator[tuple[str, str]]:
    """Return schema and name of every relation that a statement names."""
    for found in postgast.find_nodes(node, RangeVar):
        yield found.schemaname, found.relname


def _token_starts(text: str) -> list[int]:
    return [token.start for token in postgast.scan(text).tokens if token.token not in COMMENTS]


def _syntax(text: str, error: PgQueryError) -> Problem:
    at = max(0, error.cursorpos - 1)
    line = text.count("\n", 0, at) + 1
    lines = text.splitlines()
    written = lines[line - 1].strip() if line <= len(lines) else ""
    if text[at : at + 1] == "\\" or written.startswith("\\"):
        return Problem(line, f"{written.split()[0]} is a command of psql, not SQL")
    return Problem(line, error.message)


def _problems(statements: tuple[Statement, ...]) -> Iterator[Problem]:
    if not statements:
        yield Problem(1, "there is no statement in the file")
    opened = 0
    for statement in statements:
        yield from _own_problems(statement)
        control = statement.control
        if control is None:
            continue
        if control.kind in BEGINS:
            if opened:
                yield Problem(statement.line, f"BEGIN inside the transaction of line {opened}")
            opened = statement.line
        elif control.kind == Control.TRANS_STMT_COMMIT:
            if not opened:
                yield Problem(statement.line, "COMMIT without a BEGIN before it")
            opened = 0
    if opened:
        yield Problem(opened, "BEGIN without a COMMIT")


def _own_problems(statement: Statement) -> Iterator[Problem]:
    node, line = statement.node, statement.line
    control = statement.control
    if control is not None and control.kind in REFUSED_CONTROLS:
        yield Problem(line, REFUSED_CONTROLS[control.kind])
    if control is not None and control.chain:
        yield Problem(line, "AND CHAIN hides where a transaction begins")
    if statement.kind in ELSEWHERE:
        yield Problem(line, f"{ELSEWHERE[statement.kind]} is no change of this database")
    if statement.kind == "copy_stmt":
        copy = node.copy_stmt
        if not copy.filename and not copy.is_program:
            yield Problem(line, "COPY from or to the client needs psql; use INSERT")
    if (
        statement.kind == "index_stmt"
        and node.index_stmt.concurrent
        and not node.index_stmt.idxname
    ):
        yield Problem(
            line, "CREATE INDEX CONCURRENTLY needs a name, so that a broken one can be found"
        )
    if any(schema == OWN_SCHEMA for schema, _ in range_vars(node)) or _drops_own_schema(statement):
        yield Problem(
            line, f"schema {OWN_SCHEMA} holds Drillbook's ledger and is not for migrations"
        )


def _drops_own_schema(statement: Statement) -> bool:
    if statement.kind != "drop_stmt":
        return False
    names = [
        item.string.sval
        for found in statement.node.drop_stmt.objects
        for item in (found.list.items if found.HasField("list") else [found])
    ]
    return OWN_SCHEMA in names[:1]
