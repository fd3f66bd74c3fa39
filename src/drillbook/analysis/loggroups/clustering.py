"""Join shapes that differ only in parameters, by what stands at the places where they differ."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from drillbook.analysis.loggroups.homes import find_homes
from drillbook.analysis.loggroups.masking import MARK
from drillbook.analysis.loggroups.shaping import Shape
from drillbook.analysis.loggroups.words import is_identifier, is_telling, precedes_name

# So many different words at one place are a parameter, whatever they are.
_MANY = 5
_ROUNDS = 3
# How many words before and after a place are looked at together.
_WINDOWS = ((2, 2), (2, 1), (1, 2), (2, 0))
_FEW = 2
_EDGE = ""


def cluster(counts: Mapping[Shape, int]) -> dict[Shape, Shape]:
    """Return the joined shape of each shape; the result does not depend on the order."""
    joined = {shape: shape for shape in counts}
    for step in (_mark_by_neighbours, _join_once, _without_doubles) * _ROUNDS:
        now = step(set(joined.values()))
        joined = {shape: now.get(last, last) for shape, last in joined.items()}
    homes = find_homes(set(joined.values()))
    return {shape: homes.get(last, last) for shape, last in joined.items()}


def _mark_by_neighbours(shapes: set[Shape]) -> dict[Shape, Shape]:
    """Mark the places where many words stand between the same neighbours."""
    merged: dict[Shape, Shape] = {}
    for before, after in _WINDOWS:
        seen: defaultdict[Shape, set[str]] = defaultdict(set)
        for shape in shapes:
            for place, item in enumerate(shape):
                seen[_neighbours(shape, place, before, after)].add(item)
        variable = {
            around
            for around, items in seen.items()
            if len(items) > _FEW and _varies(items, around, before, after)
        }
        for shape in shapes:
            now = merged.get(shape, shape)
            marked = tuple(
                MARK if _neighbours(shape, place, before, after) in variable else now[place]
                for place in range(len(shape))
            )
            if marked != now:
                merged[shape] = marked
    return merged


def _neighbours(shape: Shape, place: int, before: int, after: int) -> Shape:
    padded = (_EDGE, _EDGE, *shape, _EDGE, _EDGE)
    place += 2
    return (*padded[place - before : place], *padded[place + 1 : place + 1 + after])


def _varies(items: set[str], around: Shape, before: int, after: int) -> bool:
    """Tell whether the different words between the same neighbours are a parameter."""
    words = [item for item in items if item != MARK]
    context = sum(1 for item in around if MARK not in item and item != _EDGE)
    wide = before + after > 3
    if not words or context < _FEW:
        return False
    telling = sum(map(is_telling, words))
    if precedes_name(
        around[before - 1], around[before - 2] if before > 1 else _EDGE
    ) and telling * 3 < len(words):
        return wide or len(words) >= (_MANY if after else 2 * _MANY)
    if not after:
        return False
    if telling * 4 > len(words) or (telling and len(words) < _MANY):
        return False
    if _are_identifiers(words):
        return around[before - 1] != _EDGE and (wide or len(words) >= _MANY)
    return len(words) >= (_MANY if wide else 2 * _MANY)


def _join_once(shapes: Iterable[Shape]) -> dict[Shape, Shape]:
    """Join the shapes that are equal but for one place, where that place holds a parameter."""
    families: defaultdict[tuple[int, Shape], list[Shape]] = defaultdict(list)
    for shape in shapes:
        for place in range(len(shape)):
            families[place, shape[:place] + shape[place + 1 :]].append(shape)
    variable = [
        (place, members)
        for (place, rest), members in families.items()
        if len(members) > 1 and is_parameter([each[place] for each in members], place, rest)
    ]
    places: defaultdict[Shape, set[int]] = defaultdict(set)
    for place, members in variable:
        for shape in members:
            places[shape].add(place)
    return {
        shape: tuple(MARK if place in marked else item for place, item in enumerate(shape))
        for shape, marked in places.items()
    }


def is_parameter(values: list[str], place: int, rest: Shape) -> bool:
    """Tell whether the different words at one place of otherwise equal shapes are a parameter."""
    words = [value for value in values if value != MARK]
    context = sum(1 for item in rest if MARK not in item)
    if context == 0 or not words:
        return False
    telling = sum(map(is_telling, words))
    if (
        place
        and precedes_name(rest[place - 1], rest[place - 2] if place > 1 else _EDGE)
        and telling * 2 < len(words)
    ):
        return True
    if telling * 4 > len(words) or (telling and len(words) < _MANY):
        return False
    if place and rest[place - 1] == MARK and len(words) > _FEW:
        return True
    if len(words) < len(values) or _are_identifiers(words):
        return context > 1 and place > 0
    return len(words) >= _MANY and context > 1


def _are_identifiers(words: Sequence[str]) -> bool:
    """Tell whether none is a word of a language; capitals alone may be both."""
    return any(map(is_identifier, words)) and all(
        is_identifier(word) or word.isupper() for word in words
    )


def _without_doubles(shapes: Iterable[Shape]) -> dict[Shape, Shape]:
    """Let parameters beside one another be one: lists are as long as they are."""
    return {
        shape: tuple(
            item
            for place, item in enumerate(shape)
            if not (item == MARK and place and shape[place - 1] == MARK)
        )
        for shape in shapes
    }
