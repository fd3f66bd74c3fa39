"""The statement that takes an object away, and the one that gives it its old name back."""

from collections.abc import Callable

from drillbook.analysis.wayback.snapshot import Snapshot, Thing
from drillbook.analysis.wayback.words import PARTS, WORDS, literal, named


def drop(thing: Thing, snapshot: Snapshot) -> list[str]:
    """Return the statements that drop an object of this snapshot; it never cascades."""
    if thing.kind in _DROPPERS:
        return _DROPPERS[thing.kind](thing, snapshot)
    return [f"DROP {named(thing, snapshot)}"]


def drop_concurrently(thing: Thing) -> str:
    """Return how to drop an index without making anybody wait."""
    return f"DROP INDEX CONCURRENTLY {thing.name}"


def rename(thing: Thing, snapshot: Snapshot, to: str) -> str:
    """Return the statement that renames an object of this snapshot."""
    if thing.kind in ("column", "view column", "constraint"):
        table = snapshot.parent(thing).name
        word = "CONSTRAINT" if thing.kind == "constraint" else "COLUMN"
        return f"ALTER TABLE {table} RENAME {word} {thing.name} TO {to}"
    if thing.kind == "domain constraint":
        return f"ALTER DOMAIN {snapshot.parent(thing).name} RENAME CONSTRAINT {thing.name} TO {to}"
    if thing.kind in PARTS:
        return (
            f"ALTER {PARTS[thing.kind]} {thing.name} ON {snapshot.parent(thing).name} "
            f"RENAME TO {to}"
        )
    return f"ALTER {WORDS[thing.kind]} {thing.name} RENAME TO {to}"


def drop_identity(column: Thing, snapshot: Snapshot) -> str:
    """Return the statement that makes a numbered column a plain one."""
    table = snapshot.parent(column).name
    return f"ALTER TABLE ONLY {table} ALTER COLUMN {column.name} DROP IDENTITY"


def inner_names(was: Thing, now: Thing) -> list[str]:
    """Return the renames of an enum's labels or a composite type's attributes."""
    quote: Callable[[str], str]
    if now.kind == "enum":
        word, quote = "VALUE", literal
        before, after = dict(was.ids["labels"]), dict(now.ids["labels"])
    elif now.kind == "composite type":
        word, quote = "ATTRIBUTE", _as_it_is
        before, after = _attributes(was), _attributes(now)
    else:
        return []
    return [
        f"ALTER TYPE {now.name} RENAME {word} {quote(after[number])} TO {quote(before[number])}"
        for number in after
        if number in before and before[number] != after[number]
    ]


def _as_it_is(name: str) -> str:
    return name


def _attributes(thing: Thing) -> dict[int, str]:
    pairs = zip(thing.ids["numbers"], thing.props["attributes"], strict=True)
    return {number: attribute[0] for number, attribute in pairs}


def _column(thing: Thing, snapshot: Snapshot) -> list[str]:
    return [f"ALTER TABLE {snapshot.parent(thing).name} DROP COLUMN {thing.name}"]


def _constraint(thing: Thing, snapshot: Snapshot) -> list[str]:
    return [f"ALTER TABLE {snapshot.parent(thing).name} DROP CONSTRAINT {thing.name}"]


def _domain_constraint(thing: Thing, snapshot: Snapshot) -> list[str]:
    return [f"ALTER DOMAIN {snapshot.parent(thing).name} DROP CONSTRAINT {thing.name}"]


def _default(thing: Thing, snapshot: Snapshot) -> list[str]:
    column = snapshot.parent(thing)
    only = "ONLY " if column.kind == "column" else ""
    table = snapshot.parent(column).name
    return [f"ALTER TABLE {only}{table} ALTER COLUMN {column.name} DROP DEFAULT"]


def _owned_by(thing: Thing, snapshot: Snapshot) -> list[str]:
    return [f"ALTER SEQUENCE {snapshot.parent(thing).name} OWNED BY NONE"]


def _partition(thing: Thing, _snapshot: Snapshot) -> list[str]:
    ids = thing.ids
    return [f"ALTER TABLE {ids['parent_name']} DETACH PARTITION {ids['child_name']}"]


def _inheritance(thing: Thing, _snapshot: Snapshot) -> list[str]:
    return [f"ALTER TABLE {thing.ids['child_name']} NO INHERIT {thing.ids['parent_name']}"]


def _published_table(thing: Thing, snapshot: Snapshot) -> list[str]:
    return [f"ALTER PUBLICATION {snapshot.parent(thing).name} DROP TABLE ONLY {thing.name}"]


def _published_schema(thing: Thing, snapshot: Snapshot) -> list[str]:
    publication = snapshot.parent(thing).name
    return [f"ALTER PUBLICATION {publication} DROP TABLES IN SCHEMA {thing.name}"]


def _nothing(_thing: Thing, _snapshot: Snapshot) -> list[str]:
    return []


_DROPPERS: dict[str, Callable[[Thing, Snapshot], list[str]]] = {
    "column": _column,
    "view column": _nothing,
    "constraint": _constraint,
    "domain constraint": _domain_constraint,
    "default": _default,
    "owned by": _owned_by,
    "partition": _partition,
    "index partition": _nothing,
    "inheritance": _inheritance,
    "published table": _published_table,
    "published schema": _published_schema,
    "default grants": _nothing,
}
