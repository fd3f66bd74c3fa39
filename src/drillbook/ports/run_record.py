"""What the journal holds of one run, and the book it was planned from."""

from dataclasses import dataclass
from typing import Protocol

from drillbook.core.plan import Plan
from drillbook.core.record import RecordEntry


@dataclass(frozen=True, slots=True)
class RunRecord:
    """
    One run: its plan, its entries in order, and its book's text where that is still the same.

    `book_path` is the book's path from the root of its repository; of a shipped book, where the
    team's own copy of it would lie. Where `book_text` is None, `book_says` tells why. `roles` are
    those of the stack.
    """

    run: str
    plan: Plan
    entries: tuple[RecordEntry, ...]
    book_path: str = ""
    book_text: str | None = None
    book_says: str = ""
    book_is_shipped: bool = False
    roles: tuple[str, ...] = ()


class RunRecords(Protocol):
    """Reads the record of runs; of one under way, all that is written so far."""

    def read(self, run: str) -> RunRecord:
        """Return a run's record; NotFound when the journal has no such run."""
        ...

    def findings(self, name: str, text: str) -> tuple[str, ...]:
        """Return what `drillbook check` has to say of a book's text, without its lines."""
        ...
