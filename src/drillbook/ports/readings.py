"""Questions to a database in SQL, answered in a transaction that can write nothing."""

from dataclasses import dataclass
from typing import Protocol

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a query returned; `cut` when there were more rows than asked for."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    seconds: float
    cut: bool = False


class Readings(Protocol):
    """Reads a database."""

    def read(self, query: str, *, at_most_rows: int, timeout_seconds: float) -> Reading:
        """Carry out one query; Refused when it would write, Failed when it is wrong."""
        ...
