"""A migration as units: what commits together, and what must run alone outside a transaction."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from postgast.pg_query_pb2 import Node, ObjectType, ReindexObjectType, TransactionStmtKind

from drillbook.analysis.statements import BEGINS, Statement

REPEATABLE = "drillbook: may be repeated"  # an author's word, in a comment of a DO block
_COMMITS = re.compile(r"^\s*COMMIT\b", re.IGNORECASE | re.MULTILINE)


class Settling(StrEnum):
    """How a lone statement that was cut off is found done or not done."""

    REPEAT = "repeat"  # doing it again does no harm
    INDEX_BUILT = "index-built"
    INDEX_GONE = "index-gone"
    INDEX_REBUILT = "index-rebuilt"  # again does no harm once what a failed one left is gone
    DETACHED = "detached"
    UNKNOWN = "unknown"  # only a person can tell


@dataclass(frozen=True, slots=True)
class Lone:
    """
    How a statement outside a transaction is settled; its indexes and table by schema and name.

    Of a partition being detached `indexes` holds the partition and `table` its parent.

    One that waits harmlessly (CONCURRENTLY) makes nobody else wait while it does.
    """

    settling: Settling
    indexes: tuple[tuple[str, str], ...] = ()
    table: tuple[str, str] = ("", "")
    waits_harmlessly: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """Statements that commit together, or one that runs alone."""

    statements: tuple[Statement, ...]
    lone: Lone | None = None


def units_of(statements: tuple[Statement, ...]) -> tuple[Unit, ...]:
    """Return the units in order; a file of plain statements is one transaction."""
    units: list[Unit] = []
    together: list[Statement] = []
    own_transaction = False

    def close() -> None:
        if together:
            units.append(Unit(tuple(together)))
            together.clear()

    several = _has_several_transactions(statements)
    for statement in statements:
        control = statement.control
        if control is not None and control.kind in BEGINS:
            own_transaction = True
            if several:
                close()
        elif control is not None and control.kind == TransactionStmtKind.TRANS_STMT_COMMIT:
            own_transaction = False
            if several:
                close()
        elif (lone := None if own_transaction else lone_of(statement)) is not None:
            close()
            units.append(Unit((statement,), lone))
        else:
            if _adds_value_used_later(statement, statements):
                close()
                units.append(Unit((statement,)))
                continue
            together.append(statement)
    close()
    return tuple(units)


def lone_of(statement: Statement) -> Lone | None:
    """Return how to settle a statement that Postgres refuses inside a transaction, else None."""
    found = _LONE.get(statement.kind)
    return found(statement.node) if found is not None else None


def _has_several_transactions(statements: tuple[Statement, ...]) -> bool:
    """Tell whether a BEGIN … COMMIT of the file is not simply around everything."""
    begins = [s for s in statements if s.control is not None and s.control.kind in BEGINS]
    if not begins:
        return False
    last = statements[-1].control
    around = (
        len(begins) == 1
        and statements[0] is begins[0]
        and last is not None
        and last.kind == TransactionStmtKind.TRANS_STMT_COMMIT
    )
    return not around


def _adds_value_used_later(statement: Statement, statements: tuple[Statement, ...]) -> bool:
    # Postgres refuses a new enum value in the transaction that adds it.
    if statement.kind != "alter_enum_stmt" or not statement.node.alter_enum_stmt.new_val:
        return False
    literal = "'" + statement.node.alter_enum_stmt.new_val.replace("'", "''") + "'"
    later = statements[statements.index(statement) + 1 :]
    return any(literal in other.text for other in later)


def _index(node: Node) -> Lone | None:
    stmt = node.index_stmt
    if not stmt.concurrent:
        return None
    table = (stmt.relation.schemaname, stmt.relation.relname)
    # An index lies in its table's schema; only the table may say which.
    index = (stmt.relation.schemaname, stmt.idxname)
    return Lone(Settling.INDEX_BUILT, (index,), table, waits_harmlessly=True)


def _drop(node: Node) -> Lone | None:
    stmt = node.drop_stmt
    if not stmt.concurrent or stmt.remove_type != ObjectType.OBJECT_INDEX:
        return None
    names = [[item.string.sval for item in found.list.items] for found in stmt.objects]
    return Lone(
        Settling.INDEX_GONE,
        tuple((parts[-2] if len(parts) > 1 else "", parts[-1]) for parts in names),
        waits_harmlessly=True,
    )


def _reindex(node: Node) -> Lone | None:
    stmt = node.reindex_stmt
    wide = stmt.kind in (
        ReindexObjectType.REINDEX_OBJECT_SCHEMA,
        ReindexObjectType.REINDEX_OBJECT_SYSTEM,
        ReindexObjectType.REINDEX_OBJECT_DATABASE,
    )
    concurrent = any(p.def_elem.defname == "concurrently" for p in stmt.params)
    if not (wide or concurrent):
        return None
    if not concurrent:
        return Lone(Settling.REPEAT)
    named = (stmt.relation.schemaname, stmt.relation.relname)
    if stmt.kind == ReindexObjectType.REINDEX_OBJECT_INDEX:
        return Lone(Settling.INDEX_REBUILT, (named,), waits_harmlessly=True)
    return Lone(Settling.INDEX_REBUILT, table=named, waits_harmlessly=True)


def _detach(node: Node) -> Lone | None:
    for found in node.alter_table_stmt.cmds:
        command = found.alter_table_cmd
        if not command.HasField("def"):
            continue
        partition = getattr(command, "def").partition_cmd
        if partition.concurrent:
            parent = node.alter_table_stmt.relation
            child = (partition.name.schemaname, partition.name.relname)
            return Lone(Settling.DETACHED, (child,), (parent.schemaname, parent.relname))
    return None


def _vacuum(node: Node) -> Lone | None:
    return Lone(Settling.REPEAT) if node.vacuum_stmt.is_vacuumcmd else None


def _cluster(node: Node) -> Lone | None:
    return None if node.cluster_stmt.HasField("relation") else Lone(Settling.REPEAT)


def _database(node: Node) -> Lone | None:
    moves = any(o.def_elem.defname == "tablespace" for o in node.alter_database_stmt.options)
    return Lone(Settling.REPEAT) if moves else None


def _do(node: Node) -> Lone | None:
    """Return how to settle a block that commits by itself, which no transaction may hold."""
    body = "".join(
        found.def_elem.arg.string.sval
        for found in node.do_stmt.args
        if found.def_elem.defname == "as"
    )
    if not _COMMITS.search(body):
        return None
    return Lone(Settling.REPEAT if REPEATABLE in body else Settling.UNKNOWN)


def _always(settling: Settling) -> Callable[[Node], Lone | None]:
    return lambda _node: Lone(settling)


_LONE: dict[str, Callable[[Node], Lone | None]] = {
    "index_stmt": _index,
    "drop_stmt": _drop,
    "reindex_stmt": _reindex,
    "alter_table_stmt": _detach,
    "vacuum_stmt": _vacuum,
    "cluster_stmt": _cluster,
    "alter_database_stmt": _database,
    "do_stmt": _do,
    "alter_system_stmt": _always(Settling.REPEAT),
    "createdb_stmt": _always(Settling.UNKNOWN),
    "dropdb_stmt": _always(Settling.UNKNOWN),
    "create_table_space_stmt": _always(Settling.UNKNOWN),
    "drop_table_space_stmt": _always(Settling.UNKNOWN),
    "create_subscription_stmt": _always(Settling.UNKNOWN),
    "alter_subscription_stmt": _always(Settling.UNKNOWN),
    "drop_subscription_stmt": _always(Settling.UNKNOWN),
}
