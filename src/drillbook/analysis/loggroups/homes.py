"""Find the template that a lone shape is an instance of."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator

from drillbook.analysis.loggroups.masking import MARK
from drillbook.analysis.loggroups.shaping import Shape
from drillbook.analysis.loggroups.words import is_identifier, is_telling

# A template with fewer words of its own would be everybody's home.
_LEAST_WORDS = 2


class Homes:
    """Templates, found by the rarest of their words."""

    def __init__(self, shapes: Collection[Shape]) -> None:
        """Take those that have parameters, and words enough to be known by."""
        common = Counter(item for shape in shapes for item in set(shape) if item != MARK)
        self._by_rarest: defaultdict[str, list[Shape]] = defaultdict(list)
        for shape in shapes:
            words = [item for item in shape if item != MARK]
            if MARK in shape and len(words) >= _LEAST_WORDS:
                rarest = min(words, key=lambda word: (common[word], word))
                self._by_rarest[rarest].append(shape)

    def of(self, shape: Shape) -> Shape | None:
        """
        Return the template that the shape is an instance of, or None.

        A mark stands for any number of things that are no words of a language, or for one word
        that does not tell what happened. Of several the one with the most words is the home.
        """
        found = [
            template
            for item in set(shape)
            for template in self._by_rarest.get(item, ())
            if template != shape and len(template) <= len(shape) and is_instance(shape, template)
        ]
        return max(found, key=lambda each: (sum(item != MARK for item in each), each), default=None)


def find_homes(shapes: Collection[Shape]) -> dict[Shape, Shape]:
    """Return the template of each shape that is an instance of another one."""
    homes = Homes(shapes)
    found = {shape: home for shape in shapes if (home := homes.of(shape)) is not None}
    return {shape: _last(home, found) for shape, home in found.items()}


def is_instance(shape: Shape, template: Shape) -> bool:
    """Tell whether the shape has the template's words in order, and parameters between them."""
    reached = {0}
    for wanted in template:
        if wanted == MARK:
            reached = {end for start in reached for end in _parameter_ends(shape, start)}
        else:
            reached = {at + 1 for at in reached if at < len(shape) and shape[at] == wanted}
        if not reached:
            return False
    return len(shape) in reached


def _parameter_ends(shape: Shape, start: int) -> Iterator[int]:
    for at in range(start, len(shape)):
        item = shape[at]
        if item != MARK and is_telling(item):
            return
        if item != MARK and not is_identifier(item):
            if at == start:
                yield at + 1
            return
        yield at + 1


def _last(home: Shape, homes: dict[Shape, Shape]) -> Shape:
    """Follow homes to the last: each has fewer words than the one before, so there is one."""
    while home in homes:
        home = homes[home]
    return home
