"""The statement that makes an object again, from what the catalog said before."""

from collections.abc import Callable

from drillbook.analysis.wayback.snapshot import Snapshot, Thing
from drillbook.analysis.wayback.words import Underivable, literal, options

KEYS = ("p", "u", "x")


def make(thing: Thing, snapshot: Snapshot) -> list[str]:
    """Return the statements; owner, grants, comment and settings are changed afterwards."""
    maker = _MAKERS.get(thing.kind)
    if maker is None:
        raise Underivable(f"a dropped {thing.says} cannot be made again from the catalog")
    return maker(thing, snapshot)


def column_text(column: Thing) -> str:
    """Return a column as CREATE TABLE and ADD COLUMN write it."""
    words = [column.name, column.props["type"]]
    if column.props["collation"]:
        words += ["COLLATE", column.props["collation"]]
    if column.props["generated"] is not None:
        words.append(f"GENERATED ALWAYS AS ({column.props['generated']}) STORED")
    return " ".join(words)


def sequence_options(props: dict[str, object]) -> str:
    """Return how a sequence counts."""
    return (
        f"INCREMENT BY {props['increment']} MINVALUE {props['min']} MAXVALUE {props['max']} "
        f"START WITH {props['start']} CACHE {props['cache']} "
        f"{'CYCLE' if props['cycle'] else 'NO CYCLE'}"
    )


def view_text(thing: Thing, *, replace: bool = False) -> str:
    """Return CREATE VIEW with its options."""
    with_ = f" WITH ({options(thing.props['options'])})" if thing.props["options"] else ""
    word = "CREATE OR REPLACE VIEW" if replace else "CREATE VIEW"
    return f"{word} {thing.name}{with_} AS {_body(thing)}"


def published_text(thing: Thing) -> str:
    """Return a table as ALTER PUBLICATION names it."""
    columns = f" ({thing.props['columns']})" if thing.props["columns"] else ""
    where = f" WHERE ({thing.props['where']})" if thing.props["where"] else ""
    return f"TABLE ONLY {thing.name}{columns}{where}"


def _schema(thing: Thing, _snapshot: Snapshot) -> list[str]:
    return [f"CREATE SCHEMA {thing.name}"]


def _extension(thing: Thing, _snapshot: Snapshot) -> list[str]:
    version = literal(thing.props["version"])
    return [f"CREATE EXTENSION {thing.name} SCHEMA {thing.props['schema']} VERSION {version}"]


def _enum(thing: Thing, _snapshot: Snapshot) -> list[str]:
    labels = ", ".join(literal(label) for label in thing.props["labels"])
    return [f"CREATE TYPE {thing.name} AS ENUM ({labels})"]


def _domain(thing: Thing, snapshot: Snapshot) -> list[str]:
    props = thing.props
    words = [f"CREATE DOMAIN {thing.name} AS {props['base']}"]
    if props["collation"]:
        words.append(f"COLLATE {props['collation']}")
    if props["default"] is not None:
        words.append(f"DEFAULT {props['default']}")
    if props["not_null"]:
        words.append("NOT NULL")
    # Added later, a constraint would be refused where an array of the domain is used.
    words += [
        f"CONSTRAINT {one.name} {one.props['definition']}"
        for one in snapshot.children(thing.key, "domain constraint")
        if one.props["validated"]
    ]
    return [" ".join(words)]


def _composite(thing: Thing, _snapshot: Snapshot) -> list[str]:
    columns = (
        f"{name} {type_}{f' COLLATE {collation}' if collation else ''}"
        for name, type_, collation in thing.props["attributes"]
    )
    return [f"CREATE TYPE {thing.name} AS ({', '.join(columns)})"]


def _range(thing: Thing, _snapshot: Snapshot) -> list[str]:
    props = thing.props
    if props["canonical"]:
        raise Underivable(f"a dropped {thing.says} with a canonical function cannot be made again")
    told = [f"SUBTYPE = {props['subtype']}", f"SUBTYPE_OPCLASS = {props['opclass']}"]
    if props["collation"]:
        told.append(f"COLLATION = {props['collation']}")
    if props["diff"]:
        told.append(f"SUBTYPE_DIFF = {props['diff']}")
    told.append(f"MULTIRANGE_TYPE_NAME = {thing.schema}.{props['multirange']}")
    return [f"CREATE TYPE {thing.name} AS RANGE ({', '.join(told)})"]


def _sequence(thing: Thing, _snapshot: Snapshot) -> list[str]:
    unlogged = "UNLOGGED " if thing.props["persistence"] == "u" else ""
    counts = sequence_options(dict(thing.props))
    return [f"CREATE {unlogged}SEQUENCE {thing.name} AS {thing.props['type']} {counts}"]


def _owned_by(thing: Thing, snapshot: Snapshot) -> list[str]:
    return [f"ALTER SEQUENCE {snapshot.parent(thing).name} OWNED BY {thing.props['column']}"]


def _table(thing: Thing, snapshot: Snapshot) -> list[str]:
    props = thing.props
    if props["of_type"]:
        raise Underivable(f"a dropped {thing.says} of type {props['of_type']} is not made again")
    columns = ", ".join(map(column_text, snapshot.children(thing.key, "column")))
    unlogged = "UNLOGGED " if props["persistence"] == "u" else ""
    text = f"CREATE {unlogged}TABLE {thing.name} ({columns})"
    if props["partitioned"]:
        return [f"{text} PARTITION BY {props['partitioned']}"]
    return [f"{text} USING {props['method']}"]


def _column(thing: Thing, snapshot: Snapshot) -> list[str]:
    return [f"ALTER TABLE {snapshot.parent(thing).name} ADD COLUMN {column_text(thing)}"]


