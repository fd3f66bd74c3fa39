"""Which relations a statement locks, and in which mode, read from its text alone."""

from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum

from postgast import find_nodes
from postgast.pg_query_pb2 import AlterTableType, Constraint, ConstrType, Node, ObjectType, RangeVar

from drillbook.analysis.statements import Statement


class Mode(IntEnum):
    """A lock mode of a relation, weakest first, as Postgres numbers them."""

    ACCESS_SHARE = 1
    ROW_SHARE = 2
    ROW_EXCLUSIVE = 3
    SHARE_UPDATE_EXCLUSIVE = 4
    SHARE = 5
    SHARE_ROW_EXCLUSIVE = 6
    EXCLUSIVE = 7
    ACCESS_EXCLUSIVE = 8

    @property
    def server_name(self) -> str:
        """The name in pg_locks."""
        return "".join(word.capitalize() for word in self.name.split("_")) + "Lock"


M = Mode
# https://www.postgresql.org/docs/17/explicit-locking.html#TABLE-LOCK-COMPATIBILITY
_CONFLICTS: dict[Mode, tuple[Mode, ...]] = {
    M.ACCESS_SHARE: (M.ACCESS_EXCLUSIVE,),
    M.ROW_SHARE: (M.EXCLUSIVE, M.ACCESS_EXCLUSIVE),
    M.ROW_EXCLUSIVE: (M.SHARE, M.SHARE_ROW_EXCLUSIVE, M.EXCLUSIVE, M.ACCESS_EXCLUSIVE),
    M.SHARE_UPDATE_EXCLUSIVE: tuple(mode for mode in M if mode >= M.SHARE_UPDATE_EXCLUSIVE),
    M.SHARE: tuple(mode for mode in M if mode >= M.ROW_EXCLUSIVE and mode is not M.SHARE),
    M.SHARE_ROW_EXCLUSIVE: tuple(mode for mode in M if mode >= M.ROW_EXCLUSIVE),
    M.EXCLUSIVE: tuple(mode for mode in M if mode >= M.ROW_SHARE),
    M.ACCESS_EXCLUSIVE: tuple(M),
}


def conflicts(mode: Mode) -> tuple[Mode, ...]:
    """Return the modes that a session must not hold when this one is asked for."""
    return _CONFLICTS[mode]


def touched(statements: Iterable[Statement]) -> dict[str, Mode]:
    """Return every relation that the statements name with the strongest lock they take on it."""
    found: dict[str, Mode] = {}
    made: set[str] = set()
    for statement in statements:
        for name, mode in _locks(statement.kind, statement.node):
            if name not in made:
                found[name] = max(mode, found.get(name, M.ACCESS_SHARE))
        if statement.kind == "create_stmt":  # made here: nobody else can hold it
            made.add(quoted(statement.node.create_stmt.relation))
            found.pop(quoted(statement.node.create_stmt.relation), None)
    return found


def quoted(relation: RangeVar) -> str:
    """Return a relation's name for `to_regclass`."""
    parts = [part for part in (relation.schemaname, relation.relname) if part]
    return _joined(parts)


def _joined(parts: Iterable[str]) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def _locks(kind: str, node: Node) -> Iterator[tuple[str, Mode]]:
    for relation in find_nodes(node, RangeVar):
        yield quoted(relation), M.ACCESS_SHARE
    strong = _STRONG.get(kind)
    if strong is not None:
        yield from strong(node)


def _on(
    field: str, mode: Mode, relation: str = "relation"
) -> Callable[[Node], Iterator[tuple[str, Mode]]]:
    def locks(node: Node) -> Iterator[tuple[str, Mode]]:
        yield quoted(getattr(getattr(node, field), relation)), mode

    return locks


_GENTLE_ALTERS = {
    AlterTableType.AT_ValidateConstraint,
    AlterTableType.AT_SetStatistics,
    AlterTableType.AT_SetOptions,
    AlterTableType.AT_ResetOptions,
    AlterTableType.AT_ClusterOn,
    AlterTableType.AT_DropCluster,
    AlterTableType.AT_AttachPartition,
}


def _alter_table(node: Node) -> Iterator[tuple[str, Mode]]:
    commands = [found.alter_table_cmd for found in node.alter_table_stmt.cmds]
    constraints = list(find_nodes(node, Constraint))
    mode = M.ACCESS_EXCLUSIVE
    if commands and all(command.subtype in _GENTLE_ALTERS for command in commands):
        mode = M.SHARE_UPDATE_EXCLUSIVE
    elif constraints and all(
        command.subtype == AlterTableType.AT_AddConstraint for command in commands
    ):
        foreign = all(one.contype == ConstrType.CONSTR_FOREIGN for one in constraints)
        mode = M.SHARE_ROW_EXCLUSIVE if foreign else M.ACCESS_EXCLUSIVE
    yield quoted(node.alter_table_stmt.relation), mode
    for constraint in constraints:
        if constraint.contype == ConstrType.CONSTR_FOREIGN:
            yield quoted(constraint.pktable), M.SHARE_ROW_EXCLUSIVE


