"""The names of before: objects that stayed get them back, others step aside for them."""

from collections.abc import Iterator
from dataclasses import replace

from drillbook.analysis.wayback.dropping import inner_names, rename
from drillbook.analysis.wayback.making import make
from drillbook.analysis.wayback.passes import Known
from drillbook.analysis.wayback.snapshot import Key, Matching, Snapshot, Thing
from drillbook.analysis.wayback.words import PARTS, WORDS

TYPES = {"enum", "domain", "composite type", "range type"}
RELATIONS = {"table", "foreign table", "view", "materialized view", "sequence", "index"}
INSIDE = {"column", "view column", "domain constraint", *PARTS}
NAMED = (WORDS.keys() | INSIDE) - {"extension"}
Slot = tuple[object, ...]


def step_aside(before: Snapshot, now: Snapshot, known: Known) -> list[str]:
    """Rename what stands on a name that another object gets back."""
    matching = known.match(before, now, by_name=False)
    standing = {slot: key for key, thing in now.things.items() for slot in _slots(thing)}
    wanted: dict[Slot, Key] = {}
    for key, other in matching.pairs.items():
        was, found = before.things[key], now.things[other]
        if was.kind in NAMED and (_is_renamed(was, found) or _is_moved(was, found)):
            wanted.update(dict.fromkeys(_slots(was, parent=found.parent), other))
    for key in matching.gone:
        was = before.things[key]
        if was.kind in TYPES | RELATIONS:
            wanted.update(dict.fromkeys(_slots(was), key))
    occupied = {standing[slot] for slot, key in wanted.items() if standing.get(slot, key) != key}
    return [
        rename(now.things[key], now, f"drillbook_aside_{key[1]}_{key[2]}")
        for key in sorted(occupied)
        if now.things[key].kind in NAMED
    ]


def rename_back(before: Snapshot, now: Snapshot, known: Known) -> list[str]:
    """Give the names of before back; schemas that are gone are made first, parts go first."""
    matching = known.match(before, now, by_name=False)
    said: list[str] = []
    for key in sorted(matching.gone):
        if before.things[key].kind == "schema":
            said += make(before.things[key], before)
    inner: list[str] = []
    outer: list[str] = []
    schemas: list[str] = []
    for was, found in _pairs(before, now, matching):
        inner += inner_names(was, found)
        if was.kind == "schema":
            target = schemas
        else:
            target = inner if was.kind in INSIDE or was.kind == "index" else outer
        target += _names(was, found, before, now, matching)
    return [*said, *inner, *outer, *schemas]


def _pairs(before: Snapshot, now: Snapshot, matching: Matching) -> Iterator[tuple[Thing, Thing]]:
    # Functions before types: their names hold the names of types.
    for key, other in sorted(matching.pairs.items(), key=lambda p: before.things[p[0]].kind):
        if before.things[key].kind in NAMED:
            yield before.things[key], now.things[other]


def _names(
    was: Thing, found: Thing, before: Snapshot, now: Snapshot, matching: Matching
) -> list[str]:
    if _comes_from_parent(found):
        return []
    said = []
    schema = _schema_now(was.schema, before, now, matching)
    if was.kind not in INSIDE and was.kind != "index" and schema != found.schema:
        # A sequence that a column owns moves with its table.
        if not now.children(found.key, "owned by"):
            said.append(f"ALTER {WORDS[was.kind]} {found.name} SET SCHEMA {schema}")
        found = _moved(found, schema)
    if _is_renamed(was, found):
        said.append(rename(found, now, was.bare))
    return said


def _moved(found: Thing, schema: str) -> Thing:
    return replace(found, schema=schema, name=schema + found.name[len(found.schema) :])


def _schema_now(schema: str, before: Snapshot, now: Snapshot, matching: Matching) -> str:
    """Return what a schema of before is called at the moment."""
    was = before.by_address.get(("schema", schema))
    if was is None or was.key not in matching.pairs:
        return schema
    return now.things[matching.pairs[was.key]].name


def _comes_from_parent(found: Thing) -> bool:
    if found.kind == "column":
        return bool(found.props["inherited"])
    return (
        found.kind == "constraint" and bool(found.props["inherited"]) and found.ids["type"] == "c"
    )


def _is_renamed(was: Thing, found: Thing) -> bool:
    return was.bare != found.bare


def _is_moved(was: Thing, found: Thing) -> bool:
    return was.kind not in INSIDE and was.kind != "index" and was.schema != found.schema


def _slots(thing: Thing, parent: Key | None = None) -> list[Slot]:
    """Return the names that an object stands on, each unique in its space."""
    if thing.kind in RELATIONS | TYPES:
        return [("relation", thing.schema, thing.bare)]
    if thing.kind == "schema":
        return [("schema", thing.bare)]
    if thing.kind in INSIDE:
        space = "column" if thing.kind == "view column" else thing.kind
        return [(space, parent or thing.parent, thing.bare)]
    return []
