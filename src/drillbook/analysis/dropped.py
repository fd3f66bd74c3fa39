"""Which objects a migration drops by name; what else is gone afterwards was taken along."""

from collections.abc import Iterator

from postgast.pg_query_pb2 import Node, ObjectType

from drillbook.analysis.statements import Statement

# What such a statement does is not written in it.
_DARK = {"do_stmt", "call_stmt", "select_stmt", "execute_stmt"}


def dropped_names(statements: tuple[Statement, ...]) -> frozenset[str] | None:
    """Return the names as written (`schema.*` for a whole schema); None when nobody can tell."""
    if any(statement.kind in _DARK for statement in statements):
        return None
    return frozenset(
        name
        for statement in statements
        if statement.kind == "drop_stmt"
        for name in _names(statement.node)
    )


def _names(node: Node) -> Iterator[str]:
    whole = ".*" if node.drop_stmt.remove_type == ObjectType.OBJECT_SCHEMA else ""
    for found in node.drop_stmt.objects:
        if found.HasField("object_with_args"):
            items = found.object_with_args.objname
        else:
            items = found.list.items if found.HasField("list") else [found]
        yield ".".join(item.string.sval for item in items) + whole
