"""Objects in an order in which each comes after what it needs."""

import heapq
from collections.abc import Callable, Iterable, Mapping

from drillbook.analysis.wayback.snapshot import Key, Snapshot

# What is made first when nothing else decides; it also breaks the circles.
ORDER = (
    "schema",
    "extension",
    "other",
    "enum",
    "domain",
    "composite type",
    "range type",
    "sequence",
    "function",
    "procedure",
    "aggregate",
    "table",
    "foreign table",
    "column",
    "owned by",
    "default",
    "domain constraint",
    "constraint",
    "index",
    "partition",
    "inheritance",
    "index partition",
    "foreign key",
    "view",
    "materialized view",
    "view column",
    "statistics",
    "rule",
    "trigger",
    "policy",
    "publication",
    "published schema",
    "published table",
    "event trigger",
    "default grants",
)
_RANK = {kind: rank for rank, kind in enumerate(ORDER)}


def rank(snapshot: Snapshot, key: Key) -> tuple[int, Key]:
    """Return where an object stands when nothing else decides; foreign keys after other keys."""
    thing = snapshot.things[key]
    foreign = thing.kind == "constraint" and thing.ids["type"] == "f"
    return (_RANK["foreign key" if foreign else thing.kind], key)


def in_order(
    keys: Iterable[Key],
    needs: Mapping[Key, Iterable[Key]],
    first: Callable[[Key], tuple[int, Key]],
) -> list[Key]:
    """Return the keys so that needed ones come before; a circle is cut at the first by rank."""
    wanted = set(keys)
    waits = {key: {n for n in needs.get(key, ()) if n in wanted and n != key} for key in wanted}
    waited: dict[Key, list[Key]] = {}
    for key, needed in waits.items():
        for one in needed:
            waited.setdefault(one, []).append(key)
    ready = [(first(key), key) for key, needed in waits.items() if not needed]
    heapq.heapify(ready)
    found: list[Key] = []
    done: set[Key] = set()
    while len(found) < len(wanted):
        if not ready:
            # Only what is in a circle may come too early, not what merely waits for one.
            left = wanted - done
            cut = min(left, key=lambda key: (len(reached([key], waits)), first(key)))
            heapq.heappush(ready, (first(cut), cut))
        _, key = heapq.heappop(ready)
        if key in done:
            continue
        found.append(key)
        done.add(key)
        for other in waited.get(key, ()):
            waits[other].discard(key)
            if not waits[other] and other not in done:
                heapq.heappush(ready, (first(other), other))
    return found


def reached(start: Iterable[Key], edges: Mapping[Key, Iterable[Key]]) -> set[Key]:
    """Return the start and everything that the edges lead to."""
    found = set(start)
    todo = list(found)
    while todo:
        for key in edges.get(todo.pop(), ()):
            if key not in found:
                found.add(key)
                todo.append(key)
    return found
