"""Gentler ways to change many rows: batch by batch in the order of the key, each committed."""

from postgast import find_nodes
from postgast.pg_query_pb2 import (
    AlterTableType,
    ColumnDef,
    ColumnRef,
    Constraint,
    ConstrType,
    DeleteStmt,
    FuncCall,
    Node,
    RangeVar,
    SubLink,
    UpdateStmt,
)

from drillbook.analysis.advice.constraints import set_not_null
from drillbook.analysis.advice.parts import (
    Facts,
    Part,
    Proposal,
    Tables,
    copy_of,
    name_of,
    quoted,
    quoted_name,
    sql_of,
)
from drillbook.analysis.dangers import HARMLESS_CALLS
from drillbook.analysis.statements import Statement, read_script
from drillbook.analysis.units import REPEATABLE

BATCH_ROWS = 5_000
UNKNOWN = Facts()
_BATCHES = """DO $batches$
{mark}
DECLARE
  drillbook_after {table}.{key}%TYPE;
  drillbook_upto {table}.{key}%TYPE;
BEGIN
  LOOP
    -- max() exists for few types; the last row of the batch for all that are ordered.
    SELECT batch.k INTO drillbook_upto
      FROM (SELECT {key} AS k FROM {table}
             WHERE drillbook_after IS NULL OR {key} > drillbook_after
             ORDER BY {key} LIMIT {rows}) AS batch
     ORDER BY batch.k DESC LIMIT 1;
    EXIT WHEN drillbook_upto IS NULL;
    {change};
    COMMIT;
    drillbook_after := drillbook_upto;
  END LOOP;
END
$batches$"""
_WHY = (
    f"at most {BATCH_ROWS:,} rows are locked at a time; others see it half done meanwhile, "
    "and it may be started again after a failure"
)


def change_many(statement: Statement, tables: Tables) -> Proposal | None:
    """UPDATE or DELETE → the same in batches, where doing a row twice does no harm."""
    update = statement.kind == "update_stmt"
    stmt = statement.node.update_stmt if update else statement.node.delete_stmt
    table = name_of(stmt.relation)
    facts = tables.get(table, UNKNOWN)
    if not facts.key or stmt.HasField("returning_clause") or stmt.HasField("with_clause"):
        return None
    if _reads(stmt.where_clause, stmt.relation):
        return None
    if (update and (stmt.from_clause or not _is_repeatable(statement.node))) or (
        not update and stmt.using_clause
    ):
        return None
    alias = stmt.relation.alias.aliasname if stmt.relation.HasField("alias") else ""
    node = copy_of(statement.node)
    changed = node.update_stmt if update else node.delete_stmt
    _narrow(changed, f"{quoted(alias)}.{quoted(facts.key)}" if alias else quoted(facts.key))
    return Proposal(
        table, (Part(_batches(stmt.relation, facts.key, sql_of(node)), alone=True),), _WHY
    )


def add_filled_column(statement: Statement, tables: Tables) -> Proposal | None:
    """ADD COLUMN with a computed default → the column, its default, and the old rows in batches."""
    stmt = statement.node.alter_table_stmt
    table = name_of(stmt.relation)
    facts = tables.get(table, UNKNOWN)
    if len(stmt.cmds) != 1 or not facts.key:
        return None
    command = stmt.cmds[0].alter_table_cmd
    if command.subtype != AlterTableType.AT_AddColumn or command.missing_ok:
        return None
    column: ColumnDef = getattr(command, "def").column_def
    default = next(
        (c for c in _constraints(column) if c.contype == ConstrType.CONSTR_DEFAULT), None
    )
    kinds = {constraint.contype for constraint in _constraints(column)}
    if default is None or kinds - {ConstrType.CONSTR_DEFAULT, ConstrType.CONSTR_NOTNULL}:
        return None
    calls = {
        found.funcname[-1].string.sval.lower() for found in find_nodes(default.raw_expr, FuncCall)
    }
    if not calls - HARMLESS_CALLS:
        return None
    return Proposal(table, _filled(statement, column, default, facts), _WHY)


def _filled(
    statement: Statement, column: ColumnDef, default: Constraint, facts: Facts
) -> tuple[Part, ...]:
    node = copy_of(statement.node)
    bare: ColumnDef = getattr(node.alter_table_stmt.cmds[0].alter_table_cmd, "def").column_def
    del bare.constraints[:]
    relation = statement.node.alter_table_stmt.relation
    whole, name = quoted_name(relation), quoted(column.colname)
    expression = _text(default.raw_expr)
    fill = f"UPDATE {whole} SET {name} = {expression} WHERE {name} IS NULL"  # noqa: S608 - a file to review, made of the file's own words
    changed = copy_of(read_script(fill).statements[0].node)
    _narrow(changed.update_stmt, quoted(facts.key))
    parts = [
        Part(f"{sql_of(node)};\nALTER TABLE {whole} ALTER COLUMN {name} SET DEFAULT {expression}"),
        Part(_batches(relation, facts.key, sql_of(changed)), alone=True),
    ]
    if any(one.contype == ConstrType.CONSTR_NOTNULL for one in _constraints(column)):
        text = f"ALTER TABLE {whole} ALTER COLUMN {name} SET NOT NULL"
        proven = set_not_null(read_script(text).statements[0], {})
        parts += proven.parts if proven is not None else ()
    return tuple(parts)


def _constraints(column: ColumnDef) -> list[Constraint]:
    return [found.constraint for found in column.constraints]


def _is_repeatable(node: Node) -> bool:
    """Whether the new values depend on nothing that this statement or time changes."""
    targets = node.update_stmt.target_list
    names = {found.res_target.name for found in targets}
    for found in targets:
        value = found.res_target.val
        read = {ref.fields[-1].string.sval for ref in find_nodes(value, ColumnRef) if ref.fields}
        if read & names or "" in read or next(iter(find_nodes(value, SubLink)), None) is not None:
            return False
        if next(iter(find_nodes(value, FuncCall)), None) is not None:
            return False
    return True


def _reads(condition: Node, relation: RangeVar) -> bool:
    """Whether a condition reads the table itself: each batch would change what the next sees."""
    return any(found.relname == relation.relname for found in find_nodes(condition, RangeVar))


def _narrow(stmt: UpdateStmt | DeleteStmt, key: str) -> None:
    """Add the bounds of the batch to a statement's condition."""
    after = f"(drillbook_after IS NULL OR {key} > drillbook_after)"
    text = f"SELECT 1 WHERE {after} AND {key} <= drillbook_upto"
    # A copy: what was read once is kept for whoever reads the same text again.
    bounds = copy_of(read_script(text).statements[0].node.select_stmt.where_clause)
    if stmt.HasField("where_clause"):
        before = copy_of(stmt.where_clause)
        bounds.bool_expr.args.insert(0, before)
    stmt.where_clause.CopyFrom(bounds)


def _text(expression: Node) -> str:
    select = copy_of(read_script("SELECT 1").statements[0].node)
    select.select_stmt.target_list[0].res_target.val.CopyFrom(expression)
    return sql_of(select).removeprefix("SELECT ")


def _batches(relation: RangeVar, key: str, change: str) -> str:
    return _BATCHES.format(
        table=quoted_name(relation),
        key=quoted(key), rows=BATCH_ROWS, change=change, mark=f"-- {REPEATABLE}",
    )  # fmt: skip
