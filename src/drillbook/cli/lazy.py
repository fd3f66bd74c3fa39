"""A group of commands that imports a command's module only when that command is called."""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer.core
import typer.main
from typing_extensions import override

from drillbook.cli.table import COMMANDS

if TYPE_CHECKING:
    from typer._click.core import Command, Context
    from typer._click.formatting import HelpFormatter
    from typer._click.shell_completion import CompletionItem


class Modules(MutableMapping[str, "Command"]):
    """The commands of the table, each imported at its first use."""

    def __init__(self) -> None:
        self._loaded: dict[str, Command] = {}

    @override
    def __getitem__(self, name: str) -> "Command":
        if name not in self._loaded:
            module = import_module(f"drillbook.cli.{COMMANDS[name].module}")
            command = typer.main.get_command(getattr(module, f"{name}_app", None) or module.app)
            command.name = name
            self._loaded[name] = command
        return self._loaded[name]

    @override
    def __setitem__(self, name: str, command: "Command") -> None:
        self._loaded[name] = command

    @override
    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    @override
    def __len__(self) -> int:
        return len(COMMANDS)

    @override
    def __contains__(self, name: object) -> bool:
        return name in COMMANDS


class PipeClosedError(Exception):
    """Nobody reads the output any more; Typer would end with 1, which says `check` found errors."""


class LazyGroup(typer.core.TyperGroup):
    """Lists the table's commands in their sections without importing any of them."""

    def __init__(self, **settings: Any) -> None:  # Any: what Typer passes on to its own group
        super().__init__(**settings)
        self.commands = Modules()

    @override
    def invoke(self, ctx: "Context") -> Any:  # Any: what a command returns
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise PipeClosedError from error

    @override
    def list_commands(self, ctx: "Context") -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    @override
    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write each section with its commands."""
        for section in dict.fromkeys(row.section for row in COMMANDS.values()):
            with formatter.section(section):
                formatter.write_dl(
                    [(name, row.says) for name, row in COMMANDS.items() if row.section == section]
                )

    @override
    def shell_complete(self, ctx: "Context", incomplete: str) -> list["CompletionItem"]:
        """Complete names from the table, options as ever."""
        from typer._click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=row.says)
            for name, row in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        options = super(typer.core.TyperGroup, self).shell_complete(ctx, incomplete)
        return [*names, *options]
