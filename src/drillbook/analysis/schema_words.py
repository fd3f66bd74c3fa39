"""The names that statements make or drop, by their words alone; schemas and quotes are left out."""

import re
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

_KINDS = (
    "TABLE|INDEX|VIEW|FUNCTION|PROCEDURE|TRIGGER|TYPE|DOMAIN|SCHEMA|SEQUENCE|POLICY|EXTENSION|"
    "COLUMN|CONSTRAINT"
)
_BETWEEN = r"(?:CONCURRENTLY\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"
_NAME = r"(?:\"[^\"]+\"|[\w$]+)(?:\.(?:\"[^\"]+\"|[\w$]+))*"
_ALTERED = re.compile(
    rf"\bALTER\s+(?:TABLE|DOMAIN|TYPE)\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?(?P<name>{_NAME})",
    re.IGNORECASE,
)
_MADE = re.compile(
    r"\b(?:CREATE|ADD)\s+(?:OR\s+REPLACE\s+)?(?:UNIQUE\s+|MATERIALIZED\s+|UNLOGGED\s+|"
    rf"CONSTRAINT\s+(?=TRIGGER))?(?P<kind>{_KINDS})\s+{_BETWEEN}(?P<name>{_NAME})",
    re.IGNORECASE,
)
_DROPPED = re.compile(
    rf"\bDROP\s+(?:MATERIALIZED\s+)?(?P<kind>{_KINDS})\s+{_BETWEEN}(?P<name>{_NAME})",
    re.IGNORECASE,
)
_RENAMED = re.compile(
    rf"\bRENAME\s+(?:(?P<kind>COLUMN|CONSTRAINT)\s+)?(?:{_NAME}\s+)?TO\s+(?P<name>{_NAME})",
    re.IGNORECASE,
)
_ON = re.compile(rf"[^;]*?\bON\s+(?:ONLY\s+)?(?P<name>{_NAME})", re.IGNORECASE)
_OF_ALTERED, _ON_TABLE = ("COLUMN", "CONSTRAINT"), ("TRIGGER", "POLICY")


class _Fate(IntEnum):
    DROPPED, MADE, RENAMED = range(3)


class Named(NamedTuple):
    """A name, and the table it belongs to, "" where it belongs to none or the words tell none."""

    name: str
    table: str = ""

    def may_be(self, other: "Named") -> bool:
        """Whether both may be the same thing: of one name, and not of two tables."""
        one_table = not self.table or not other.table or self.table == other.table
        return self.name == other.name and one_table


def made(text: str) -> frozenset[Named]:
    """Return what statements make, and do not drop after that themselves."""
    return frozenset(one for one, fate in _last(text) if fate is _Fate.MADE)


def dropped(text: str) -> frozenset[Named]:
    """Return what the last statement of these that names it drops."""
    return frozenset(one for one, fate in _last(text) if fate is _Fate.DROPPED)


def without(names: Iterable[Named], gone: Iterable[Named]) -> frozenset[Named]:
    """Return the names but for those that may be one of what is gone."""
    gone = tuple(gone)
    return frozenset(one for one in names if not any(one.may_be(other) for other in gone))


def made_names(text: str) -> frozenset[str]:
    """Return the names of what statements make and leave."""
    return frozenset(one.name for one in made(text))


def dropped_names(text: str) -> frozenset[str]:
    """Return the names that nothing has any more after the statements, on no table they tell."""
    last = tuple(_last(text))
    there = {one.name for one, fate in last if fate is not _Fate.DROPPED}
    return frozenset(one.name for one, _ in last) - there


def _last(text: str) -> Iterator[tuple[Named, _Fate]]:
    """Yield what statements name, and what the last of them that names it does to it."""
    patterns = ((_DROPPED, _Fate.DROPPED), (_MADE, _Fate.MADE), (_RENAMED, _Fate.RENAMED))
    said = [(*one, fate) for pattern, fate in patterns for one in _named(pattern, text)]
    found: dict[str, dict[Named, _Fate]] = defaultdict(dict)
    for _, one, fate in sorted(said):
        alike = found[one.name]
        for other in [each for each in alike if each.may_be(one)]:
            del alike[other]
        alike[one] = fate
    for alike in found.values():
        yield from alike.items()


def _named(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, Named]]:
    altered = list(_ALTERED.finditer(text))
    starts = [one.start() for one in altered]
    for found in pattern.finditer(text):
        kind, table = (found["kind"] or "").upper(), ""
        if kind in _OF_ALTERED:
            before = bisect(starts, found.start())
            table = _plain(altered[before - 1]["name"]) if before else ""
        elif kind in _ON_TABLE:
            on = _ON.match(text, found.end())
            table = _plain(on["name"]) if on else ""
        yield found.start(), Named(_plain(found["name"]), table)


def _plain(name: str) -> str:
    return name.replace('"', "").rpartition(".")[2].lower()
