"""Which objects a migration drops or renames by name: what else is gone was taken along."""

from collections.abc import Iterator

from drillbook.core.files import File

DYNAMIC = frozenset({"do_stmt", "drop_owned_stmt", "call_stmt"})


def dropped_by(file: File) -> frozenset[str] | None:
    """
    Return the names as written, without arguments; `name.*` for all that is in a schema.

    None when nobody can tell, because the file runs code that may drop anything.
    """
    from drillbook.analysis.statements import Statement, read_script  # noqa: PLC0415 - costs 0.25 s

    def names(statement: Statement) -> Iterator[str]:
        node = statement.node
        if statement.kind == "drop_stmt":
            for found in node.drop_stmt.objects:
                yield from _dropped(found)
        elif statement.kind == "rename_stmt":
            relation = node.rename_stmt.relation
            yield _joined([relation.schemaname, relation.relname])
            yield from _dropped(node.rename_stmt.object)
        elif statement.kind == "alter_object_schema_stmt":
            relation = node.alter_object_schema_stmt.relation
            yield _joined([relation.schemaname, relation.relname])
            yield from _dropped(node.alter_object_schema_stmt.object)

    statements = read_script(file.text).statements
    if any(statement.kind in DYNAMIC for statement in statements):
        return None
    return frozenset(name for statement in statements for name in names(statement) if name)


def _dropped(found: object) -> Iterator[str]:
    """Return the name in one node of a DROP: a list of words, a function, a type or a schema."""
    from postgast.pg_query_pb2 import Node  # noqa: PLC0415 - as above

    if not isinstance(found, Node):
        return
    kind = found.WhichOneof("node")
    if kind == "list":
        yield _joined([item.string.sval for item in found.list.items])
    elif kind == "object_with_args":
        yield _joined([item.string.sval for item in found.object_with_args.objname])
    elif kind == "type_name":
        yield _joined([item.string.sval for item in found.type_name.names])
    elif kind == "string":
        yield f"{found.string.sval}.*"


def _joined(parts: list[str]) -> str:
    return ".".join(part for part in parts if part)
