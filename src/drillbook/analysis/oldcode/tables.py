"""ALTER TABLE, read for what old code relies on."""

from collections.abc import Callable, Iterator

from postgast import find_nodes
from postgast.pg_query_pb2 import (
    AlterTableCmd,
    AlterTableType,
    ColumnRef,
    Constraint,
    ConstrType,
    Node,
)

from drillbook.analysis.oldcode.made import Column, Harm, Made, relation_name, words

AT, CT = AlterTableType, ConstrType
AltersTable = Callable[[Made, str, AlterTableCmd], Iterator[Harm]]

HARMLESS = {
    AT.AT_SetStatistics, AT.AT_SetOptions, AT.AT_ResetOptions, AT.AT_SetStorage,
    AT.AT_SetCompression, AT.AT_ValidateConstraint, AT.AT_AlterConstraint, AT.AT_ClusterOn,
    AT.AT_DropCluster, AT.AT_SetLogged, AT.AT_SetUnLogged, AT.AT_SetAccessMethod,
    AT.AT_SetTableSpace, AT.AT_SetRelOptions, AT.AT_ResetRelOptions, AT.AT_ReplicaIdentity,
    AT.AT_DropNotNull, AT.AT_DropConstraint, AT.AT_DisableRowSecurity, AT.AT_NoForceRowSecurity,
    AT.AT_AttachPartition, AT.AT_AddInherit, AT.AT_ReAddComment, AT.AT_ChangeOwner,
    AT.AT_DropOids,
}  # fmt: skip


def alter_table(made: Made, node: Node) -> Iterator[Harm]:
    """Yield what each command takes away; tables made meanwhile are nobody's."""
    table = relation_name(node.alter_table_stmt.relation)
    if made.has(table):
        return
    for found in node.alter_table_stmt.cmds:
        command = found.alter_table_cmd
        if command.subtype in HARMLESS:
            continue
        rule = _RULES.get(command.subtype)
        if rule is not None:
            yield from rule(made, table, command)
        else:
            what = AlterTableType.Name(command.subtype).removeprefix("AT_")
            yield Harm(f"{table} is altered ({what}) in a way that is not known here", sure=False)


def new_columns_of(made: Made, table: str, column: Node) -> Iterator[Harm]:
    """Keep a column that is added to an older table, and yield what its constraints refuse."""
    found = column.column_def
    kinds = {item.constraint.contype for item in found.constraints}
    type_words = words(found.type_name.names)
    serial = bool(type_words) and "serial" in type_words[-1]
    filled = serial or bool(kinds & {CT.CONSTR_DEFAULT, CT.CONSTR_IDENTITY, CT.CONSTR_GENERATED})
    required = bool(kinds & {CT.CONSTR_NOTNULL, CT.CONSTR_PRIMARY})
    made.columns[table, found.colname] = Column(required, filled, made.where)
    constant = CT.CONSTR_DEFAULT in kinds and not serial
    if constant and kinds & {CT.CONSTR_UNIQUE, CT.CONSTR_PRIMARY}:
        yield Harm(
            f"{found.colname} of {table} must be unique, and rows of old code share its default",
            sure=False,
        )


def _add_column(made: Made, table: str, command: AlterTableCmd) -> Iterator[Harm]:
    yield from new_columns_of(made, table, _def(command))


def _drop_column(made: Made, table: str, command: AlterTableCmd) -> Iterator[Harm]:
    if made.columns.pop((table, command.name), None) is None:
        yield Harm(f"the column {command.name} of {table} is dropped")


def _alter_type(made: Made, table: str, command: AlterTableCmd) -> Iterator[Harm]:
    if (table, command.name) not in made.columns:
        yield Harm(f"the type of {command.name} of {table} is changed")


def _not_null(made: Made, table: str, command: AlterTableCmd) -> Iterator[Harm]:
    column = made.columns.get((table, command.name))
    if column is None:
        yield Harm(f"{command.name} of {table} may be empty no longer")
    else:
        column.required, column.where = True, made.where


