"""Join shapes that differ only in parameters, by what stands at the places where they differ."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from drillbook.analysis.loggroups.masking import MARK
from drillbook.analysis.loggroups.shaping import Shape
from drillbook.analysis.loggroups.words import is_telling, precedes_name

# So many different words at one place are a parameter, whatever they are.
_MANY = 5
_VERY_MANY = 20
_ROUNDS = 4


def cluster(counts: Mapping[Shape, int]) -> dict[Shape, Shape]:
    """Return the joined shape of each shape; the result does not depend on the order."""
    joined = {shape: shape for shape in counts}
    for _ in range(_ROUNDS):
        merged = _join_once(set(joined.values()))
        if not merged:
            break
        joined = {shape: _follow(merged, now) for shape, now in joined.items()}
    return joined


def _follow(merged: Mapping[Shape, Shape], shape: Shape) -> Shape:
    while shape in merged:
        shape = merged[shape]
    return shape


def _join_once(shapes: Iterable[Shape]) -> dict[Shape, Shape]:
    """Join the shapes that are equal but for one place, where that place holds a parameter."""
    families: defaultdict[tuple[int, Shape], list[Shape]] = defaultdict(list)
    for shape in shapes:
        for place in range(len(shape)):
            families[place, shape[:place] + shape[place + 1 :]].append(shape)
    found = [
        (len(members), place, rest)
        for (place, rest), members in families.items()
        if len(members) > 1 and is_parameter([each[place] for each in members], place, rest)
    ]
    merged: dict[Shape, Shape] = {}
    for _, place, rest in sorted(found, key=lambda each: (-each[0], each[1:])):
        target = _without_doubles((*rest[:place], MARK, *rest[place:]))
        for shape in families[place, rest]:
            if shape not in merged and shape != target:
                merged[shape] = target
    return _without_circles(merged)


def is_parameter(values: list[str], place: int, rest: Shape) -> bool:
    """Tell whether the different words at one place of otherwise equal shapes are a parameter."""
    words = [value for value in values if value != MARK]
    context = sum(1 for item in rest if MARK not in item)
    if context == 0 or not words:
        return False
    telling = sum(map(is_telling, words))
    if place and precedes_name(rest[place - 1]) and telling * 2 < len(words):
        return True
    if telling:
        return len(words) >= _VERY_MANY and telling * 2 < len(words) and context > 1
    if place and rest[place - 1] == MARK:
        return True
    if len(words) < len(values) or all(map(_is_identifier, words)):
        return context > 1 and place > 0
    return len(words) >= _MANY and context > 1


def _is_identifier(word: str) -> bool:
    return not word.replace("-", "").isalpha() or word[1:] != word[1:].lower() != word.lower()


def _without_doubles(shape: Shape) -> Shape:
    kept = [
        item for n, item in enumerate(shape) if not (item == MARK and n and shape[n - 1] == MARK)
    ]
    return tuple(kept)


def _without_circles(merged: dict[Shape, Shape]) -> dict[Shape, Shape]:
    for shape in list(merged):
        seen = {shape}
        now = merged[shape]
        while now in merged:
            if now in seen:
                del merged[now]
                break
            seen.add(now)
            now = merged[now]
    return merged
