"""
The way back in passes, each from the catalog as it is then to the catalog before.

Dropped first is what the migration made, and what hangs on it; then names come back, then types,
tables and columns, then (between the passes) the data, then everything else.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from drillbook.analysis.wayback.changing import change, rebuilt
from drillbook.analysis.wayback.columns import is_retyped, retype
from drillbook.analysis.wayback.dropping import drop, drop_identity, rename
from drillbook.analysis.wayback.grants import change_defaults
from drillbook.analysis.wayback.making import make
from drillbook.analysis.wayback.ordering import in_order, rank, reached
from drillbook.analysis.wayback.snapshot import HELD, Key, Matching, Snapshot, Thing, match

BASE = {
    "schema",
    "extension",
    "enum",
    "domain",
    "composite type",
    "range type",
    "sequence",
    "table",
    "column",
    "other",
}


@dataclass(frozen=True, slots=True)
class Known:
    """What the passes know besides the two catalogs."""

    captured: frozenset[Key] = frozenset()
    casts: frozenset[tuple[str, str]] = frozenset()
    server_version: int = 170000
    retired: set[Key] = field(default_factory=set)
    keep: Collection[str] = ()

    def match(self, before: Snapshot, now: Snapshot, *, by_name: bool) -> Matching:
        """Match, leaving out what was renamed away."""
        return match(before, now, by_name=by_name, retired=frozenset(self.retired))


def drop_new(before: Snapshot, now: Snapshot, known: Known) -> list[str]:
    """Drop what is new and can be dropped already, with what hangs on it."""
    matching = known.match(before, now, by_name=False)
    stayed = set(matching.pairs.values())
    # What was moved into a new schema moves back before the schema goes.
    start = {
        key
        for key in matching.new
        if now.things[key].kind != "schema" or not stayed & now.needed_by.get(key, frozenset())
    }
    return drops(now, start)


def drop_changed(before: Snapshot, now: Snapshot, known: Known) -> list[str]:
    """Drop what must be made anew; a type that columns still use only steps aside."""
    matching = known.match(before, now, by_name=True)
    start, enums, plain = set(matching.new), [], []
    for key, other in sorted(matching.pairs.items()):
        was, found = before.things[key], now.things[other]
        if was.kind == "column" and is_retyped(was, found):
            start |= {k for k in now.needed_by.get(other, ()) if _hinders(now, k)}
        elif was.kind == "column" and found.props["identity"] and not was.props["identity"]:
            # Its sequence may stand on the name of one that comes back.
            plain.append(drop_identity(found, now))
        elif rebuilt(was, found, before, now):
            start.add(other)
            if was.kind == "enum":
                enums.append(other)
    dropped = _dropped(now, start)
    said = [*drops(now, start), *plain]
    for key in enums:
        if key not in dropped:
            known.retired.add(key)
            said.append(rename(now.things[key], now, f"drillbook_aside_{key[1]}"))
    return said


def _hinders(now: Snapshot, key: Key) -> bool:
    """Tell whether Postgres refuses to change a column's type because of this object."""
    thing = now.things[key]
    if thing.kind == "column":
        return thing.props["generated"] is not None
    return thing.kind not in HELD and thing.kind not in (
        *("constraint", "index", "default", "owned by", "statistics"),
        *("partition", "index partition", "inheritance"),
    )


def drops(now: Snapshot, start: Iterable[Key]) -> list[str]:
    """Return the statements that drop these objects and all that hangs on them, but no data."""
    gone = _dropped(now, start)
    tops = {key: now.top(key, gone) for key in gone}
    folded: dict[Key, set[Key]] = {}
    foreign = [key for key in gone if _between_dropped(now, key, gone)]
    for key in gone:
        needed = frozenset() if key in foreign else now.needs.get(key, frozenset())
        folded.setdefault(tops[key], set()).update(tops[n] for n in needed if n in gone)
    order = in_order(set(tops.values()), folded, lambda key: rank(now, key))[::-1]
    at = {key: number for number, key in enumerate(order)}
    said: list[str] = []
    for key in sorted(foreign):
        table, other = tops[key], tops[(now.things[key].parent or key)[:1] + _refers(now, key)]
        if at[other] < at[table]:
            said += drop(now.things[key], now)
    for key in order:
        if not _goes_by_itself(now, key, gone):
            said += _drop(now, key)
    return said


def _dropped(now: Snapshot, start: Iterable[Key]) -> set[Key]:
    """Return all that can go: what data of others still needs stays, and what that needs."""
    gone, held = _hanging(now, set(start))
    return gone - reached(held, now.needs)


def _drop(now: Snapshot, key: Key) -> list[str]:
    thing = now.things[key]
    if thing.kind == "default grants":
        return change_defaults(None, thing)
    return drop(thing, now)


def _hanging(now: Snapshot, first: set[Key]) -> tuple[set[Key], set[Key]]:
    """Return all that hangs on these, and those of them that data of others still needs."""
    gone, held, todo = set(first), set(), list(first)
    while todo:
        key = todo.pop()
        for user in now.needed_by.get(key, ()):
            if user in gone:
                continue
            if now.things[user].kind in HELD and now.top(user, gone) not in gone:
                held.add(key)
                continue
            gone.add(user)
            todo.append(user)
    return gone, held


