"""Group log lines of any kind by the message they are an instance of."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice

from drillbook.analysis.loggroups.clustering import cluster
from drillbook.analysis.loggroups.homes import Homes
from drillbook.analysis.loggroups.masking import MARK, QUOTE, Memo, Pieces
from drillbook.analysis.loggroups.shaping import Shape, shape_of

CHUNK_LINES = 1_000
# Of a longer line the beginning is looked at; of JSON and of stack traces so much more is read.
LONGEST_LINE = 2_000
LONGEST_READ = 100_000
# Memory is bounded: lines are remembered while they are not more than these.
MOST_KEYS = 300_000
MOST_SHAPES = 10_000
MOST_COARSE = 1_000
_COARSE_WORDS = 3
# Keys are no help where nearly every line has one of its own.
_LEAST_TRIED, _MOST_NEW = 5_000, 0.9
_REST = "…"
# With so many quotations a line the pieces between them are looked up, not the words.
_QUOTATIONS = 2
_CONTROLS = bytes(set(range(32)) - set(b"\n"))
_SPACES = bytes.maketrans(_CONTROLS, b" " * len(_CONTROLS))
_DIGITS = b"0123456789"
_ZEROS = bytes.maketrans(_CONTROLS + _DIGITS, b" " * len(_CONTROLS) + b"0" * len(_DIGITS))


@dataclass(frozen=True, slots=True)
class Group:
    """
    Lines of one message: its template with `<*>` where parameters stand, how many, which.

    `first` and `last` are the indexes of its first and last line, `example` the first line as it
    was written, cut where it was very long. `coarse` says that the lines came when too many
    forms were known already, and are together only by their first words.
    """

    template: str
    count: int
    first: int
    last: int
    example: str
    coarse: bool = False


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups, the largest first, and of which group each line is."""

    groups: tuple[Group, ...]
    of_line: Sequence[int]


@dataclass(slots=True)
class _Form:
    """A masked line: its shape, how often, where, and the first line of it."""

    shape: Shape
    first: int
    example: str
    coarse: bool


