"""Gentler ways to make, drop and use indexes, and to refresh materialized views."""

from postgast.pg_query_pb2 import (
    AlterTableType,
    Constraint,
    ConstrType,
    DropBehavior,
    IndexElem,
    IndexStmt,
    ObjectType,
)

from drillbook.analysis.advice.parts import (
    Facts,
    Part,
    Proposal,
    Tables,
    copy_of,
    made_name,
    name_of,
    quoted,
    quoted_name,
    sql_of,
)
from drillbook.analysis.statements import Statement

UNKNOWN = Facts()


def create_index(statement: Statement, tables: Tables) -> Proposal | None:
    """CREATE INDEX → CREATE INDEX CONCURRENTLY: writes go on while it is built."""
    node = copy_of(statement.node)
    stmt = node.index_stmt
    table = name_of(stmt.relation)
    if stmt.concurrent or tables.get(table, UNKNOWN).partitioned:
        return None
    stmt.concurrent = True
    stmt.idxname = stmt.idxname or _index_name(stmt)
    if not stmt.idxname:
        return None
    return Proposal(
        table,
        (Part(sql_of(node), alone=True),),
        "writes go on while the index is built; it runs outside the transaction, and one that "
        "fails leaves an invalid index, which the next try drops first",
    )


def _index_name(stmt: IndexStmt) -> str:
    """Return the name the server would give, empty where that is not certain."""
    columns = [_column_name(found.index_elem) for found in stmt.index_params]
    if "" in columns or len(set(columns)) < len(columns):
        return ""
    return made_name(stmt.relation.relname, "_".join(columns), "idx")


def _column_name(element: IndexElem) -> str:
    if element.name:
        return str(element.name)
    kind = element.expr.WhichOneof("node")
    if kind == "func_call":
        return str(element.expr.func_call.funcname[-1].string.sval)
    return "expr" if kind in {"a_expr", "bool_expr"} else ""


def drop_index(statement: Statement, tables: Tables) -> Proposal | None:
    """DROP INDEX → DROP INDEX CONCURRENTLY: nobody waits until old readers are gone."""
    node = copy_of(statement.node)
    stmt = node.drop_stmt
    if stmt.remove_type != ObjectType.OBJECT_INDEX or stmt.concurrent:
        return None
    if stmt.behavior == DropBehavior.DROP_CASCADE:
        return None  # the server has no gentle way to drop what depends on it
    stmt.concurrent = True
    objects = list(stmt.objects)
    parts = []
    for found in objects:  # the gentle way drops one at a time
        one = copy_of(node)
        del one.drop_stmt.objects[:]
        one.drop_stmt.objects.add().CopyFrom(found)
        parts.append(Part(sql_of(one), alone=True))
    names = [".".join(item.string.sval for item in found.list.items) for found in objects]
    return Proposal(names[0], tuple(parts), "readers and writers of its table go on meanwhile")


def dropped_indexes(statements: tuple[Statement, ...]) -> tuple[str, ...]:
    """Return the indexes that a file drops, as written: no table is named with them."""
    return tuple(
        ".".join(item.string.sval for item in found.list.items)
        for one in statements
        if one.kind == "drop_stmt" and one.node.drop_stmt.remove_type == ObjectType.OBJECT_INDEX
        for found in one.node.drop_stmt.objects
    )


def add_unique(statement: Statement, tables: Tables) -> Proposal | None:
    """ADD UNIQUE or PRIMARY KEY → a unique index built beside, then taken for the constraint."""
    stmt = statement.node.alter_table_stmt
    if len(stmt.cmds) != 1 or stmt.cmds[0].alter_table_cmd.subtype != _ADD_CONSTRAINT:
        return None
    constraint: Constraint = getattr(stmt.cmds[0].alter_table_cmd, "def").constraint
    kinds = (ConstrType.CONSTR_UNIQUE, ConstrType.CONSTR_PRIMARY)
    if constraint.contype not in kinds or constraint.indexname or constraint.without_overlaps:
        return None
    if constraint.options or constraint.indexspace:
        return None
    table = name_of(stmt.relation)
    if tables.get(table, UNKNOWN).partitioned:
        return None
    primary = constraint.contype == ConstrType.CONSTR_PRIMARY
    keys = [found.string.sval for found in constraint.keys]
    included = [found.string.sval for found in constraint.including]
    columns = "_".join([*keys, *included])
    chosen = made_name(stmt.relation.relname, "" if primary else columns, _LABELS[primary])
    name = quoted(constraint.conname or chosen)
    only = f" INCLUDE ({', '.join(map(quoted, included))})" if included else ""
    nulls = " NULLS NOT DISTINCT" if constraint.nulls_not_distinct else ""
    index = (
        f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {quoted_name(stmt.relation)} "
        f"({', '.join(map(quoted, keys))}){only}{nulls}"
    )
    deferred = " DEFERRABLE" if constraint.deferrable else ""
    deferred += " INITIALLY DEFERRED" if constraint.initdeferred else ""
    word = "PRIMARY KEY" if primary else "UNIQUE"
    take = (
        f"ALTER TABLE {quoted_name(stmt.relation)} ADD CONSTRAINT {name} "
        f"{word} USING INDEX {name}{deferred}"
    )
    why = "the index is built while writes go on; taking it for the constraint is quick"
    if primary:
        why += ", where its columns are NOT NULL already"
    return Proposal(table, (Part(index, alone=True), Part(take)), why)


def refresh(statement: Statement, tables: Tables) -> Proposal | None:
    """REFRESH MATERIALIZED VIEW → CONCURRENTLY, where a unique index allows it."""
    node = copy_of(statement.node)
    stmt = node.refresh_mat_view_stmt
    view = name_of(stmt.relation)
    if stmt.concurrent or stmt.skip_data or not tables.get(view, UNKNOWN).unique_indexes:
        return None
    stmt.concurrent = True
    return Proposal(view, (Part(sql_of(node)),), "readers see the old rows until it is done")


_ADD_CONSTRAINT = AlterTableType.AT_AddConstraint
_LABELS = {True: "pkey", False: "key"}
