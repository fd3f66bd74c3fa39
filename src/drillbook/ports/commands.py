"""Commands of the operating system: one at a time for an effect, and nothing left behind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class Stream(StrEnum):
    """Where a line of output came from."""

    OUTPUT = "output"
    ERRORS = "errors"


class Ending(StrEnum):
    """How a command came to its end."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    TIMED_OUT = "timed-out"


@dataclass(frozen=True, slots=True)
class Command:
    """
    A program to run; secret values go into `env` or `stdin` only, for both are never shown.

    `env` is added to the few harmless variables a program needs (PATH, HOME, the language).
    """

    argv: tuple[str, ...]
    effect_key: str
    env: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    stdin: bytes = field(default=b"", repr=False)
    folder: Path | None = None
    timeout_seconds: float = 900.0


@dataclass(frozen=True, slots=True)
class Finished:
    """
    A command that ended; exit codes below 0 name the signal that ended it.

    The tails hold the end of what it wrote, secrets scrubbed.
    """

    ending: Ending
    exit_code: int
    output_tail: str
    error_tail: str
    seconds: float

    @property
    def succeeded(self) -> bool:
        """Tell whether the command ended by itself with exit code 0."""
        return self.ending is Ending.EXITED and self.exit_code == 0


OnOutput = Callable[[Stream, str], None]


class Commands(Protocol):
    """Runs commands so that they end with whoever wanted them."""

    def run(
        self,
        command: Command,
        *,
        on_output: OnOutput | None = None,
        before_start: Callable[[], None] | None = None,
    ) -> Finished:
        """
        Run a command to its end and to the end of everything it started.

        A command of the same effect that an earlier worker left behind is ended first.
        `before_start` is called when that is so; what it raises stops the start.
        Errors: NotFound and Refused when it cannot start, OutcomeUnknown when it was cut off.
        """
        ...
