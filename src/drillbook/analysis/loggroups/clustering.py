"""Join shapes that differ only in parameters, by what stands at the places where they differ."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from drillbook.analysis.loggroups.homes import find_homes
from drillbook.analysis.loggroups.masking import MARK
from drillbook.analysis.loggroups.shaping import Shape
from drillbook.analysis.loggroups.words import is_identifier, is_telling, precedes_name

# So many different words at one place are a parameter, whatever they are.
_MANY = 5
_ROUNDS = 3
# Stands beyond the ends of a line, and for what is not looked at.
_EDGE = ""
_ANY = "\n"
_NO_WORDS = frozenset((_EDGE, _ANY, MARK))
Around = tuple[str, str, str, str]
_FEW = 2


def cluster(shapes: Collection[Shape]) -> dict[Shape, Shape]:
    """Return the joined shape of each shape; the result does not depend on the order."""
    joined = {shape: shape for shape in shapes}
    for _ in range(_ROUNDS):
        before = set(joined.values())
        for step in (_mark_by_neighbours, _join_once, _without_doubles):
            now = step(set(joined.values()))
            joined = {shape: now.get(last, last) for shape, last in joined.items()}
        if before == set(joined.values()):
            break
    homes = find_homes(set(joined.values()))
    return {shape: homes.get(last, last) for shape, last in joined.items()}


def _mark_by_neighbours(shapes: set[Shape]) -> dict[Shape, Shape]:
    """Mark the places where many words stand between the same neighbours."""
    only: dict[Around, str] = {}
    several: defaultdict[Around, set[str]] = defaultdict(set)
    for shape in shapes:
        for _, item, arounds in _places(shape):
            for around in arounds:
                # Most places hold one word only, and a set for each would be much memory.
                first = only.setdefault(around, item)
                if first != item:
                    several[around] |= {first, item}
    variable = {
        around for around, words in several.items() if len(words) > _FEW and _varies(words, around)
    }
    places: defaultdict[Shape, set[int]] = defaultdict(set)
    for shape in shapes:
        for place, _, arounds in _places(shape):
            if not variable.isdisjoint(arounds):
                places[shape].add(place)
    return _marked(places)


def _places(shape: Shape) -> Iterator[tuple[int, str, tuple[Around, ...]]]:
    """Give each word with what stands around it: two on each side, and less where it is less."""
    padded = (_EDGE, _EDGE, *shape, _EDGE, _EDGE)
    for place, item in enumerate(shape):
        if item != MARK:
            far, near = padded[place], padded[place + 1]
            next_, over = padded[place + 3], padded[place + 4]
            yield (
                place,
                item,
                (
                    (far, near, next_, over),
                    (far, near, next_, _ANY),
                    (_ANY, near, next_, over),
                    (far, near, _ANY, _ANY),
                ),
            )


def _marked(places: Mapping[Shape, set[int]]) -> dict[Shape, Shape]:
    return {
        shape: tuple(MARK if place in marked else item for place, item in enumerate(shape))
        for shape, marked in places.items()
    }


def _varies(words: Collection[str], around: Around) -> bool:
    """Tell whether the different words between the same neighbours are a parameter."""
    far, near, next_, _ = around
    if sum(item not in _NO_WORDS and MARK not in item for item in around) < _FEW:
        return False
    wide = _ANY not in around
    telling = sum(map(is_telling, words))
    if precedes_name(near, far) and telling * 3 < len(words):
        return wide or len(words) >= (2 * _MANY if next_ == _ANY else _MANY)
    if next_ == _ANY or telling * 4 > len(words) or (telling and len(words) < _MANY):
        return False
    if _are_identifiers(words):
        return near != _EDGE and (wide or len(words) >= _MANY)
    return len(words) >= (_MANY if wide else 2 * _MANY)


def _join_once(shapes: Collection[Shape]) -> dict[Shape, Shape]:
    """Join the shapes that are equal but for one place, where that place holds a parameter."""
    only: dict[tuple[int, Shape], Shape] = {}
    families: defaultdict[tuple[int, Shape], list[Shape]] = defaultdict(list)
    for shape in shapes:
        for place in range(len(shape)):
            key = (place, shape[:place] + shape[place + 1 :])
            first = only.setdefault(key, shape)
            if first is not shape:
                families[key].append(shape)
    variable = []
    for (place, rest), others in families.items():
        members = [only[place, rest], *others]
        if is_parameter([each[place] for each in members], place, rest):
            variable.append((place, members))
    places: defaultdict[Shape, set[int]] = defaultdict(set)
    for place, members in variable:
        for shape in members:
            places[shape].add(place)
    return _marked(places)


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
    # Names may look like verbs: a process that is called "named".
    follows_parameter = place > 0 and rest[place - 1] == MARK and len(words) > _FEW
    if telling * 4 > len(words) or (telling and len(words) < _MANY and not follows_parameter):
        return False
    if follows_parameter:
        return True
    if len(words) < len(values) or _are_identifiers(words):
        return context > 1 and place > 0
    return len(words) >= _MANY and context > 1


def _are_identifiers(words: Collection[str]) -> bool:
    """Tell whether none is a word of a language; capitals alone may be both."""
    return any(map(is_identifier, words)) and all(
        is_identifier(word) or word.isupper() for word in words
    )


def _without_doubles(shapes: Collection[Shape]) -> dict[Shape, Shape]:
    """Let parameters beside one another be one: lists are as long as they are."""
    return {
        shape: tuple(
            item
            for place, item in enumerate(shape)
            if not (item == MARK and place and shape[place - 1] == MARK)
        )
        for shape in shapes
    }
