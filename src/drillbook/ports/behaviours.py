"""How a database behaves when it is used: tried, and taken back at once."""

from typing import Protocol

from drillbook.core.behaviour import Behaviour, Behaviours, Broken, Compared, Subject

__all__ = ["Behaves", "Behaviour", "Behaviours", "Broken", "Compared", "Subject"]


class Behaves(Protocol):
    """Try what an app does, in transactions that are rolled back."""

    def observe(
        self, tables: tuple[str, ...] = (), *, like: Behaviours | None = None
    ) -> Behaviours:
        """
        Try reads, writes and calls as every role; without tables, on all of them.

        `like` is an earlier observation: the same operations are tried again.
        """
        ...
