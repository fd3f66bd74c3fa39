"""What makes an object that stayed as it was before, in place; or that it must be made anew."""

import re
from collections.abc import Callable

from drillbook.analysis.wayback.columns import change_column
from drillbook.analysis.wayback.grants import OBJECTS, change_defaults, change_grants
from drillbook.analysis.wayback.making import make, view_text
from drillbook.analysis.wayback.snapshot import Snapshot, Thing
from drillbook.analysis.wayback.words import PARTS, WORDS, Underivable, literal, named, options

Statements = list[str]
DEFERRAL = re.compile(r"( NOT DEFERRABLE)?( DEFERRABLE)?( INITIALLY DEFERRED)?( NOT VALID)?$")
ENABLED = {"O": "ENABLE", "D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}


def change(was: Thing, now: Thing, before: Snapshot, current: Snapshot) -> Statements | None:
    """Return the statements, or None where the object has to be dropped and made again."""
    if was.kind == "default grants":
        return change_defaults(was, now)
    changer = _CHANGERS.get(was.kind)
    found: Statements | None = []
    if was.props != now.props:
        if changer is None:
            raise Underivable(f"a changed {was.says} cannot be changed back from the catalog")
        found = changer(was, now, before, current)
    if found is None:
        return None
    # A new owner changes the grants as well: they are looked at again after it.
    if was.owner != now.owner and was.owner is not None:
        found = [*found, f"ALTER {WORDS[was.kind]} {now.name} OWNER TO {_role(was.owner)}"]
    elif set(was.grants or ()) != set(now.grants or ()):
        of = current.parent(now) if now.kind in ("column", "view column") else now
        if of.kind in OBJECTS:
            found = [*found, *change_grants(was, now, current)]
    if (was.comment or "") != (now.comment or ""):
        said = literal(was.comment) if was.comment else "NULL"
        found = [*found, f"COMMENT ON {named(now, current)} IS {said}"]
    return found


def rebuilt(was: Thing, now: Thing, before: Snapshot, current: Snapshot) -> bool:
    """Tell whether an object that stayed has to be dropped and made again."""
    if was.props == now.props or was.kind not in _CHANGERS:
        return False
    return _CHANGERS[was.kind](was, now, before, current) is None


def _role(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _extension(was: Thing, now: Thing, _before: Snapshot, _current: Snapshot) -> Statements:
    found = []
    if was.props["version"] != now.props["version"]:
        found.append(f"ALTER EXTENSION {now.name} UPDATE TO {literal(was.props['version'])}")
    if was.props["schema"] != now.props["schema"]:
        found.append(f"ALTER EXTENSION {now.name} SET SCHEMA {was.props['schema']}")
    return found


def _domain(was: Thing, now: Thing, _before: Snapshot, _current: Snapshot) -> Statements:
    found = []
    if was.props["default"] != now.props["default"]:
        value = was.props["default"]
        action = "DROP DEFAULT" if value is None else f"SET DEFAULT {value}"
        found.append(f"ALTER DOMAIN {now.name} {action}")
    if was.props["not_null"] != now.props["not_null"]:
        action = "SET" if was.props["not_null"] else "DROP"
        found.append(f"ALTER DOMAIN {now.name} {action} NOT NULL")
    return found


def _composite(was: Thing, now: Thing, _before: Snapshot, _current: Snapshot) -> Statements:
    before = {a[0]: a[1:] for a in was.props["attributes"]}
    found = {a[0]: a[1:] for a in now.props["attributes"]}
    said = [f"DROP ATTRIBUTE {name}" for name in found if name not in before]
    for name, (type_, collation) in before.items():
        collate = f" COLLATE {collation}" if collation else ""
        if name not in found:
            said.append(f"ADD ATTRIBUTE {name} {type_}{collate}")
        elif found[name] != [type_, collation]:
            said.append(f"ALTER ATTRIBUTE {name} TYPE {type_}{collate}")
    return [f"ALTER TYPE {now.name} {action}" for action in said] or [
        # Only the order of the attributes differs: nothing in place brings it back.
        *_refuse(was, "attributes in another order")
    ]


def _refuse(was: Thing, why: str) -> Statements:
    raise Underivable(f"{was.says} cannot be changed back: {why}")


def _sequence(was: Thing, now: Thing, _before: Snapshot, _current: Snapshot) -> Statements:
    props = was.props
    found = []
    counted = [name for name in props if name != "persistence" and props[name] != now.props[name]]
    if counted:
        cycle = "CYCLE" if props["cycle"] else "NO CYCLE"
        found.append(
            f"ALTER SEQUENCE {now.name} AS {props['type']} INCREMENT BY {props['increment']} "
            f"MINVALUE {props['min']} MAXVALUE {props['max']} START WITH {props['start']} "
            f"CACHE {props['cache']} {cycle}"
        )
    if props["persistence"] != now.props["persistence"]:
        word = "UNLOGGED" if props["persistence"] == "u" else "LOGGED"
        found.append(f"ALTER SEQUENCE {now.name} SET {word}")
    return found


def _again(was: Thing, _now: Thing, before: Snapshot, _current: Snapshot) -> Statements:
    return make(was, before)


def _table(was: Thing, now: Thing, _before: Snapshot, _current: Snapshot) -> Statements:
    props, found = was.props, now.props
    said = []
    if props["persistence"] != found["persistence"]:
        said.append("SET UNLOGGED" if props["persistence"] == "u" else "SET LOGGED")
    if props["method"] != found["method"] and props["method"]:
        said.append(f"SET ACCESS METHOD {props['method']}")
    for name, prefix in (("options", ""), ("toast_options", "toast.")):
        said += _options(props[name], found[name], prefix)
    if props["rls"] != found["rls"]:
        said.append(f"{'ENABLE' if props['rls'] else 'DISABLE'} ROW LEVEL SECURITY")
    if props["force_rls"] != found["force_rls"]:
        said.append(f"{'FORCE' if props['force_rls'] else 'NO FORCE'} ROW LEVEL SECURITY")
    words = {"d": "DEFAULT", "n": "NOTHING", "f": "FULL"}
    if props["identity"] != found["identity"] and props["identity"] in words:
        said.append(f"REPLICA IDENTITY {words[props['identity']]}")
    return [f"ALTER TABLE ONLY {now.name} {action}" for action in said]


def _options(before: list[str], found: list[str], prefix: str = "") -> list[str]:
    names = {pair.partition("=")[0] for pair in before}
    gone = [name for pair in found if (name := pair.partition("=")[0]) not in names]
    said = []
    if gone:
        said.append(f"RESET ({', '.join(prefix + name for name in gone)})")
    if set(before) - set(found):
        said.append(f"SET ({options(before, prefix)})")
    return said


def _constraint(was: Thing, now: Thing, _before: Snapshot, current: Snapshot) -> Statements | None:
    if was.props["validated"] != now.props["validated"] and now.props["validated"]:
        return None
    table = current.parent(now).name
    definition, found = (str(t.props["definition"]) for t in (was, now))
    said: Statements = []
    if definition != found:
        if was.ids["type"] != "f" or _undeferred(definition) != _undeferred(found):
            return None
        deferral = "NOT DEFERRABLE"
        if " DEFERRABLE" in definition:
            late = "DEFERRED" if "INITIALLY DEFERRED" in definition else "IMMEDIATE"
            deferral = f"DEFERRABLE INITIALLY {late}"
        said.append(f"ALTER TABLE {table} ALTER CONSTRAINT {now.name} {deferral}")
    if was.props["validated"] and not now.props["validated"]:
        said.append(f"ALTER TABLE {table} VALIDATE CONSTRAINT {now.name}")
    if (was.props["index_comment"] or "") != (now.props["index_comment"] or ""):
        comment = was.props["index_comment"]
        quoted = literal(comment) if comment else "NULL"
        said.append(f"COMMENT ON INDEX {now.ids['index']} IS {quoted}")
    return said + _index_flags(was, now, table)


def _undeferred(definition: str) -> str:
    return DEFERRAL.sub("", definition)


def _index_flags(was: Thing, now: Thing, table: str) -> Statements:
    found = []
    if was.props["clustered"] != now.props["clustered"]:
        action = f"CLUSTER ON {was.bare}" if was.props["clustered"] else "SET WITHOUT CLUSTER"
        found.append(f"ALTER TABLE {table} {action}")
    if was.props["identity"] and not now.props["identity"]:
        found.append(f"ALTER TABLE {table} REPLICA IDENTITY USING INDEX {was.bare}")
    return found


def _index(was: Thing, now: Thing, _before: Snapshot, current: Snapshot) -> Statements | None:
    if was.props["definition"] != now.props["definition"]:
        return None
    if was.props["valid"] != now.props["valid"] and not now.ids["partition"]:
        return None if was.props["valid"] else []
    before = dict(was.props["statistics"] or [])
    found = dict(now.props["statistics"] or [])
    said = [
        f"ALTER INDEX {now.name} ALTER COLUMN {number} SET STATISTICS {before.get(number, -1)}"
        for number in sorted({*before, *found})
        if before.get(number) != found.get(number)
    ]
    return said + _index_flags(was, now, current.parent(now).name)


def _switched(was: Thing, now: Thing, _before: Snapshot, current: Snapshot) -> Statements | None:
    if was.props["definition"] != now.props["definition"]:
        return None
    word = f"{ENABLED[str(was.props['enabled'])]} {PARTS[was.kind]}"
    return [f"ALTER TABLE {current.parent(now).name} {word} {now.name}"]


def _view(was: Thing, now: Thing, _before: Snapshot, _current: Snapshot) -> Statements | None:
    columns, found = was.props["columns"], now.props["columns"]
    return [view_text(was, replace=True)] if columns == found else None


def _materialized(was: Thing, now: Thing, _b: Snapshot, _c: Snapshot) -> Statements | None:
    if any(was.props[n] != now.props[n] for n in ("definition", "columns", "method")):
        return None
    said = _options(was.props["options"], now.props["options"])
    found = [f"ALTER MATERIALIZED VIEW {now.name} {action}" for action in said]
    if was.props["populated"] != now.props["populated"]:
        data = "WITH DATA" if was.props["populated"] else "WITH NO DATA"
        found.append(f"REFRESH MATERIALIZED VIEW {now.name} {data}")
    return found


def _view_column(was: Thing, now: Thing, _before: Snapshot, current: Snapshot) -> Statements:
    if was.props == now.props:
        return []
    view, target = current.parent(now).name, was.props["statistics"]
    number = -1 if target is None else target
    return [f"ALTER MATERIALIZED VIEW {view} ALTER COLUMN {now.name} SET STATISTICS {number}"]


def _function(was: Thing, now: Thing, before: Snapshot, _current: Snapshot) -> Statements | None:
    same = ("names", "result")
    if any(was.ids[name] != now.ids[name] for name in same):
        return None
    if was.ids["defaults"] < now.ids["defaults"]:
        return None
    return make(was, before)


def _statistics(was: Thing, now: Thing, _before: Snapshot, _current: Snapshot) -> Statements | None:
    if was.props["definition"] != now.props["definition"]:
        return None
    target = was.props["target"]
    return [f"ALTER STATISTICS {now.name} SET STATISTICS {-1 if target is None else target}"]


def _publication(was: Thing, now: Thing, _b: Snapshot, _c: Snapshot) -> Statements | None:
    if was.props["all_tables"] != now.props["all_tables"]:
        return None
    root = str(was.props["via_root"]).lower()
    return [
        (
            f"ALTER PUBLICATION {now.name} SET (publish = {literal(was.props['publish'])}, "
            f"publish_via_partition_root = {root})"
        )
    ]


def _event_trigger(was: Thing, now: Thing, _b: Snapshot, _c: Snapshot) -> Statements | None:
    if any(was.props[n] != now.props[n] for n in ("event", "function", "tags")):
        return None
    return [f"ALTER EVENT TRIGGER {now.name} {ENABLED[str(was.props['enabled'])]}"]


def _anew(_was: Thing, _now: Thing, _before: Snapshot, _current: Snapshot) -> None:
    return None


_CHANGERS: dict[str, Callable[[Thing, Thing, Snapshot, Snapshot], Statements | None]] = {
    "extension": _extension,
    "enum": _anew,
    "domain": _domain,
    "composite type": _composite,
    "sequence": _sequence,
    "owned by": _again,
    "table": _table,
    "column": change_column,
    "view column": _view_column,
    "default": _again,
    "constraint": _constraint,
    "domain constraint": _anew,
    "index": _index,
    "partition": _anew,
    "trigger": _switched,
    "rule": _switched,
    "policy": _anew,
    "view": _view,
    "materialized view": _materialized,
    "function": _function,
    "procedure": _function,
    "statistics": _statistics,
    "publication": _publication,
    "published table": _anew,
    "event trigger": _event_trigger,
}
