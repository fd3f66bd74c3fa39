"""The commands of stack.toml, with a record of how each start ended."""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path

from drillbook.core.effect import deadline
from drillbook.core.errors import (
    Damaged,
    Failed,
    NotFound,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from drillbook.core.secret import scrub
from drillbook.ports.commands import Command, Commands, Ending, Finished
from drillbook.ports.team_commands import NamedCommand
from drillbook.stack.address import reference
from drillbook.stack.sections import CommandSection


@dataclass(frozen=True, slots=True)
class RecordedCommands:
    """
    The `TeamCommands` port: two files for each effect say that it was started and how it ended.

    Workers that share a store must share the records' folder, or each knows only its own starts.
    """

    environment: str
    sections: Mapping[str, CommandSection]
    folder: Path
    records: Path
    commands: Commands

    def run(self, command: NamedCommand) -> Finished:
        """Run the command to its end and keep how it ended."""
        section = self._section(command.name)
        order = Command(
            argv=section.argv,
            effect_key=command.effect_key,
            env=self._variables(section, command),
            folder=self.folder,
            timeout_seconds=deadline.get().left(at_most=section.timeout.total_seconds()),
        )
        try:
            finished = self.commands.run(
                order,
                on_output=lambda _, line: command.on_line(line),
                # Called under the effect's lock: nobody else starts it meanwhile.
                before_start=lambda: self._note_start(command),
            )
        except (NotFound, Refused, Failed):
            self._start_file(command).unlink(missing_ok=True)  # it never began
            raise
        _write(self._end_file(command), json.dumps(asdict(finished)))
        return finished

    def ended(self, command: NamedCommand) -> Finished | None:
        """Return how this effect's command ended; None when it may be started."""
        section = self._section(command.name)
        with suppress(FileNotFoundError):
            return _finished(self._end_file(command))
        if section.idempotent or not self._start_file(command).exists():
            return None
        raise OutcomeUnknown(
            f"the command {command.name} was started and nobody knows how it ended",
            hint="Look at what it was to change. If it may be run twice, say so in stack.toml: "
            "idempotent = true",
        )

    def _section(self, name: str) -> CommandSection:
        section = self.sections.get(name)
        if section is None:
            near = get_close_matches(name, self.sections, n=1)
            guess = f"Did you mean {near[0]}? " if near else ""
            known = ", ".join(self.sections) or "none"
            raise NotFound(
                f"stack.toml has no command {name!r}",
                hint=f"{guess}There are: {known}. Add one as [commands.{name}] with argv = [...]",
            )
        return section

    def _variables(self, section: CommandSection, command: NamedCommand) -> dict[str, str]:
        secrets = {
            name: reference(secret.ref, self.folder).reveal()
            for name, secret in section.environment.items()
        }
        ours = {"DRILLBOOK_ENVIRONMENT": self.environment, **command.values}
        return secrets | ours

    def _note_start(self, command: NamedCommand) -> None:
        before = self.ended(command)
        if before is not None and before.succeeded:
            raise Unavailable(
                f"another worker has just carried out the command {command.name}",
                hint="Trying again finds how it ended.",
            )
        with suppress(FileNotFoundError):
            self._end_file(command).unlink()
        _write(self._start_file(command), json.dumps({"name": command.name}))

    def _start_file(self, command: NamedCommand) -> Path:
        return self._file(command, "started")

    def _end_file(self, command: NamedCommand) -> Path:
        return self._file(command, "ended")

    def _file(self, command: NamedCommand, what: str) -> Path:
        key = hashlib.sha256(f"{command.effect_key}\n{command.name}".encode()).hexdigest()[:32]
        return self.records / f"{key}.{what}.json"


def _finished(path: Path) -> Finished:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Finished(**{**kept, "ending": Ending(kept["ending"])})
    except (ValueError, TypeError, KeyError) as error:
        raise Damaged(
            f"the record of a command at {path} cannot be read", hint="Look what the command did."
        ) from error


def _write(path: Path, text: str) -> None:
    """Write a file so that after a crash it is whole or not there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(f".{os.getpid()}.draft")
        with draft.open("w", encoding="utf-8") as file:
            file.write(scrub(text))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        for left in path.parent.glob(f"{path.stem}.*.draft"):  # by a worker killed right here
            left.unlink(missing_ok=True)
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise Refused(
            f"the record of a command cannot be written to {path.parent}: {error.strerror}",
            hint="Free some space, or make the folder writable.",
        ) from error
