"""Set a value that the app is given, by its name: what it holds is never handed about."""

from datetime import datetime
from typing import Protocol

from drillbook.core.model import Frozen


class ValueState(Frozen):
    """
    One value as the hosting has it for this environment, without what it holds.

    `mark` is whose task has set it last, "" for anybody else; `as_wanted` whether it holds what the
    stack wants, None where the hosting does not reveal it; `shared_with` names other targets that
    are given the same record.
    """

    name: str
    exists: bool
    id: str = ""
    kind: str = ""
    changed: datetime | None = None
    mark: str = ""
    reveals: bool = True
    as_wanted: bool | None = None
    shared_with: tuple[str, ...] = ()


class AppValues(Protocol):
    """
    Values that a new build will be given; the running one keeps what it has.

    Errors: SettingsInvalid for a name the stack does not list, Refused with the hosting's words,
    OutcomeUnknown when a write's answer was lost.
    """

    def look(self, name: str) -> ValueState:
        """Return how a value is."""
        ...

    def keep(self, name: str, mark: str) -> bool:
        """Keep what it holds where only we can read it; False when the hosting does not tell."""
        ...

    def set(self, name: str, mark: str) -> None:
        """Let it hold what the stack wants."""
        ...

    def put_back(self, name: str, mark: str) -> None:
        """Let it hold what was kept, and forget that; NotFound when nothing is kept any more."""
        ...

    def remove(self, name: str, mark: str) -> None:
        """Remove what a task has added, and nothing else."""
        ...


class Switchboard(Protocol):
    """What the app depends on, and the values that switch it off."""

    def variable(self, dependency: str) -> str:
        """Return the name of the value that switches it off; SettingsInvalid without one."""
        ...

    def values(self) -> AppValues:
        """Return these values; what the stack wants of each is that it says off."""
        ...
