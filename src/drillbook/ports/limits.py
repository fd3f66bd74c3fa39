"""The counts of a rate limiter: how the store that holds them is, and those that never end."""

from typing import Protocol

from drillbook.core.model import Frozen


class LimitsSeen(Frozen):
    """
    What a look at the store showed.

    `endless` counts have no end: they lock their owners out for ever. `kinds` says what is counted,
    without whom: the names with all that differs between owners taken out. `hangs` is a store that
    takes connections and answers nobody; `problem` is why it could not be asked.
    """

    prefix: str
    reachable: bool
    hangs: bool = False
    problem: str = ""
    milliseconds: float = 0.0
    counts: int = 0
    endless: int = 0
    highest: int = 0
    kinds: tuple[str, ...] = ()
    set_aside: int = 0


class Limits(Protocol):
    """
    Look at the counts below a prefix, and set those without an end aside.

    `mark` names whose they are that were set aside. Errors: Refused for a prefix that is not the
    limiter's, Unavailable when the store does not answer.
    """

    def look(self, prefix: str, mark: str = "") -> LimitsSeen:
        """Return how the store and the counts below the prefix are; never Unavailable."""
        ...

    def set_aside(self, prefix: str, mark: str) -> int:
        """Rename the counts without an end, so that nobody counts on; return how many are aside."""
        ...

    def put_back(self, prefix: str, mark: str) -> int:
        """Give those that were set aside their names back; return how many."""
        ...