def _default(thing: Thing, snapshot: Snapshot) -> list[str]:
    column = snapshot.parent(thing)
    only = "ONLY " if column.kind == "column" else ""
    table = snapshot.parent(column).name
    value = thing.props["expression"]
    return [f"ALTER TABLE {only}{table} ALTER COLUMN {column.name} SET DEFAULT {value}"]


def _constraint(thing: Thing, snapshot: Snapshot) -> list[str]:
    only = "ONLY " if thing.ids["type"] in KEYS else ""
    table = snapshot.parent(thing).name
    return [f"ALTER TABLE {only}{table} ADD CONSTRAINT {thing.name} {thing.props['definition']}"]


def _domain_constraint(thing: Thing, snapshot: Snapshot) -> list[str]:
    domain = snapshot.parent(thing).name
    return [f"ALTER DOMAIN {domain} ADD CONSTRAINT {thing.name} {thing.props['definition']}"]


def _index(thing: Thing, _snapshot: Snapshot) -> list[str]:
    if not thing.props["valid"] and not str(thing.props["definition"]).count(" ON ONLY "):
        raise Underivable(f"{thing.says} was invalid before and is not made so again")
    return [str(thing.props["definition"])]


def _partition(thing: Thing, _snapshot: Snapshot) -> list[str]:
    ids = thing.ids
    return [
        (
            f"ALTER TABLE {ids['parent_name']} ATTACH PARTITION {ids['child_name']} "
            f"{thing.props['bound']}"
        )
    ]


def _index_partition(thing: Thing, _snapshot: Snapshot) -> list[str]:
    return [f"ALTER INDEX {thing.ids['parent_name']} ATTACH PARTITION {thing.ids['child_name']}"]


def _inheritance(thing: Thing, _snapshot: Snapshot) -> list[str]:
    return [f"ALTER TABLE {thing.ids['child_name']} INHERIT {thing.ids['parent_name']}"]


def _as_defined(thing: Thing, _snapshot: Snapshot) -> list[str]:
    return [str(thing.props["definition"]).rstrip().removesuffix(";")]


def _policy(thing: Thing, snapshot: Snapshot) -> list[str]:
    props = thing.props
    commands = {"*": "ALL", "r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}
    words = [
        f"CREATE POLICY {thing.name} ON {snapshot.parent(thing).name}",
        f"AS {'PERMISSIVE' if props['permissive'] else 'RESTRICTIVE'}",
        f"FOR {commands[props['command']]} TO {', '.join(props['roles'])}",
    ]
    if props["using"] is not None:
        words.append(f"USING ({props['using']})")
    if props["check"] is not None:
        words.append(f"WITH CHECK ({props['check']})")
    return [" ".join(words)]


def _view(thing: Thing, _snapshot: Snapshot) -> list[str]:
    return [view_text(thing)]


def _materialized_view(thing: Thing, _snapshot: Snapshot) -> list[str]:
    with_ = f" WITH ({options(thing.props['options'])})" if thing.props["options"] else ""
    data = "WITH DATA" if thing.props["populated"] else "WITH NO DATA"
    method = thing.props["method"]
    head = f"CREATE MATERIALIZED VIEW {thing.name} USING {method}{with_}"
    return [f"{head} AS {_body(thing)} {data}"]


def _publication(thing: Thing, _snapshot: Snapshot) -> list[str]:
    everything = " FOR ALL TABLES" if thing.props["all_tables"] else ""
    return [
        (
            f"CREATE PUBLICATION {thing.name}{everything} WITH (publish = "
            f"{literal(thing.props['publish'])}, publish_via_partition_root = "
            f"{str(thing.props['via_root']).lower()})"
        )
    ]


def _published_table(thing: Thing, snapshot: Snapshot) -> list[str]:
    return [f"ALTER PUBLICATION {snapshot.parent(thing).name} ADD {published_text(thing)}"]


def _published_schema(thing: Thing, snapshot: Snapshot) -> list[str]:
    publication = snapshot.parent(thing).name
    return [f"ALTER PUBLICATION {publication} ADD TABLES IN SCHEMA {thing.name}"]


def _event_trigger(thing: Thing, _snapshot: Snapshot) -> list[str]:
    tags = ", ".join(map(literal, thing.props["tags"]))
    when = f" WHEN TAG IN ({tags})" if tags else ""
    props = thing.props
    return [
        (
            f"CREATE EVENT TRIGGER {thing.name} ON {props['event']}{when} "
            f"EXECUTE FUNCTION {props['function']}()"
        )
    ]


def _nothing(_thing: Thing, _snapshot: Snapshot) -> list[str]:
    return []


def _body(thing: Thing) -> str:
    return str(thing.props["definition"]).strip().removesuffix(";")


_MAKERS: dict[str, Callable[[Thing, Snapshot], list[str]]] = {
    "schema": _schema,
    "extension": _extension,
    "enum": _enum,
    "domain": _domain,
    "composite type": _composite,
    "range type": _range,
    "sequence": _sequence,
    "owned by": _owned_by,
    "table": _table,
    "column": _column,
    "default": _default,
    "constraint": _constraint,
    "domain constraint": _domain_constraint,
    "index": _index,
    "partition": _partition,
    "index partition": _index_partition,
    "inheritance": _inheritance,
    "trigger": _as_defined,
    "rule": _as_defined,
    "policy": _policy,
    "view": _view,
    "view column": _nothing,
    "materialized view": _materialized_view,
    "function": _as_defined,
    "procedure": _as_defined,
    "statistics": _as_defined,
    "publication": _publication,
    "published table": _published_table,
    "published schema": _published_schema,
    "event trigger": _event_trigger,
}