@dataclass(slots=True)
class Grouper:
    """
    Takes lines as they come; what it tells is the same as if they had come at once.

    Which lines are together does not depend on their order, while there are no more than
    `MOST_SHAPES` different shapes, and lines equal but for their digits have them at like places.
    """

    _number_of_key: dict[bytes, int] = field(default_factory=dict)
    _number_of_masked: dict[str, int] = field(default_factory=dict)
    _number_of_shape: dict[Shape, int] = field(default_factory=dict)
    _number_of_coarse: dict[str, int] = field(default_factory=dict)
    _homes: Homes | None = None
    _full: bool = False
    _new_keys: int = 0
    _memo: Memo = field(default_factory=Memo)
    _pieces: Pieces = field(init=False)
    _forms: list[_Form] = field(default_factory=list)
    _of_line: "array[int]" = field(default_factory=lambda: array("I"))

    def __post_init__(self) -> None:
        self._pieces = Pieces(self._memo)

    @property
    def taken(self) -> int:
        """How many lines it has taken."""
        return len(self._of_line)

    def add(self, lines: Iterable[str]) -> None:
        """Take more lines."""
        rest = iter(lines)
        while chunk := list(islice(rest, CHUNK_LINES)):
            self._add(chunk)

    def _add(self, chunk: list[str]) -> None:
        start = len(self._of_line)
        text = _joined(chunk)
        masked = _masked_by_pieces(text, len(chunk), self._pieces)
        if masked is None and self._new_keys > max(_LEAST_TRIED, start * _MOST_NEW):
            masked = _masked(text, self._memo)
        if masked is None:
            self._of_line.extend(self._numbers_by_key(text, chunk, start))
        else:
            places = range(start, start + len(chunk))
            self._of_line.extend(self._numbers(masked, chunk, places))

    def _numbers_by_key(self, text: bytes, chunk: list[str], start: int) -> Iterator[int]:
        """Give the number of each line's form; of those with one key the first is looked at."""
        known = self._number_of_key
        if len(known) > MOST_KEYS:
            known.clear()
        # Lines without their digits: equal keys are one message for certain.
        keys = text.translate(_SPACES, _DIGITS).split(b"\n")
        if None in map(known.get, keys):
            first: dict[bytes, int] = {}
            for at, key in enumerate(keys):
                if key not in known:
                    first.setdefault(key, at)
            lines = [chunk[at] for at in first.values()]
            masked = _masked(_joined(lines), self._memo)
            numbers = self._numbers(masked, lines, [start + at for at in first.values()])
            known.update(zip(first, numbers, strict=True))
            self._new_keys += len(first)
        return map(known.__getitem__, keys)

    def _numbers(self, masked: list[str], lines: list[str], places: Sequence[int]) -> list[int]:
        """Return the numbers of the lines' forms, new ones' for those that are not known."""
        numbers = list(map(self._number_of_masked.get, masked))
        return [
            self._number(form, line, place) if number is None else number
            for form, line, place, number in zip(masked, lines, places, numbers, strict=True)
        ]

    def _number(self, masked: str, raw: str, index: int) -> int:
        """Return the number of the line's form, a new one's while there is room."""
        number = self._number_of_masked.get(masked)
        if number is not None:
            return number
        shape = shape_of(masked, raw[:LONGEST_READ], self._memo)
        home = self._homes.of(shape) if self._homes and shape not in self._number_of_shape else None
        number = self._number_of_shape.get(home or shape)
        if number is None and self._full:
            return self._coarse_number(shape, raw, index)
        if number is None:
            number = self._number_of_shape[shape] = self._new_form(shape, raw, index)
            if len(self._number_of_shape) >= MOST_SHAPES:
                self._settle()
        if len(self._number_of_masked) >= MOST_KEYS:
            self._number_of_masked.clear()
        self._number_of_masked[masked] = number
        return number

    def _coarse_number(self, shape: Shape, raw: str, index: int) -> int:
        known = self._number_of_coarse
        begin = " ".join(shape[:_COARSE_WORDS])
        if begin not in known and len(known) >= MOST_COARSE:
            begin = ""
        if begin not in known:
            known[begin] = self._new_form((*begin.split(), _REST), raw, index, coarse=True)
        return known[begin]

    def _new_form(self, shape: Shape, raw: str, index: int, *, coarse: bool = False) -> int:
        self._forms.append(_Form(shape, index, raw[:LONGEST_LINE], coarse))
        return len(self._forms) - 1

    def _settle(self) -> None:
        """Join the shapes so far for good, so that there is room, or none where few are alike."""
        joined = cluster(self._number_of_shape)
        settled: dict[Shape, int] = {}
        for shape, number in self._number_of_shape.items():
            settled.setdefault(joined[shape], number)
        for form in self._forms:
            form.shape = joined.get(form.shape, form.shape)
        self._number_of_shape = settled
        self._homes = Homes(settled)
        self._full = len(settled) * 2 > MOST_SHAPES

    def groups(self) -> Groups:
        """Return the groups of all lines taken so far."""
        counts, last = Counter(self._of_line), dict(zip(self._of_line, count(), strict=False))
        joined = cluster({form.shape for form in self._forms if not form.coarse})
        members: dict[tuple[Shape, bool], list[int]] = {}
        for number, form in enumerate(self._forms):
            shape = form.shape if form.coarse else joined[form.shape]
            members.setdefault((shape, form.coarse), []).append(number)
        found = [
            (self._group(shape, numbers, counts, max(map(last.__getitem__, numbers))), numbers)
            for (shape, _), numbers in members.items()
        ]
        found.sort(key=lambda each: (-each[0].count, each[0].first))
        place = {number: at for at, (_, numbers) in enumerate(found) for number in numbers}
        of_line = array("I", map(place.__getitem__, self._of_line))
        return Groups(tuple(group for group, _ in found), of_line)

    def _group(self, shape: Shape, numbers: list[int], counts: Counter[int], last: int) -> Group:
        first = min((self._forms[number] for number in numbers), key=lambda form: form.first)
        return Group(
            template=" ".join(shape).replace(MARK, "<*>"),
            count=sum(counts[number] for number in numbers),
            first=first.first,
            last=last,
            example=first.example,
            coarse=first.coarse,
        )


def group(lines: Iterable[str]) -> Groups:
    """Return the groups of the lines."""
    grouper = Grouper()
    grouper.add(lines)
    return grouper.groups()


def _masked(text: bytes, memo: Memo) -> list[str]:
    """Return each line with its parameters as marks."""
    zeroed = _zeroed(text).replace("\n", " \n ")
    return " ".join(map(memo.__getitem__, zeroed.split(" "))).split(" \n ")


def _masked_by_pieces(text: bytes, lines: int, pieces: Pieces) -> list[str] | None:
    """
    Return the same for lines of many quotations, None for others.

    Quotations come again, as a whole: one look for each instead of one for each word.
    """
    if text.count(b'"') < 2 * _QUOTATIONS * lines:
        return None
    found = f"\n{_zeroed(text)}".replace("\n", f"{QUOTE}\n").split(QUOTE)[1:]
    if len(found) <= _QUOTATIONS * lines:
        return None
    return QUOTE.join(map(pieces.__getitem__, found))[1:].split(f"{QUOTE}\n")


def _zeroed(text: bytes) -> str:
    """Return a text with one digit for all; commas end a token, so that more are known."""
    return text.translate(_ZEROS).replace(b",", b", ").decode("utf-8", "replace")


def _joined(lines: list[str]) -> bytes:
    """Return the lines as bytes, one below the other; what has several lines becomes one."""
    text = "\n".join(lines)
    if text.count("\n") != len(lines) - 1 or max(map(len, lines)) > LONGEST_LINE:
        text = "\n".join([line[:LONGEST_LINE].replace("\n", "\x1e") for line in lines])
    return text.encode("utf-8", "replace")
