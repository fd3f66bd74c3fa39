"""A catalog with the identity of every object, and what differs between two of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Key = tuple[int, int, int]
Props = Mapping[str, Any]  # Any: JSON as the catalog's query builds it, by kind
Grant = tuple[str, str, bool, str]
HELD = {"table", "column", "sequence", "foreign table"}  # what holds data: same name is not enough


@dataclass(frozen=True, slots=True)
class Thing:
    """
    One object: `name` is how SQL writes it now, `address` what it is known by.

    `props` are compared; `ids` only help to tell what is what.
    """

    key: Key
    kind: str
    name: str
    schema: str
    bare: str
    parent: Key | None
    owner: str | None
    props: Props
    ids: Props
    address: str = ""
    grants: tuple[Grant, ...] | None = None
    comment: str | None = None

    @property
    def says(self) -> str:
        """The object in words."""
        return f"{self.kind} {self.address}"


@dataclass(frozen=True)
class Snapshot:
    """All objects of one database at one time, and which needs which."""

    things: Mapping[Key, Thing]
    needs: Mapping[Key, frozenset[Key]]
    roles: Mapping[str, Props] = field(default_factory=dict)

    @cached_property
    def by_address(self) -> Mapping[tuple[str, str], Thing]:
        """The objects by kind and address."""
        return {(thing.kind, thing.address): thing for thing in self.things.values()}

    @cached_property
    def needed_by(self) -> Mapping[Key, frozenset[Key]]:
        """The edges turned round."""
        found: dict[Key, set[Key]] = {}
        for key, needed in self.needs.items():
            for one in needed:
                found.setdefault(one, set()).add(key)
        return {key: frozenset(keys) for key, keys in found.items()}

    def children(self, key: Key, kind: str) -> list[Thing]:
        """Return the parts of an object of one kind, in the order of their numbers."""
        found = [t for t in self._parts.get(key, ()) if t.kind == kind]
        return sorted(found, key=lambda thing: thing.key)

    def parent(self, thing: Thing) -> Thing:
        """Return what a part belongs to."""
        if thing.parent is None:
            raise LookupError(f"{thing.says} is no part of anything")
        return self.things[thing.parent]

    def top(self, key: Key, among: Iterable[Key]) -> Key:
        """Return the outermost object of the set that this one is a part of."""
        inside = among if isinstance(among, set | frozenset | dict) else set(among)
        found = at = key
        while (above := self.things[at].parent) is not None and above in self.things:
            at = above
            if at in inside:
                found = at
        return found

    @cached_property
    def _parts(self) -> Mapping[Key, list[Thing]]:
        found: dict[Key, list[Thing]] = {}
        for thing in self.things.values():
            if thing.parent is not None:
                found.setdefault(thing.parent, []).append(thing)
        return found


@dataclass(frozen=True, slots=True)
class Matching:
    """Which object of now is which of before; `gone` is only before, `new` only now."""

    pairs: Mapping[Key, Key]
    gone: frozenset[Key]
    new: frozenset[Key]


def match(
    before: Snapshot, now: Snapshot, *, by_name: bool, retired: frozenset[Key] = frozenset()
) -> Matching:
    """
    Match objects by identity, the others by name.

    What holds data is matched by name only when `by_name` says that it was made again by us;
    what is retired stands for nothing any more.
    """
    pairs = {
        key: key
        for key, thing in before.things.items()
        if key in now.things and now.things[key].kind == thing.kind and key not in retired
    }
    used = set(pairs.values())
    for key, thing in before.things.items():
        if key in pairs or (thing.kind in HELD and not by_name):
            continue
        other = now.by_address.get((thing.kind, thing.address))
        if other is None or other.key in used or other.key in retired:
            continue
        if _same_place(before, pairs, thing, other):
            pairs[key] = other.key
            used.add(other.key)
    return Matching(
        pairs,
        gone=frozenset(before.things.keys() - pairs.keys()),
        new=frozenset(now.things.keys() - used),
    )


def _same_place(before: Snapshot, pairs: Mapping[Key, Key], thing: Thing, other: Thing) -> bool:
    """Tell whether both are parts of the same object, so that a namesake elsewhere is not taken."""
    if thing.parent is None or thing.parent not in before.things:
        return True
    return pairs.get(thing.parent) == other.parent


def unlike(before: Snapshot, now: Snapshot) -> tuple[str, ...]:
    """Return a sentence for each object that differs by name and definition."""
    said = []
    for kind, address in sorted({*before.by_address, *now.by_address}):
        was = before.by_address.get((kind, address))
        found = now.by_address.get((kind, address))
        if was is None:
            said.append(f"{kind} {address} is there and was not")
        elif found is None:
            said.append(f"{kind} {address} is missing")
        elif content(was) != content(found):
            said.append(f"{kind} {address} differs: {_which(was, found)}")
    said += [
        f"role {name} differs"
        for name in sorted({*before.roles, *now.roles})
        if before.roles.get(name) != now.roles.get(name)
    ]
    return tuple(said)


def content(thing: Thing) -> tuple[object, ...]:
    """Return what must be equal."""
    return (thing.props, thing.owner, sorted(thing.grants or ()), thing.comment or "")


def _which(was: Thing, found: Thing) -> str:
    names = [n for n in was.props if was.props[n] != found.props.get(n)]
    if was.owner != found.owner:
        names.append("owner")
    if sorted(was.grants or ()) != sorted(found.grants or ()):
        names.append("grants")
    if (was.comment or "") != (found.comment or ""):
        names.append("comment")
    return ", ".join(names)


def reordered(before: Snapshot, now: Snapshot) -> tuple[str, ...]:
    """Return the tables whose columns have the same names in another order."""
    found = []
    for (kind, address), was in before.by_address.items():
        if kind == "table" and (other := now.by_address.get((kind, address))) is not None:
            names = [c.name for c in before.children(was.key, "column")]
            others = [c.name for c in now.children(other.key, "column")]
            if names != others and sorted(names) == sorted(others):
                found.append(address)
    return tuple(sorted(found))