def _default(made: Made, table: str, command: AlterTableCmd) -> Iterator[Harm]:
    column, given = made.columns.get((table, command.name)), command.HasField("def")
    if column is not None:
        column.filled, column.where = given, made.where
    elif given:
        made.undefaulted.pop((table, command.name), None)  # dropped to be set again
    else:
        made.undefaulted[table, command.name] = made.where
    yield from ()


def _add_constraint(made: Made, table: str, command: AlterTableCmd) -> Iterator[Harm]:
    constraint = _def(command).constraint
    columns = list(_columns_of(constraint))
    if made.all_new(table, columns):
        return
    says = {
        CT.CONSTR_CHECK: "a check on {table}{on} refuses what old code could write",
        CT.CONSTR_FOREIGN: "a foreign key of {table}{on} refuses what old code could write",
        CT.CONSTR_UNIQUE: "{table}{on} must be unique, which old code does not know",
        CT.CONSTR_PRIMARY: "{table}{on} becomes the primary key, which old code does not know",
        CT.CONSTR_EXCLUSION: "an exclusion on {table} refuses what old code could write",
        CT.CONSTR_NOTNULL: "{table}{on} may be empty no longer",
    }.get(constraint.contype, "a constraint on {table} that is not known here")
    on = f" ({', '.join(columns)})" if columns else ""
    yield Harm(says.format(table=table, on=on), sure=constraint.contype in _KNOWN)


_KNOWN = {
    CT.CONSTR_CHECK, CT.CONSTR_FOREIGN, CT.CONSTR_UNIQUE, CT.CONSTR_PRIMARY, CT.CONSTR_EXCLUSION,
    CT.CONSTR_NOTNULL,
}  # fmt: skip


def _columns_of(constraint: Constraint) -> Iterator[str]:
    if constraint.contype == CT.CONSTR_FOREIGN:
        yield from words(constraint.fk_attrs)
    elif constraint.contype == CT.CONSTR_CHECK:
        named = (words(found.fields)[-1] for found in find_nodes(constraint.raw_expr, ColumnRef))
        yield from dict.fromkeys(named)
    else:
        yield from words(constraint.keys)


def _saying(says: str, *, sure: bool = True) -> AltersTable:
    def rule(made: Made, table: str, command: AlterTableCmd) -> Iterator[Harm]:
        if (table, command.name) not in made.columns:
            yield Harm(says.format(table=table, name=command.name), sure)

    return rule


def _nothing(_made: Made, _table: str, _command: AlterTableCmd) -> Iterator[Harm]:
    yield from ()


def _identity(made: Made, table: str, command: AlterTableCmd) -> Iterator[Harm]:
    column = made.columns.get((table, command.name))
    if column is not None:
        column.filled = True
    elif _def(command).constraint.generated_when == "a":
        yield Harm(f"{command.name} of {table} may be given no longer: it is always generated")


def _def(command: AlterTableCmd) -> Node:
    found: Node = getattr(command, "def")  # a word of Python is the field's name
    return found


_ROWS_HIDDEN = "row security of {table} is turned on: old code may see and write fewer rows"
_RULES: dict[int, AltersTable] = {
    AT.AT_AddColumn: _add_column,
    AT.AT_DropColumn: _drop_column,
    AT.AT_AlterColumnType: _alter_type,
    AT.AT_SetNotNull: _not_null,
    AT.AT_ColumnDefault: _default,
    AT.AT_AddConstraint: _add_constraint,
    AT.AT_EnableRowSecurity: _saying(_ROWS_HIDDEN),
    AT.AT_ForceRowSecurity: _saying(_ROWS_HIDDEN),
    AT.AT_DetachPartition: _saying("a partition with its rows leaves {table}"),
    AT.AT_DropInherit: _saying("{table} leaves the table it belonged to"),
    AT.AT_AddIdentity: _identity,
    AT.AT_SetIdentity: _nothing,
    AT.AT_DropIdentity: _saying("{name} of {table} is numbered no longer"),
    AT.AT_DropExpression: _saying("{name} of {table} is computed no longer"),
    AT.AT_SetExpression: _saying("{name} of {table} is computed in another way", sure=False),
    AT.AT_EnableTrig: _saying("the trigger {name} of {table} is turned on", sure=False),
    AT.AT_DisableTrig: _saying("the trigger {name} of {table} is turned off", sure=False),
}
