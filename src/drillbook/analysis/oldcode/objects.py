"""Statements that make, drop, rename or guard objects, read for what old code relies on."""

from collections.abc import Iterator

from postgast.pg_query_pb2 import Node, ObjectType

from drillbook.analysis.oldcode.made import Harm, Made, Rule, joined, relation_name, words

OT = ObjectType
_ON_TABLES = {
    OT.OBJECT_TRIGGER: "trigger",
    OT.OBJECT_POLICY: "policy",
    OT.OBJECT_RULE: "rule",
}
_HARMLESS_DROPS = {OT.OBJECT_INDEX, OT.OBJECT_STATISTIC_EXT, OT.OBJECT_PUBLICATION}
_HARMLESS_RENAMES = {
    OT.OBJECT_INDEX, OT.OBJECT_TABCONSTRAINT, OT.OBJECT_TRIGGER, OT.OBJECT_POLICY, OT.OBJECT_RULE,
    OT.OBJECT_STATISTIC_EXT, OT.OBJECT_DOMCONSTRAINT,
}  # fmt: skip


def _table(made: Made, node: Node) -> Iterator[Harm]:
    made.names.add(relation_name(node.create_stmt.relation))
    yield from ()


def _table_as(made: Made, node: Node) -> Iterator[Harm]:
    made.names.add(relation_name(node.create_table_as_stmt.into.rel))
    yield from ()


def _view(made: Made, node: Node) -> Iterator[Harm]:
    name = relation_name(node.view_stmt.view)
    if node.view_stmt.replace and not made.has(name):
        yield Harm(f"the view {name} may have been another before", sure=False)
    made.names.add(name)


def _function(made: Made, node: Node) -> Iterator[Harm]:
    name = joined(words(node.create_function_stmt.funcname))
    if node.create_function_stmt.replace and not made.has(name):
        yield Harm(f"the function {name} may have been another before", sure=False)
    made.names.add(name)


def _type(field: str, words_field: str) -> Rule:
    def rule(made: Made, node: Node) -> Iterator[Harm]:
        made.names.add(joined(words(getattr(getattr(node, field), words_field))))
        yield from ()

    return rule


def _sequence(made: Made, node: Node) -> Iterator[Harm]:
    made.names.add(relation_name(node.create_seq_stmt.sequence))
    yield from ()


def _composite(made: Made, node: Node) -> Iterator[Harm]:
    made.names.add(relation_name(node.composite_type_stmt.typevar))
    yield from ()


def _schema(made: Made, node: Node) -> Iterator[Harm]:
    made.names.add(node.create_schema_stmt.schemaname)
    yield from ()


def _index(made: Made, node: Node) -> Iterator[Harm]:
    stmt = node.index_stmt
    table = relation_name(stmt.relation)
    columns = [item.index_elem.name for item in stmt.index_params]
    if stmt.unique and not made.has(table) and not made.all_new(table, columns):
        on = ", ".join(filter(None, columns))
        yield Harm(f"{table} ({on}) must be unique, which old code does not know")


def _trigger(made: Made, node: Node) -> Iterator[Harm]:
    stmt = node.create_trig_stmt
    table = relation_name(stmt.relation)
    if not made.has(table):
        says = f"the trigger {stmt.trigname} of {table} runs for what old code writes"
        yield Harm(says, sure=False)


def _policy(made: Made, node: Node) -> Iterator[Harm]:
    stmt = node.create_policy_stmt
    table = relation_name(stmt.table)
    if not stmt.permissive and not made.has(table):
        yield Harm(f"the policy {stmt.policy_name} takes rows of {table} from old code")


def _drop(made: Made, node: Node) -> Iterator[Harm]:
    stmt = node.drop_stmt
    if stmt.remove_type in _HARMLESS_DROPS:
        return
    what = ObjectType.Name(stmt.remove_type).removeprefix("OBJECT_").replace("_", " ").lower()
    for found in stmt.objects:
        name = joined(_dropped(found))
        if stmt.remove_type in _ON_TABLES:
            table, _, own = name.rpartition(".")
            if not made.has(table):
                yield Harm(f"the {what} {own} of {table} is dropped")
        elif made.has(name):
            made.names.discard(name)
        else:
            yield Harm(f"the {what} {name} is dropped")


def _dropped(found: Node) -> list[str]:
    kind = found.WhichOneof("node")
    if kind == "list":
        return words(found.list.items)
    if kind == "object_with_args":
        return words(found.object_with_args.objname)
    if kind == "type_name":
        return words(found.type_name.names)
    return [found.string.sval]


def _rename(made: Made, node: Node) -> Iterator[Harm]:
    stmt = node.rename_stmt
    if stmt.rename_type in _HARMLESS_RENAMES:
        return
    table = relation_name(stmt.relation)
    if stmt.rename_type in {OT.OBJECT_COLUMN, OT.OBJECT_ATTRIBUTE}:
        column = made.columns.pop((table, stmt.subname), None)
        if column is not None:
            made.columns[table, stmt.newname] = column
        elif not made.has(table):
            yield Harm(f"the column {stmt.subname} of {table} is now {stmt.newname}")
        return
    name = table or joined(_dropped(stmt.object)) or stmt.subname
    if made.has(name):
        made.names.discard(name)
        made.names.add(stmt.newname)
    else:
        yield Harm(f"{name} is now {stmt.newname}")


def _moved(made: Made, node: Node) -> Iterator[Harm]:
    stmt = node.alter_object_schema_stmt
    name = relation_name(stmt.relation) or joined(_dropped(stmt.object))
    if not made.has(name):
        yield Harm(f"{name} is now in the schema {stmt.newschema}")


def _enum(made: Made, node: Node) -> Iterator[Harm]:
    stmt = node.alter_enum_stmt
    name = joined(words(stmt.type_name))
    if stmt.old_val and not made.has(name):
        yield Harm(f"the value {stmt.old_val} of {name} is now {stmt.new_val}")


def _grant(made: Made, node: Node) -> Iterator[Harm]:
    stmt = node.grant_stmt
    if stmt.is_grant:
        return
    named = [_granted(found) for found in stmt.objects]
    old = [name for name in named if not made.has(name)]
    if old:
        yield Harm(f"rights on {', '.join(old)} are taken away")


def _granted(found: Node) -> str:
    if found.WhichOneof("node") == "range_var":
        return relation_name(found.range_var)
    return joined(_dropped(found))


def _role(_made: Made, node: Node) -> Iterator[Harm]:
    if not node.grant_role_stmt.is_grant:
        yield Harm("a role is taken from somebody")


OBJECT_RULES: dict[str, Rule] = {
    "create_stmt": _table,
    "create_table_as_stmt": _table_as,
    "view_stmt": _view,
    "create_function_stmt": _function,
    "create_enum_stmt": _type("create_enum_stmt", "type_name"),
    "create_domain_stmt": _type("create_domain_stmt", "domainname"),
    "create_range_stmt": _type("create_range_stmt", "type_name"),
    "composite_type_stmt": _composite,
    "create_seq_stmt": _sequence,
    "create_schema_stmt": _schema,
    "index_stmt": _index,
    "create_trig_stmt": _trigger,
    "create_policy_stmt": _policy,
    "drop_stmt": _drop,
    "rename_stmt": _rename,
    "alter_object_schema_stmt": _moved,
    "alter_enum_stmt": _enum,
    "grant_stmt": _grant,
    "grant_role_stmt": _role,
}
