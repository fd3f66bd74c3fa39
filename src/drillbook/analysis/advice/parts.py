"""What a gentler way consists of: statements, each with the transaction it needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import postgast
from postgast.pg_query_pb2 import Node, ParseResult, RangeVar

from drillbook.analysis.statements import Statement

NAME_BYTES = 63


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a table: its size, whether it is partitioned, its one-column key."""

    rows: int = 0
    size_bytes: int = 0
    partitioned: bool = False
    unique_indexes: int = 0
    key: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """SQL that commits by itself; one that is `alone` must not run inside a transaction."""

    sql: str
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """A gentler way for one statement, and why it is one."""

    table: str
    parts: tuple[Part, ...]
    why: str


Tables = Mapping[str, Facts]
Rewriter = Callable[[Statement, Tables], Proposal | None]


def name_of(relation: RangeVar) -> str:
    """Return a relation's name as sizes are asked for."""
    return f"{relation.schemaname}.{relation.relname}" if relation.schemaname else relation.relname


def quoted_name(relation: RangeVar) -> str:
    """Return a relation's name for a statement."""
    return ".".join(quoted(part) for part in (relation.schemaname, relation.relname) if part)


def quoted(name: str) -> str:
    """Return a name for a statement."""
    return '"' + name.replace('"', '""') + '"'


def copy_of(node: Node) -> Node:
    """Return a statement that can be changed."""
    found = Node()
    found.CopyFrom(node)
    return found


def sql_of(node: Node) -> str:
    """Return a statement as text."""
    tree = ParseResult()
    tree.stmts.add().stmt.CopyFrom(node)
    return postgast.deparse(tree)


def made_name(table: str, columns: str, label: str) -> str:
    """
    Return the name that the server itself would choose.

    Source: makeObjectName of the server: the longer of both is shortened first.
    """
    first, second = table.encode(), columns.encode()
    left = NAME_BYTES - len(label) - 1 - (1 if columns else 0)
    while len(first) + len(second) > left:
        if len(first) > len(second):
            first = first[:-1]
        else:
            second = second[:-1]
    parts = (first.decode(errors="ignore"), second.decode(errors="ignore"), label)
    return "_".join(part for part in parts if part)
