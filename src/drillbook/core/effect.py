"""What the engine hands to an action about the task it carries out."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic

from pydantic import JsonValue

from drillbook.core.model import Frozen


class Evidence(Frozen):
    """A file kept with the record, named by its content."""

    sha256: str
    size_bytes: int
    name: str
    media_type: str = "application/octet-stream"


def _no_progress(says: str, fraction: float | None) -> None:
    """Show nothing: nobody watches."""


def _keep_nothing(name: str, data: bytes, media_type: str) -> Evidence:
    raise LookupError(f"nobody keeps evidence here: {name} ({len(data)} bytes, {media_type})")


def _note_nothing(key: str, says: str, data: Mapping[str, JsonValue]) -> None:
    """Note nothing: there is no record."""


def _owner() -> None:
    """Hold no fence: there is only one worker."""


def _nobody_cancels() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Effect:
    """
    One write of one run; `key` is the same for every attempt, so a look finds what was done.

    `note` puts one part of the work into the record: its key within the effect (the same key is
    one entry, the first stays), a sentence, and what was measured. It may stand still until the
    record can be written: never call it while others wait for what the effect holds.
    """

    key: str
    run: str = ""
    task: str = ""
    by: str = ""
    progress: Callable[[str, float | None], None] = _no_progress
    keep: Callable[[str, bytes, str], Evidence] = _keep_nothing
    note: Callable[[str, str, Mapping[str, JsonValue]], None] = _note_nothing
    still_mine: Callable[[], None] = _owner
    cancel_asked: Callable[[], bool] = _nobody_cancels


@dataclass(frozen=True, slots=True)
class Deadline:
    """
    When the task at hand must have ended; providers turn it into time-outs of their calls.

    Counted by a clock that never jumps: one set right meanwhile ends no task and frees none.
    """

    at: datetime | None = None
    _ends: float | None = field(init=False, default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.at is not None:
            seconds = (self.at - datetime.now(UTC)).total_seconds()
            object.__setattr__(self, "_ends", monotonic() + seconds)

    def left(self, *, at_most: float) -> float:
        """Return the seconds a call may take: what is left, at most `at_most`, at least 0.1."""
        if self._ends is None:
            return at_most
        return max(0.1, min(at_most, self._ends - monotonic()))


deadline: ContextVar[Deadline] = ContextVar("deadline", default=Deadline())


@dataclass(frozen=True, slots=True)
class WayBack:
    """How a write is taken back, or why it cannot be; `price` is what going back costs."""

    possible: bool
    says: str
    price: str = ""