def _index(node: Node) -> Iterator[tuple[str, Mode]]:
    stmt = node.index_stmt
    yield quoted(stmt.relation), M.SHARE_UPDATE_EXCLUSIVE if stmt.concurrent else M.SHARE


def _refresh(node: Node) -> Iterator[tuple[str, Mode]]:
    stmt = node.refresh_mat_view_stmt
    yield quoted(stmt.relation), M.EXCLUSIVE if stmt.concurrent else M.ACCESS_EXCLUSIVE


def _reindex(node: Node) -> Iterator[tuple[str, Mode]]:
    stmt = node.reindex_stmt
    gentle = any(found.def_elem.defname == "concurrently" for found in stmt.params)
    if stmt.HasField("relation"):
        yield quoted(stmt.relation), M.SHARE_UPDATE_EXCLUSIVE if gentle else M.ACCESS_EXCLUSIVE


def _vacuum(node: Node) -> Iterator[tuple[str, Mode]]:
    full = any(option.def_elem.defname == "full" for option in node.vacuum_stmt.options)
    mode = M.ACCESS_EXCLUSIVE if full else M.SHARE_UPDATE_EXCLUSIVE
    for found in node.vacuum_stmt.rels:
        yield quoted(found.vacuum_relation.relation), mode


def _lock(node: Node) -> Iterator[tuple[str, Mode]]:
    for found in node.lock_stmt.relations:
        yield quoted(found.range_var), Mode(node.lock_stmt.mode)


def _truncate(node: Node) -> Iterator[tuple[str, Mode]]:
    for found in node.truncate_stmt.relations:
        yield quoted(found.range_var), M.ACCESS_EXCLUSIVE


_RELATIONS = {
    ObjectType.OBJECT_TABLE,
    ObjectType.OBJECT_VIEW,
    ObjectType.OBJECT_MATVIEW,
    ObjectType.OBJECT_INDEX,
    ObjectType.OBJECT_SEQUENCE,
    ObjectType.OBJECT_FOREIGN_TABLE,
}
_ON_TABLES = {ObjectType.OBJECT_TRIGGER, ObjectType.OBJECT_POLICY, ObjectType.OBJECT_RULE}


def _drop(node: Node) -> Iterator[tuple[str, Mode]]:
    stmt = node.drop_stmt
    mode = M.SHARE_UPDATE_EXCLUSIVE if stmt.concurrent else M.ACCESS_EXCLUSIVE
    for found in stmt.objects:
        items = found.list.items if found.HasField("list") else [found]
        parts = [item.string.sval for item in items]
        if stmt.remove_type in _RELATIONS:
            yield _joined(parts), mode
        elif stmt.remove_type in _ON_TABLES:  # their last part is their own name
            yield _joined(parts[:-1]), M.ACCESS_EXCLUSIVE


def _create(node: Node) -> Iterator[tuple[str, Mode]]:
    for constraint in find_nodes(node, Constraint):
        if constraint.contype == ConstrType.CONSTR_FOREIGN:
            yield quoted(constraint.pktable), M.SHARE_ROW_EXCLUSIVE


_STRONG: dict[str, Callable[[Node], Iterator[tuple[str, Mode]]]] = {
    "alter_table_stmt": _alter_table,
    "create_stmt": _create,
    "index_stmt": _index,
    "refresh_mat_view_stmt": _refresh,
    "reindex_stmt": _reindex,
    "cluster_stmt": _on("cluster_stmt", M.ACCESS_EXCLUSIVE),
    "vacuum_stmt": _vacuum,
    "lock_stmt": _lock,
    "truncate_stmt": _truncate,
    "drop_stmt": _drop,
    "rename_stmt": _on("rename_stmt", M.ACCESS_EXCLUSIVE),
    "alter_object_schema_stmt": _on("alter_object_schema_stmt", M.ACCESS_EXCLUSIVE),
    "create_policy_stmt": _on("create_policy_stmt", M.ACCESS_EXCLUSIVE, "table"),
    "alter_policy_stmt": _on("alter_policy_stmt", M.ACCESS_EXCLUSIVE, "table"),
    "rule_stmt": _on("rule_stmt", M.ACCESS_EXCLUSIVE),
    "create_trig_stmt": _on("create_trig_stmt", M.SHARE_ROW_EXCLUSIVE),
    "insert_stmt": _on("insert_stmt", M.ROW_EXCLUSIVE),
    "update_stmt": _on("update_stmt", M.ROW_EXCLUSIVE),
    "delete_stmt": _on("delete_stmt", M.ROW_EXCLUSIVE),
    "merge_stmt": _on("merge_stmt", M.ROW_EXCLUSIVE),
}
