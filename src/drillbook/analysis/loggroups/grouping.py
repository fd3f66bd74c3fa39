"""Group log lines of any kind by the message they are an instance of."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from drillbook.analysis.loggroups.clustering import cluster
from drillbook.analysis.loggroups.masking import MARK, Memo
from drillbook.analysis.loggroups.shaping import Shape, shape_of

CHUNK_LINES = 50_000
LONGEST_LINE = 4096
_CONTROLS = bytes(set(range(32)) - set(b"\n"))
_SPACES = bytes.maketrans(_CONTROLS, b" " * len(_CONTROLS))
_DIGITS = b"0123456789"
_ZEROS = bytes.maketrans(_CONTROLS + _DIGITS, b" " * len(_CONTROLS) + b"0" * len(_DIGITS))


@dataclass(frozen=True, slots=True)
class Group:
    """
    Lines of one message: its template with `<*>` where parameters stand, how many, which.

    `first` and `last` are the indexes of its first and last line, `example` the first line as it
    was written, cut where it was very long.
    """

    template: str
    count: int
    first: int
    last: int
    example: str


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups, the largest first, and of which group each line is."""

    groups: tuple[Group, ...]
    of_line: Sequence[int]


class _Numbers(dict[bytes, int]):
    """Numbers for keys, given when first asked for."""

    def __missing__(self, key: bytes) -> int:
        number = self[key] = len(self)
        return number


@dataclass(slots=True)
class Grouper:
    """Takes lines as they come; what it tells is the same as if they had come at once."""

    _numbers: _Numbers = field(default_factory=_Numbers)
    _memo: Memo = field(default_factory=Memo)
    _of_line: "array[int]" = field(default_factory=lambda: array("I"))
    _counts: Counter[int] = field(default_factory=Counter)
    _first: list[int] = field(default_factory=list)
    _last: dict[int, int] = field(default_factory=dict)
    _shape_of_masked: dict[str, Shape] = field(default_factory=dict)
    _raw: list[str] = field(default_factory=list)
    _shapes: list[Shape] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many lines it has taken."""
        return len(self._of_line)

    def add(self, lines: Iterable[str]) -> None:
        """Take more lines."""
        rest = iter(lines)
        while chunk := list(islice(rest, CHUNK_LINES)):
            self._add(chunk)

    def _add(self, chunk: list[str]) -> None:
        start = len(self._of_line)
        known = len(self._numbers)
        ids = array("I", map(self._numbers.__getitem__, _keys(chunk)))
        self._of_line.extend(ids)
        self._counts.update(ids)
        count = len(chunk)
        self._last.update(zip(ids, range(start, start + count), strict=True))
        if len(self._numbers) > known:
            first = dict(zip(reversed(ids), range(count - 1, -1, -1), strict=True))
            new = [first[n] for n in range(known, len(self._numbers))]
            self._first.extend(start + n for n in new)
            self._learn([chunk[n] for n in new])

    def _learn(self, raw: list[str]) -> None:
        for line, masked in zip(raw, _masked(raw, self._memo), strict=True):
            self._raw.append(line[:LONGEST_LINE])
            shape = self._shape_of_masked.get(masked)
            if shape is None:
                shape = self._shape_of_masked[masked] = shape_of(masked, line, self._memo)
            self._shapes.append(shape)

    def groups(self) -> Groups:
        """Return the groups of all lines taken so far."""
        weights: Counter[Shape] = Counter()
        for number, shape in enumerate(self._shapes):
            weights[shape] += self._counts[number]
        joined = cluster(weights)
        members: dict[Shape, list[int]] = {}
        for number, shape in enumerate(self._shapes):
            members.setdefault(joined[shape], []).append(number)
        found = [(self._group(shape, numbers), numbers) for shape, numbers in members.items()]
        found.sort(key=lambda each: (-each[0].count, each[0].first))
        place = {n: at for at, (_, numbers) in enumerate(found) for n in numbers}
        of_line = array("I", map(place.__getitem__, self._of_line))
        return Groups(tuple(group for group, _ in found), of_line)

    def _group(self, shape: Shape, numbers: list[int]) -> Group:
        first = min(self._first[n] for n in numbers)
        example = next(n for n in numbers if self._first[n] == first)
        return Group(
            template=" ".join(shape).replace(MARK, "<*>"),
            count=sum(self._counts[n] for n in numbers),
            first=first,
            last=max(self._last[n] for n in numbers),
            example=self._raw[example],
        )


def group(lines: Iterable[str]) -> Groups:
    """Return the groups of the lines."""
    grouper = Grouper()
    grouper.add(lines)
    return grouper.groups()


def _keys(lines: list[str]) -> list[bytes]:
    """Return the lines without their digits: equal keys are one message for certain."""
    data = _joined(lines).translate(_SPACES, _DIGITS)
    return data.split(b"\n")


def _masked(lines: list[str], memo: Memo) -> Iterator[str]:
    text = _joined(lines).translate(_ZEROS).decode("utf-8", "replace")
    masked = " ".join(map(memo.__getitem__, text.replace("\n", " \n ").split(" ")))
    return iter(masked.split(" \n "))


def _joined(lines: list[str]) -> bytes:
    """Return the lines as bytes, one below the other; what has several lines becomes one."""
    text = "\n".join(lines)
    if text.count("\n") != len(lines) - 1 or max(map(len, lines)) > LONGEST_LINE:
        text = "\n".join([line[:LONGEST_LINE].replace("\n", "\x1e") for line in lines])
    return text.encode("utf-8", "replace")
