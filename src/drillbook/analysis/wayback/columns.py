"""Columns that stayed: their type and their settings as before."""

from collections.abc import Callable, Collection

from drillbook.analysis.wayback.making import sequence_options
from drillbook.analysis.wayback.snapshot import Snapshot, Thing
from drillbook.analysis.wayback.words import Underivable, options

STORAGE = {"p": "PLAIN", "e": "EXTERNAL", "m": "MAIN", "x": "EXTENDED"}
COMPRESSION = {"p": "pglz", "l": "lz4", "": "DEFAULT"}
CHECKED_INPUT = 160000  # since this version a value can be tried without an error
NOT_NULL = " NOT NULL"
COUNTS = ("increment", "min", "max", "start", "cache", "cycle")


def is_retyped(was: Thing, now: Thing) -> bool:
    """Tell whether the column has another type, or sorts by another rule."""
    return any(was.props[name] != now.props[name] for name in ("type", "collation"))


def has_other_type(was: Thing, now: Thing) -> bool:
    """Tell whether the migration changed the type, and not only the type's name."""
    return is_retyped(was, now) and was.ids["type"] != now.ids["type"]


def change_column(was: Thing, now: Thing, _before: Snapshot, current: Snapshot) -> list[str] | None:
    """Return the statements for everything but its type; None where it must be made anew."""
    if was.props["generated"] != now.props["generated"]:
        return None
    table = current.parent(now).name
    said = [
        statement
        for name, setting in _SETTINGS.items()
        if was.props[name] != now.props[name]
        for statement in setting(was, now)
    ]
    return [
        # Whether a column may be empty is the same in a table and its parts.
        f"ALTER TABLE {'' if action.endswith(NOT_NULL) else 'ONLY '}{table} "
        f"ALTER COLUMN {now.name} {action}"
        for action in said
    ]


def retype(
    was: Thing,
    now: Thing,
    current: Snapshot,
    *,
    captured: bool,
    casts: Collection[tuple[str, str]],
    server_version: int,
) -> list[str]:
    """Return the statements that give a column its type of before, its values converted."""
    table = current.parent(now).name
    head = f"ALTER TABLE {table} ALTER COLUMN {now.name}"
    type_ = was.props["type"]
    text = f"{type_} COLLATE {was.props['collation']}" if was.props["collation"] else type_
    direct = (_plain(now.props["type"]), _plain(type_)) in casts
    builtin = was.ids["base_type"] and now.ids["base_type"]
    if _plain(now.props["type"]) == _plain(type_) and builtin:
        value = f"{now.name}::{type_}"
    elif captured and server_version < CHECKED_INPUT:
        value = f"NULL::{type_}"
    elif captured:
        # What does not fit comes back from the copy; what was written since and does not is NULL.
        value = (
            f"CASE WHEN pg_catalog.pg_input_is_valid({now.name}::text, "
            f"'{type_.replace(chr(39), chr(39) * 2)}') THEN {now.name}::text::{type_} END"
        )
    elif builtin and direct:
        value = f"{now.name}::{type_}"
    else:
        value = f"{now.name}::text::{type_}"
    free = [f"{head} DROP NOT NULL"] if captured and now.props["not_null"] else []
    return [*free, f"{head} TYPE {text} USING ({value})"]


def _plain(type_: str) -> str:
    """Return a type without its modifier: numeric(10,2) is numeric."""
    start, _, rest = type_.partition("(")
    return (start + rest.partition(")")[2]).strip()


def _not_null(was: Thing, _now: Thing) -> list[str]:
    return ["SET NOT NULL" if was.props["not_null"] else "DROP NOT NULL"]


def _identity(was: Thing, now: Thing) -> list[str]:
    words = {"a": "ALWAYS", "d": "BY DEFAULT"}
    kind = str(was.props["identity"])
    if not kind:
        return ["DROP IDENTITY"]
    if now.props["identity"]:
        return [f"SET GENERATED {words[kind]}"]
    sequence = was.props["sequence"]
    needs_not_null = [] if now.props["not_null"] else ["SET NOT NULL"]
    counts = f"SEQUENCE NAME {sequence['name']} {sequence_options(sequence)}"
    return [*needs_not_null, f"ADD GENERATED {words[kind]} AS IDENTITY ({counts})"]


def _sequence(was: Thing, now: Thing) -> list[str]:
    before, found = was.props["sequence"], now.props["sequence"]
    if not (before and found):
        return []  # it comes and goes with the identity
    if any(before[name] != found[name] for name in ("name", "comment", "grants")):
        raise Underivable(f"the sequence behind {was.address} cannot be changed back")
    words = ("INCREMENT BY", "MINVALUE", "MAXVALUE", "START WITH", "CACHE")
    said = [
        f"SET {word} {before[name]}"
        for name, word in zip(COUNTS, words, strict=False)
        if before[name] != found[name]
    ]
    if before["cycle"] != found["cycle"]:
        said.append("SET CYCLE" if before["cycle"] else "SET NO CYCLE")
    return [" ".join(said)] if said else []


def _storage(was: Thing, _now: Thing) -> list[str]:
    return [f"SET STORAGE {STORAGE[str(was.props['storage'])]}"]


def _compression(was: Thing, _now: Thing) -> list[str]:
    return [f"SET COMPRESSION {COMPRESSION[str(was.props['compression'])]}"]


def _statistics(was: Thing, _now: Thing) -> list[str]:
    target = was.props["statistics"]
    return [f"SET STATISTICS {-1 if target is None else target}"]


def _options(was: Thing, now: Thing) -> list[str]:
    gone = [pair.partition("=")[0] for pair in now.props["options"]]
    said = [f"RESET ({', '.join(gone)})"] if gone else []
    if was.props["options"]:
        said.append(f"SET ({options(was.props['options'])})")
    return said


_SETTINGS: dict[str, Callable[[Thing, Thing], list[str]]] = {
    "identity": _identity,
    "sequence": _sequence,
    "not_null": _not_null,
    "storage": _storage,
    "compression": _compression,
    "statistics": _statistics,
    "options": _options,
}
