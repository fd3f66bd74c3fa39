"""Users' requests as the rules see them: routes instead of paths, and what each came to."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drillbook.analysis.culprit.symptoms import Reading, Symptom, read_error

SERVER_ERROR = 500
UNAUTHORIZED, FORBIDDEN, TOO_MANY = 401, 403, 429
GATEWAY = (502, 504)
REFUSALS = frozenset((UNAUTHORIZED, FORBIDDEN, TOO_MANY))
VARIABLE = "*"
MANY_VALUES = 12
_NUMBERED = re.compile(r"\d")
_VERSION = re.compile(r"v\d{1,2}")


@dataclass(frozen=True, slots=True)
class Request:
    """
    One request of a user; status 0 for an own probe or user that got no answer at all.

    `commit` is told by the app, perhaps where the deployment is not.
    """

    at: float
    status: int
    route: str
    milliseconds: float | None = None
    user: str = ""
    address: str = ""
    deployment: str = ""
    region: str = ""
    message: str = ""
    stack: str = ""
    commit: str = ""

    @property
    def failed(self) -> bool:
        """Whether the server says that it failed, or nobody answered."""
        return self.status == 0 or self.status >= SERVER_ERROR

    @property
    def refused(self) -> bool:
        """Whether somebody was turned away: not known, not allowed, or too often."""
        return self.status in REFUSALS

    @property
    def who(self) -> str:
        """The user, or the address where no user is known."""
        return self.user or self.address


@dataclass(frozen=True, slots=True)
class Word:
    """A line of a log that tells of no request: who wrote it, how bad it is, what it says."""

    at: float
    level: str
    message: str
    stack: str = ""
    source: str = ""


def reading_of(request: Request) -> Reading:
    """Return what went wrong with a request: by its words, else by its status."""
    read = read_error(request.message, request.stack)
    if read.symptom is not Symptom.OTHER:
        return read
    if request.status == TOO_MANY:
        return Reading(Symptom.LIMITED)
    if request.status in {UNAUTHORIZED, FORBIDDEN}:
        return Reading(Symptom.TOKEN_BAD)
    if request.status == 0 or (request.status in GATEWAY and not request.message):
        return Reading(Symptom.NO_ANSWER)
    return read


def route_of(method: str, path: str) -> str:
    """Return a path without what names one thing: segments with digits are variable."""
    path = path.partition("?")[0]
    parts = [_segment(one) for one in path.split("/")]
    return f"{method} {'/'.join(parts)}".strip()


def _segment(part: str) -> str:
    if _VERSION.fullmatch(part):
        return part
    return VARIABLE if _NUMBERED.search(part) or len(part) > 40 else part  # noqa: PLR2004 - no word is longer


def folded(routes: Iterable[str]) -> dict[str, str]:
    """
    Return for each route the one it belongs to: a place with very many values is variable.

    Names of people or rooms have no digits and are no routes either.
    """
    known = set(routes)
    values: dict[tuple[str, int], set[str]] = defaultdict(set)
    for route in known:
        parts = route.split("/")
        for place, part in enumerate(parts):
            if place:
                values[_around(parts, place), place].add(part)
    found = {}
    for route in known:
        parts = route.split("/")
        found[route] = "/".join(
            VARIABLE if place and len(values[_around(parts, place), place]) > MANY_VALUES else part
            for place, part in enumerate(parts)
        )
    return found


def _around(parts: Sequence[str], place: int) -> str:
    return "/".join(["\0" if at == place else part for at, part in enumerate(parts)])


@dataclass(frozen=True, slots=True)
class Shares:
    """How the bad requests are spread over one trait of theirs, against all requests."""

    trait: str
    bad: Counter[str]
    every: Counter[str]

    @property
    def top(self) -> str:
        """The value with the most bad requests; "" where none is known."""
        return self.bad.most_common(1)[0][0] if self.bad else ""

    def rate(self, value: str) -> float:
        """Return the share of the requests of this value that were bad."""
        return self.bad[value] / self.every[value] if self.every[value] else 0.0

    @property
    def hit(self) -> int:
        """How many values have bad requests."""
        return len(self.bad)


def shares(trait: str, bad: Iterable[Request], every: Iterable[Request]) -> Shares:
    """Count bad and all requests by a trait; those that do not tell it are left out."""
    return Shares(trait, _counted(trait, bad), _counted(trait, every))


def _counted(trait: str, requests: Iterable[Request]) -> Counter[str]:
    return Counter(value for one in requests if (value := str(getattr(one, trait))))
