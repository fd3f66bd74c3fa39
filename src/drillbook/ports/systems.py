"""The systems of one environment, each where the stack names it: for whoever looks at all."""

from typing import Protocol, TypeVar

T = TypeVar("T")


class Systems(Protocol):
    """Gives what an environment has, and says so where it has it not."""

    @property
    def environment(self) -> str:
        """The environment's name."""
        ...

    def find(self, port: type[T]) -> T | None:
        """Return the provider of a port; None where the stack names no system for it."""
        ...