def _refers(now: Snapshot, key: Key) -> tuple[int, int]:
    return (int(now.things[key].ids["refers"]), 0)


def _between_dropped(now: Snapshot, key: Key, gone: set[Key]) -> bool:
    thing = now.things[key]
    if thing.kind != "constraint" or thing.ids["type"] != "f" or thing.parent not in gone:
        return False
    other = (thing.parent[0], *_refers(now, key))
    return other != thing.parent and other in gone


def _goes_by_itself(now: Snapshot, key: Key, gone: set[Key]) -> bool:
    """Tell whether an object goes with another one that is dropped."""
    thing = now.things[key]
    if thing.kind == "sequence":
        owned = now.children(key, "owned by")
        needed = {n for one in owned for n in now.needs.get(one.key, ())} - {key}
        return bool(needed & gone)
    if thing.kind == "owned by":
        return thing.parent in gone
    if thing.kind in ("constraint", "column") and thing.props["inherited"]:
        return True
    return thing.kind == "index" and bool(thing.ids["partition"])


def shape(before: Snapshot, now: Snapshot, known: Known) -> list[str]:
    """Make types, tables and columns again, and give columns their types of before."""
    matching = known.match(before, now, by_name=True)
    retyped = {
        key
        for key, other in matching.pairs.items()
        if before.things[key].kind == "column"
        and is_retyped(before.things[key], now.things[other])
        and not now.things[other].props["inherited"]
    }
    wanted = {key for key in matching.gone if before.things[key].kind in BASE} | retyped
    wanted = reached(wanted, before.needs) & (matching.gone | retyped)
    altered = {
        key
        for key, other in matching.pairs.items()
        if before.things[key].kind == "composite type"
        and before.things[key].props != now.things[other].props
    }
    said: list[str] = []
    for key in _sorted(before, wanted | altered, matching.gone):
        thing = before.things[key]
        if key in altered:
            said += change(thing, now.things[matching.pairs[key]], before, now) or []
        elif key in retyped:
            said += retype(
                thing,
                now.things[matching.pairs[key]],
                now,
                captured=key in known.captured,
                casts=known.casts,
                server_version=known.server_version,
            )
        elif _is_made_itself(before, key, matching.gone):
            said += make(thing, before)
    return said


def rest(before: Snapshot, now: Snapshot, known: Known) -> list[str]:
    """Make and change everything that is not as before yet."""
    matching = known.match(before, now, by_name=True)
    changed = {
        key: found
        for key, other in matching.pairs.items()
        if (found := change(before.things[key], now.things[other], before, now))
    }
    said: list[str] = []
    for key in _sorted(before, {*matching.gone, *changed}, matching.gone):
        thing = before.things[key]
        if key in changed:
            said += changed[key]
        elif thing.kind == "default grants":
            said += change_defaults(thing, None)
        elif _is_made_itself(before, key, matching.gone) and thing.name not in known.keep:
            said += make(thing, before)
    return said


def _sorted(before: Snapshot, keys: Iterable[Key], gone: Collection[Key]) -> list[Key]:
    needs: dict[Key, set[Key]] = {key: set(needed) for key, needed in before.needs.items()}
    for key in gone:
        thing = before.things[key]
        if thing.kind == "partition":
            _after_its_keys(before, key, needs)
        elif thing.kind == "column" and (table := thing.parent) is not None and table in gone:
            # Columns are made with their table: the table waits for what they need.
            needs.setdefault(table, set()).update(before.needs.get(key, ()))
            needs[table].discard(table)
    return in_order(keys, needs, lambda key: rank(before, key))


def _after_its_keys(before: Snapshot, key: Key, needs: dict[Key, set[Key]]) -> None:
    """Attach a partition after its own indexes are there, and those to their parents after it."""
    child = before.things[key].parent
    if child is None:
        return
    for kind in ("constraint", "index"):
        for part in before.children(child, kind):
            if part.ids.get("type") != "f":
                needs.setdefault(key, set()).add(part.key)
                for attached in before.children(part.key, "index partition"):
                    needs.setdefault(attached.key, set()).add(key)


def _is_made_itself(before: Snapshot, key: Key, gone: Collection[Key]) -> bool:
    """Tell whether a missing object needs a statement of its own."""
    thing = before.things[key]
    if thing.kind == "domain constraint":
        return thing.parent not in gone
    if thing.kind == "column":
        if thing.parent in gone:
            return False
        return not thing.props["inherited"] or _is_attached_again(before, thing, gone)
    if thing.kind == "constraint" and thing.props["inherited"]:
        if thing.ids["type"] == "c":
            return _is_attached_again(before, thing, gone)
        return bool(thing.ids["type"] != "f")
    return True


def _is_attached_again(before: Snapshot, part: Thing, gone: Collection[Key]) -> bool:
    """Tell whether the table of a part has to be attached to its parent again."""
    if part.parent is None:
        return False
    attached = before.children(part.parent, "partition")
    attached += before.children(part.parent, "inheritance")
    return any(one.key in gone for one in attached)
