"""Of which kind a bad request is: by what it says without what differs from one to the next."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from drillbook.analysis.culprit.requests import Request, reading_of
from drillbook.analysis.culprit.symptoms import Reading, Symptom
from drillbook.analysis.loggroups.masking import Memo, mask_text

MANY_WORDS = 8
LONGEST_SHAPE, LONGEST_READ = 60, 240
# Shorter numbers may be codes that tell what it is.
_ID = re.compile(r"(?<![\w-])(?=[a-zA-Z_-]*[0-9])[\w-]{12,}")

Words = tuple[str, ...]


class Kind(NamedTuple):
    """
    What a bad request is, and what about; its words where that tells neither.

    Where it has no words at all, such as in an access log, its status and its route are its kind.
    """

    symptom: Symptom
    about: str
    words: Words = ()
    route: str = ""


class Kinds:
    """
    The kinds of many bad requests.

    Ids are left out by their form. Names of people or rooms have none: where messages that begin
    alike go on in very many ways, what they begin with is their kind.
    """

    def __init__(self, bad: Iterable[Request]) -> None:
        """Learn what differs from one to the next."""
        self._memo = Memo()
        self._readings: dict[tuple[str, str, int], Reading] = {}
        self._raw: dict[tuple[str, str, int, str], Kind] = {}
        every = {self._read(one) for one in bad}
        self._folded = dict(_folded(every))

    def of(self, request: Request) -> Kind:
        """Return the kind of a bad request."""
        kind = self._read(request)
        return self._folded.get(kind, kind)

    def _read(self, request: Request) -> Kind:
        key = (request.message, request.stack, request.status, request.route)
        found = self._raw.get(key)
        if found is None:
            found = self._raw[key] = self._kind(request)
        return found

    def _kind(self, request: Request) -> Kind:
        read = self._reading(request)
        if read.symptom not in {Symptom.OTHER, Symptom.CODE}:
            return Kind(read.symptom, read.about)
        if not request.message:
            return Kind(read.symptom, read.about, (str(request.status),), request.route)
        shape = mask_text(request.message[:LONGEST_READ], self._memo)[:LONGEST_SHAPE]
        return Kind(read.symptom, read.about, tuple(shape.split()))

    def _reading(self, request: Request) -> Reading:
        """Read one of those that differ by an id alone: to read is what takes most of the time."""
        key = (_ID.sub("", request.message), request.stack, request.status)
        found = self._readings.get(key)
        if found is None:
            found = self._readings[key] = reading_of(request)
        return found


def _folded(kinds: Iterable[Kind]) -> Iterator[tuple[Kind, Kind]]:
    """Yield each kind of which there are too many alike with the one that it belongs to."""
    abouts: dict[Symptom, set[str]] = defaultdict(set)
    kinds = list(kinds)
    for kind in kinds:
        abouts[kind.symptom].add(kind.about)
    groups: dict[tuple[Symptom, str], list[Kind]] = defaultdict(list)
    for kind in kinds:
        about = kind.about if len(abouts[kind.symptom]) <= MANY_WORDS else ""
        groups[kind.symptom, about].append(kind)
    for (_, about), group in groups.items():
        said = _beginnings({kind.words for kind in group if not kind.route})
        for kind in group:
            words = kind.words if kind.route else said[kind.words]
            yield kind, kind._replace(about=about, words=words)


def _beginnings(every: set[Words]) -> dict[Words, Words]:
    """Return for each message what it begins with, where it goes on in very many ways."""
    found = {words: words for words in every}
    for length in reversed(range(max(map(len, every), default=0))):
        ways: dict[Words, set[Words]] = defaultdict(set)
        for words in found.values():
            ways[words[:length]].add(words)
        many = {begin for begin, those in ways.items() if len(those) > MANY_WORDS}
        if many:
            found = {
                words: now[:length] if now[:length] in many else now for words, now in found.items()
            }
    return found
