"""How a database is right now: who is in it, who waits for whom, what is slow, what is refused."""

from typing import Protocol

from drillbook.core.vitals import (
    Entrance,
    Holder,
    RoleUse,
    Statement,
    TableUse,
    Vitals,
    Waiting,
)

__all__ = [
    "DatabaseVitals",
    "Entrance",
    "Holder",
    "RoleUse",
    "Statement",
    "TableUse",
    "Vitals",
    "Waiting",
]


class DatabaseVitals(Protocol):
    """Looks at a database without changing it."""

    def vitals(self) -> Vitals:
        """Enter, look, and measure for a second; one that cannot be entered is an answer, too."""
        ...
