"""What the app needs of others: asked directly, because the app's own word may be wrong."""

from typing import Protocol

from drillbook.core.model import Frozen


class DependencySeen(Frozen):
    """
    How one dependency answered us, asked several times side by side.

    `statuses` has 0 for each that got no answer in time, and `seconds` the time of each. `alive`
    is whether every one of them came in time and was none of a server's errors; whether that time
    is usual, only the caller can say. `switch` is the value that turns it off, `routes` the paths
    of the app that need it; "" and () where the stack does not say.
    """

    name: str
    address: str
    alive: bool
    asked: int
    failed: int
    statuses: tuple[int, ...]
    seconds: tuple[float, ...]
    median_seconds: float
    problem: str
    says: str
    switch: str = ""
    routes: tuple[str, ...] = ()


class Dependencies(Protocol):
    """Asks what the stack names as dependencies of the app."""

    def seen(self) -> tuple[DependencySeen, ...]:
        """Ask each dependency, all side by side; return what it answered, also when nothing."""
        ...
