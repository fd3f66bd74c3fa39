"""Go through migrations in order, and name what a program written before them may miss."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from postgast import find_nodes
from postgast.pg_query_pb2 import DeleteStmt, FuncCall, InsertStmt, Node, UpdateStmt

from drillbook.analysis.oldcode.made import Harm, Made, Rule, relation_name, words
from drillbook.analysis.oldcode.objects import OBJECT_RULES
from drillbook.analysis.oldcode.tables import alter_table
from drillbook.analysis.statements import Statement, read_script

HARMLESS = {
    "transaction_stmt", "variable_set_stmt", "variable_show_stmt", "lock_stmt", "vacuum_stmt",
    "refresh_mat_view_stmt", "reindex_stmt", "cluster_stmt", "check_point_stmt", "notify_stmt",
    "comment_stmt", "sec_label_stmt", "create_extension_stmt", "create_stats_stmt",
    "alter_stats_stmt", "alter_default_privileges_stmt", "alter_owner_stmt", "create_cast_stmt",
    "create_role_stmt", "create_publication_stmt", "alter_publication_stmt", "explain_stmt",
    "discard_stmt", "constraints_set_stmt", "create_foreign_table_stmt",
}  # fmt: skip
# What dumps and migrations call to arrange the session, and what only computes.
HARMLESS_CALLS = {
    "set_config", "current_setting", "pg_advisory_lock", "pg_advisory_unlock",
    "pg_advisory_xact_lock", "now", "count", "to_regclass", "version", "pg_sleep",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Break:
    """One thing that old code may not find as it knew it; `sure` is False where nobody can tell."""

    migration: str
    line: int
    says: str
    sure: bool = True


def breaks_old_code(migrations: Iterable[tuple[str, str]]) -> tuple[Break, ...]:
    """
    Return what migrations, each a name and its SQL in order, take from code that knows none.

    Additions are no break: a new table, a column that may be left out, an index that refuses
    nothing. What cannot be read, or runs code, is a break nobody is sure of.
    """
    made, found = Made(), list[Break]()
    for name, text in migrations:
        script = read_script(text)
        for problem in script.problems:
            found.append(Break(name, problem.line, f"cannot be read: {problem.says}", sure=False))
        for statement in script.statements:
            made.where = (name, statement.line)
            found += [Break(*made.where, harm.says, harm.sure) for harm in _harm(made, statement)]
    found += [Break(*where, harm.says, harm.sure) for where, harm in made.demanding()]
    return tuple(found)


def _harm(made: Made, statement: Statement) -> Iterator[Harm]:
    rule = _RULES.get(statement.kind)
    if rule is not None:
        yield from rule(made, statement.node)
    elif statement.kind not in HARMLESS:
        yield Harm(f"what this does to old code is not known: {statement.says}", sure=False)


def _update(made: Made, node: Node) -> Iterator[Harm]:
    table = relation_name(node.update_stmt.relation)
    columns = [item.res_target.name for item in node.update_stmt.target_list]
    if not made.has(table) and not made.all_new(table, columns):
        old = [one for one in columns if (table, one) not in made.columns]
        yield Harm(f"rows of {table} are overwritten ({', '.join(old)})")
    yield from _hidden(node, 1)


def _delete(made: Made, node: Node) -> Iterator[Harm]:
    table = relation_name(node.delete_stmt.relation)
    if not made.has(table):
        yield Harm(f"rows of {table} are deleted")


def _truncate(made: Made, node: Node) -> Iterator[Harm]:
    for found in node.truncate_stmt.relations:
        table = relation_name(found.range_var)
        if not made.has(table):
            yield Harm(f"all rows of {table} are deleted")


def _insert(made: Made, node: Node) -> Iterator[Harm]:
    stmt = node.insert_stmt
    table = relation_name(stmt.relation)
    columns = [item.res_target.name for item in stmt.on_conflict_clause.target_list]
    if columns and not made.has(table) and not made.all_new(table, columns):
        yield Harm(f"rows of {table} may be overwritten ({', '.join(columns)})")
    yield from _hidden(node, 1)


def _merge(made: Made, node: Node) -> Iterator[Harm]:
    table = relation_name(node.merge_stmt.relation)
    if not made.has(table):
        yield Harm(f"rows of {table} are merged", sure=False)


def _copy(_made: Made, _node: Node) -> Iterator[Harm]:
    yield from ()


def _select(_made: Made, node: Node) -> Iterator[Harm]:
    calls = {words(call.funcname)[-1] for call in find_nodes(node, FuncCall)}
    if unknown := sorted(calls - HARMLESS_CALLS):
        yield Harm(f"it calls {', '.join(unknown)}, and what that does is not known", sure=False)
    yield from _hidden(node, 0)


def _hidden(node: Node, own: int) -> Iterator[Harm]:
    """Yield that a WITH writes: then the statement is more than its last part."""
    writes = sum(1 for kind in (UpdateStmt, DeleteStmt, InsertStmt) for _ in find_nodes(node, kind))
    if writes > own:
        yield Harm("a WITH of it writes rows as well", sure=False)


_RULES: dict[str, Rule] = OBJECT_RULES | {
    "alter_table_stmt": alter_table,
    "update_stmt": _update,
    "delete_stmt": _delete,
    "truncate_stmt": _truncate,
    "insert_stmt": _insert,
    "merge_stmt": _merge,
    "copy_stmt": _copy,
    "select_stmt": _select,
}
