"""What a migration may do to data and to those who wait, read from its statements alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from postgast import find_nodes
from postgast.pg_query_pb2 import (
    AlterTableCmd,
    AlterTableType,
    Constraint,
    ConstrType,
    FuncCall,
    Node,
    ObjectType,
)

from drillbook.analysis.statements import Statement, range_vars

HARMLESS_CALLS = {"now", "current_timestamp", "transaction_timestamp", "statement_timestamp"}


@dataclass(frozen=True, slots=True)
class Danger:
    """One thing a statement may do: to which table, at which line."""

    line: int
    table: str
    says: str


Finder = Callable[[Node], Iterator[tuple[str, str]]]


def dangers_of(statements: tuple[Statement, ...]) -> tuple[Danger, ...]:
    """Return where others may have to wait long; tables made in the same file do not count."""
    new = {_name(s.node.create_stmt.relation) for s in statements if s.kind == "create_stmt"}
    return tuple(
        Danger(statement.line, table, says)
        for statement in statements
        if statement.kind in _WAITS
        for table, says in _WAITS[statement.kind](statement.node)
        if table not in new
    )


def destructive_of(statements: tuple[Statement, ...]) -> tuple[Danger, ...]:
    """Return what is taken away or overwritten and cannot come back from a down script."""
    return tuple(
        Danger(statement.line, table, says)
        for statement in statements
        if statement.kind in _LOSES
        for table, says in _LOSES[statement.kind](statement.node)
    )


def tables_of(statements: tuple[Statement, ...]) -> tuple[str, ...]:
    """Return every relation that the statements name, as written."""
    named = {pair for statement in statements for pair in range_vars(statement.node)}
    return tuple(sorted(f"{schema}.{name}" if schema else name for schema, name in named))


def _name(relation: object) -> str:
    schema, name = getattr(relation, "schemaname", ""), getattr(relation, "relname", "")
    return f"{schema}.{name}" if schema else str(name)


def _index(node: Node) -> Iterator[tuple[str, str]]:
    if not node.index_stmt.concurrent:
        yield _name(node.index_stmt.relation), "writes wait while the index is built"


def _alter_table(node: Node) -> Iterator[tuple[str, str]]:
    table = _name(node.alter_table_stmt.relation)
    for found in node.alter_table_stmt.cmds:
        command = found.alter_table_cmd
        says = _ALTERS.get(command.subtype, _nothing)(command)
        if says:
            yield table, says


def _nothing(_command: AlterTableCmd) -> str:
    return ""


def _add_column(command: AlterTableCmd) -> str:
    column = _def(command).column_def
    kinds = {found.constraint.contype for found in column.constraints}
    type_name = column.type_name.names[-1].string.sval if column.type_name.names else ""
    if ConstrType.CONSTR_IDENTITY in kinds or "serial" in type_name:
        return f"adding {column.colname} numbers every row: the table is rewritten"
    if ConstrType.CONSTR_GENERATED in kinds:
        return f"adding the generated {column.colname} rewrites the table"
    if kinds & {ConstrType.CONSTR_UNIQUE, ConstrType.CONSTR_PRIMARY}:
        return f"adding {column.colname} builds an index while everybody waits"
    calls = {
        call.funcname[-1].string.sval.lower()
        for found in column.constraints
        if found.constraint.contype == ConstrType.CONSTR_DEFAULT
        for call in find_nodes(found.constraint.raw_expr, FuncCall)
    }
    if calls - HARMLESS_CALLS:
        return f"the default of {column.colname} is computed for every row: the table is rewritten"
    return ""


def _add_constraint(command: AlterTableCmd) -> str:
    constraint: Constraint = _def(command).constraint
    if constraint.skip_validation or constraint.indexname:
        return ""
    says = {
        ConstrType.CONSTR_CHECK: "every row is checked while everybody waits (NOT VALID would not)",
        ConstrType.CONSTR_FOREIGN: "every row is checked while writes to both tables wait",
        ConstrType.CONSTR_PRIMARY: "an index is built while everybody waits",
        ConstrType.CONSTR_UNIQUE: "an index is built while everybody waits",
        ConstrType.CONSTR_EXCLUSION: "an index is built while everybody waits",
    }
    return says.get(constraint.contype, "")


def _def(command: AlterTableCmd) -> Node:
    found: Node = getattr(command, "def")  # a word of Python is the field's name
    return found


def _always(says: str) -> Callable[[AlterTableCmd], str]:
    return lambda command: says.format(name=command.name)


_ALTERS: dict[int, Callable[[AlterTableCmd], str]] = {
    AlterTableType.AT_AddColumn: _add_column,
    AlterTableType.AT_AddConstraint: _add_constraint,
    AlterTableType.AT_AlterColumnType: _always(
        "changing the type of {name} may rewrite the table while everybody waits"
    ),
    AlterTableType.AT_SetNotNull: _always("every row is read for NOT NULL of {name}"),
    AlterTableType.AT_SetTableSpace: _always("the table is copied while everybody waits"),
    AlterTableType.AT_SetLogged: _always("the table is rewritten while everybody waits"),
    AlterTableType.AT_SetUnLogged: _always("the table is rewritten while everybody waits"),
    AlterTableType.AT_SetAccessMethod: _always("the table is rewritten while everybody waits"),
    AlterTableType.AT_AddIdentity: _always("identity of {name} locks the table"),
}


def _vacuum(node: Node) -> Iterator[tuple[str, str]]:
    if any(option.def_elem.defname == "full" for option in node.vacuum_stmt.options):
        for found in node.vacuum_stmt.rels:
            yield _name(found.vacuum_relation.relation), "VACUUM FULL rewrites the table"


def _refresh(node: Node) -> Iterator[tuple[str, str]]:
    if not node.refresh_mat_view_stmt.concurrent:
        yield _name(node.refresh_mat_view_stmt.relation), "readers wait while it is computed"


def _reindex(node: Node) -> Iterator[tuple[str, str]]:
    if not any(p.def_elem.defname == "concurrently" for p in node.reindex_stmt.params):
        yield _name(node.reindex_stmt.relation), "writes wait while indexes are built"


def _cluster(node: Node) -> Iterator[tuple[str, str]]:
    yield _name(node.cluster_stmt.relation), "CLUSTER rewrites the table while everybody waits"


def _lock(node: Node) -> Iterator[tuple[str, str]]:
    for found in node.lock_stmt.relations:
        yield _name(found.range_var), "the lock is held until the transaction ends"


def _update(node: Node) -> Iterator[tuple[str, str]]:
    where = "its rows" if node.update_stmt.HasField("where_clause") else "all rows"
    yield _name(node.update_stmt.relation), f"{where} are locked until the transaction ends"


def _delete(node: Node) -> Iterator[tuple[str, str]]:
    where = "its rows" if node.delete_stmt.HasField("where_clause") else "all rows"
    yield _name(node.delete_stmt.relation), f"{where} are locked until the transaction ends"


def _sets(node: Node) -> Iterator[tuple[str, str]]:
    if node.variable_set_stmt.name in {"lock_timeout", "statement_timeout"}:
        yield "", f"the file sets its own {node.variable_set_stmt.name}"


_WAITS: dict[str, Finder] = {
    "index_stmt": _index,
    "alter_table_stmt": _alter_table,
    "vacuum_stmt": _vacuum,
    "refresh_mat_view_stmt": _refresh,
    "reindex_stmt": _reindex,
    "cluster_stmt": _cluster,
    "lock_stmt": _lock,
    "update_stmt": _update,
    "delete_stmt": _delete,
    "variable_set_stmt": _sets,
}

_DROPPED = {
    ObjectType.OBJECT_TABLE: "the table and its rows are dropped",
    ObjectType.OBJECT_SCHEMA: "the schema is dropped",
    ObjectType.OBJECT_MATVIEW: "the materialized view is dropped",
    ObjectType.OBJECT_SEQUENCE: "the sequence and where it stands are dropped",
    ObjectType.OBJECT_FOREIGN_TABLE: "the foreign table is dropped",
    ObjectType.OBJECT_EXTENSION: "the extension and what depends on it are dropped",
}


def _drops(node: Node) -> Iterator[tuple[str, str]]:
    stmt = node.drop_stmt
    if stmt.remove_type in _DROPPED:
        for found in stmt.objects:
            items = found.list.items if found.HasField("list") else [found]
            name = ".".join(item.string.sval for item in items)
            yield name, _DROPPED[stmt.remove_type]


def _drops_column(node: Node) -> Iterator[tuple[str, str]]:
    for found in node.alter_table_stmt.cmds:
        command = found.alter_table_cmd
        table = _name(node.alter_table_stmt.relation)
        if command.subtype == AlterTableType.AT_DropColumn:
            yield table, f"the column {command.name} and its values are dropped"
        elif command.subtype == AlterTableType.AT_AlterColumnType:
            yield table, f"the values of {command.name} are converted"


def _overwrites(node: Node) -> Iterator[tuple[str, str]]:
    yield _name(node.update_stmt.relation), "rows are overwritten"


def _deletes(node: Node) -> Iterator[tuple[str, str]]:
    yield _name(node.delete_stmt.relation), "rows are deleted"


def _truncates(node: Node) -> Iterator[tuple[str, str]]:
    for found in node.truncate_stmt.relations:
        yield _name(found.range_var), "all rows are deleted"


_LOSES: dict[str, Finder] = {
    "drop_stmt": _drops,
    "alter_table_stmt": _drops_column,
    "update_stmt": _overwrites,
    "delete_stmt": _deletes,
    "truncate_stmt": _truncates,
}
