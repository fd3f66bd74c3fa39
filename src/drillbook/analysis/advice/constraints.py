"""Gentler ways to add constraints: first for new rows, then checked while everybody works on."""

from postgast import find_nodes
from postgast.pg_query_pb2 import (
    AlterTableCmd,
    AlterTableType,
    ColumnRef,
    Constraint,
    ConstrType,
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

CHECKED_LATER = {ConstrType.CONSTR_CHECK: "check", ConstrType.CONSTR_FOREIGN: "fkey"}
UNKNOWN = Facts()


def add_checked(statement: Statement, tables: Tables) -> Proposal | None:
    """ADD CHECK or FOREIGN KEY → NOT VALID, and VALIDATE in a transaction of its own."""
    node = copy_of(statement.node)
    stmt = node.alter_table_stmt
    table = name_of(stmt.relation)
    late = [found for found in map(_constraint, _commands(node)) if _is_checked_now(found)]
    foreign = [one for one in late if one and one.contype == ConstrType.CONSTR_FOREIGN]
    if not late or (foreign and tables.get(table, UNKNOWN).partitioned):
        return None
    names = []
    for constraint in late:
        assert constraint is not None  # noqa: S101 - filtered above
        constraint.conname = constraint.conname or _name(stmt.relation.relname, constraint)
        constraint.skip_validation = True
        constraint.initially_valid = False
        names.append(constraint.conname)
    whole = quoted_name(stmt.relation)
    validate = ", ".join(f"VALIDATE CONSTRAINT {quoted(name)}" for name in names)
    return Proposal(
        table,
        (Part(sql_of(node)), Part(f"ALTER TABLE {whole} {validate}")),
        "new rows are checked at once, the old ones while reads and writes go on; two "
        "transactions, for validating in the first would hold its lock all the time",
    )


def set_not_null(statement: Statement, tables: Tables) -> Proposal | None:
    """SET NOT NULL → a CHECK that is validated first, which the server takes for proof."""
    commands = _commands(statement.node)
    columns = [one.name for one in commands if one.subtype == AlterTableType.AT_SetNotNull]
    if not columns or len(columns) != len(commands):
        return None
    relation = statement.node.alter_table_stmt.relation
    whole = quoted_name(relation)
    checks = {column: made_name(relation.relname, column, "not_null_check") for column in columns}
    add = ", ".join(
        f"ADD CONSTRAINT {quoted(name)} CHECK ({quoted(column)} IS NOT NULL) NOT VALID"
        for column, name in checks.items()
    )
    validate = ", ".join(f"VALIDATE CONSTRAINT {quoted(name)}" for name in checks.values())
    proven = ", ".join(f"ALTER COLUMN {quoted(column)} SET NOT NULL" for column in columns)
    drop = ", ".join(f"DROP CONSTRAINT {quoted(name)}" for name in checks.values())
    return Proposal(
        name_of(relation),
        (
            Part(f"ALTER TABLE {whole} {add}"),
            Part(f"ALTER TABLE {whole} {validate}"),
            # In two statements: the check must still be there when NOT NULL is proven by it.
            Part(f"ALTER TABLE {whole} {proven};\nALTER TABLE {whole} {drop}"),
        ),
        "the rows are read while reads and writes go on; SET NOT NULL then needs no look at them",
    )


def _commands(node: object) -> list[AlterTableCmd]:
    stmt = getattr(node, "alter_table_stmt")  # noqa: B009 - of a node that is known to be one
    return [found.alter_table_cmd for found in stmt.cmds]


def _constraint(command: AlterTableCmd) -> Constraint | None:
    if command.subtype != AlterTableType.AT_AddConstraint:
        return None
    found: Constraint = getattr(command, "def").constraint
    return found


def _is_checked_now(constraint: Constraint | None) -> bool:
    return (
        constraint is not None
        and constraint.contype in CHECKED_LATER
        and not constraint.skip_validation
    )


def _name(table: str, constraint: Constraint) -> str:
    """Return the name the server would give."""
    label = CHECKED_LATER[constraint.contype]
    if constraint.contype == ConstrType.CONSTR_FOREIGN:
        return made_name(table, "_".join(one.string.sval for one in constraint.fk_attrs), label)
    columns = {found.fields[-1].string.sval for found in find_nodes(constraint.raw_expr, ColumnRef)}
    return made_name(table, columns.pop() if len(columns) == 1 else "", label)
