"""The catalog of one database with identities, read in one transaction."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from psycopg.rows import tuple_row

from drillbook.analysis.wayback.snapshot import Grant, Key, Props, Snapshot, Thing
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Session

RELATIONS = 1259  # the fixed OID of pg_class
Rows = list[tuple[object, ...]]


def read_snapshot(session: Session) -> Snapshot:
    """Return all objects, in a transaction of its own."""
    with session.transaction():
        session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        session.execute(query("catalog", "settle"))
        rows = {
            name: _rows(session, name)
            for name in ("things", "grants", "comments", "aliases", "needs")
        }
        roles = read_roles(session)
    aliases = {_key(row): _key(row, 3) for row in rows["aliases"]}
    things = {thing.key: thing for thing in map(_thing, rows["things"])}
    things = {
        key: replace(thing, parent=_parent(thing, things, aliases)) for key, thing in things.items()
    }
    grants = {_key(row): _grants(row[3]) for row in rows["grants"]}
    comments = {_key(row): str(row[3]) for row in rows["comments"]}
    things = {
        key: replace(
            thing,
            address=_address(thing, things),
            grants=grants.get(key),
            comment=comments.get(key),
        )
        for key, thing in things.items()
    }
    return Snapshot(things, _needs(things, aliases, rows["needs"]), roles)


def read_roles(session: Session) -> dict[str, Props]:
    """Return the server's roles and what they may."""
    return {str(name): dict(props) for name, props in _rows(session, "roles")}  # type: ignore[call-overload]  # the query builds JSON


def _parent(thing: Thing, things: Mapping[Key, Thing], aliases: Mapping[Key, Key]) -> Key | None:
    if thing.parent is None or thing.parent in things:
        return thing.parent
    return _found(thing.parent, things, aliases)


def _rows(session: Session, name: str) -> Rows:
    with session.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(query("wayback", name)).fetchall()


def _key(row: tuple[object, ...], at: int = 0) -> Key:
    return (_int(row[at]), _int(row[at + 1]), _int(row[at + 2]))


def _int(value: object) -> int:
    return int(str(value))


def _thing(row: tuple[object, ...]) -> Thing:
    kind, _, _, _, name, schema, bare, up_class, up_oid, up_sub, owner, props, ids = row
    parent = None if up_class is None else (_int(up_class), _int(up_oid), _int(up_sub))
    return Thing(
        key=_key(row, 1),
        kind=str(kind),
        name=str(name),
        schema=str(schema),
        bare=str(bare),
        parent=parent,
        owner=None if owner is None else str(owner),
        props=dict(props),  # type: ignore[call-overload]  # the query builds JSON
        ids=dict(ids),  # type: ignore[call-overload]  # the query builds JSON
    )


def _grants(found: object) -> tuple[Grant, ...]:
    return tuple((g[0], g[1], g[2], g[3]) for g in found)  # type: ignore[attr-defined]  # the query builds JSON


def _address(thing: Thing, things: Mapping[Key, Thing]) -> str:
    if thing.parent is None or thing.parent not in things or thing.kind in ("index", "statistics"):
        return thing.name
    return f"{_address(things[thing.parent], things)}.{thing.name}"


def _needs(
    things: Mapping[Key, Thing], aliases: Mapping[Key, Key], rows: Rows
) -> dict[Key, frozenset[Key]]:
    inherits = {
        (thing.ids["child"], thing.ids["parent"])
        for thing in things.values()
        if thing.kind in ("partition", "inheritance", "index partition")
    }
    found: dict[Key, set[Key]] = {}
    for row in rows:
        here, there = _found(_key(row), things, aliases), _found(_key(row, 3), things, aliases)
        if here is None or there is None or here == there:
            continue
        if _told_apart(things[here], things[there], inherits):
            continue
        found.setdefault(here, set()).add(there)
    for key, needed in _implied(things, aliases):
        found.setdefault(key, set()).add(needed)
    return {key: frozenset(needed - {key}) for key, needed in found.items()}


def _found(key: Key, things: Mapping[Key, Thing], aliases: Mapping[Key, Key]) -> Key | None:
    for _ in range(5):  # an array of a row type of a table is three steps away
        if key in things and things[key].kind != "view column":
            return key
        if key in things:
            return (key[0], key[1], 0)
        if key in aliases:
            key = aliases[key]
        elif key[2]:
            key = (key[0], key[1], 0)
        else:
            return None
    return None


def _told_apart(here: Thing, there: Thing, inherits: Iterable[tuple[object, object]]) -> bool:
    """Tell whether another object of ours stands for this edge: owned by, or a partition."""
    if here.kind == "sequence" and there.kind in ("column", "table"):
        return True
    if here.kind == there.kind == "table":
        return (here.key[1], there.key[1]) in inherits
    # What comes from the parent table can also be made first and attached then.
    if here.kind in ("index", "constraint") and there.kind in ("index", "constraint"):
        return bool(here.ids.get("partition") or here.props.get("inherited"))
    return False


def _implied(things: Mapping[Key, Thing], aliases: Mapping[Key, Key]) -> Iterable[tuple[Key, Key]]:
    numbers = {
        (t.parent, t.name): key for key, t in things.items() if t.kind == "column" and t.parent
    }
    for key, thing in things.items():
        if thing.parent is not None and thing.parent in things:
            yield key, thing.parent
        if thing.kind in ("partition", "inheritance"):
            # A column of a part follows the one of the whole.
            whole = (RELATIONS, thing.ids["parent"], 0)
            for (table, name), part in numbers.items():
                if table == (RELATIONS, thing.ids["child"], 0) and (whole, name) in numbers:
                    yield part, numbers[whole, name]
        if thing.kind in ("partition", "index partition", "inheritance"):
            ends = [(RELATIONS, thing.ids["child"], 0), (RELATIONS, thing.ids["parent"], 0)]
        elif thing.kind == "owned by":
            ends = [(RELATIONS, thing.ids["table"], thing.ids["number"])]
        else:
            continue
        for end in ends:
            needed = _found(end, things, aliases)
            if needed is not None:
                yield key, needed
