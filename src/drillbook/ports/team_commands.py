"""The team's own programs, started by the name that stack.toml gives them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from drillbook.ports.commands import Finished


@dataclass(frozen=True, slots=True)
class NamedCommand:
    """One start of a named command; `values` reach it as environment variables only."""

    name: str
    effect_key: str
    values: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    on_line: Callable[[str], None] = lambda _: None


class TeamCommands(Protocol):
    """Runs named commands and remembers how each of them ended."""

    def run(self, command: NamedCommand) -> Finished:
        """Run it to its end, and keep how it ended; NotFound when no command has that name."""
        ...

    def ended(self, command: NamedCommand) -> Finished | None:
        """
        Return how this effect's command ended; None when it may be started (again).

        OutcomeUnknown when it was started, nobody knows how it ended, and it is not idempotent.
        """
        ...
