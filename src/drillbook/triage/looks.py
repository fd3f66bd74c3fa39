"""Parts looked at side by side: what each answered, how long it took, and what is unknown."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import TypeVar

from drillbook.core.effect import deadline
from drillbook.core.errors import DrillbookError
from drillbook.core.incident import PartState
from drillbook.core.secret import scrub_foreign
from drillbook.core.side_by_side import side_by_side

T = TypeVar("T")
# What took nearly all of its time did not fail: it was late.
LATE = 0.9
Look = Callable[[], object]


class NotNamed(LookupError):
    """The stack names no such system: nothing is asked, and nothing about it is unknown."""


@dataclass
class Looks:
    """What the parts answered; each is asked for by its type, None where it did not answer."""

    answers: dict[str, object] = field(default_factory=dict[str, object])
    parts: list[PartState] = field(default_factory=list[PartState])
    unknown: dict[str, str] = field(default_factory=dict[str, str])
    answered_at: dict[str, float] = field(default_factory=dict[str, float], repr=False)
    late: set[str] = field(default_factory=set[str])

    def look(
        self, looks: Mapping[str, Look], seconds: float, earlier: "Looks | None" = None
    ) -> None:
        """
        Carry the looks out side by side.

        Of one that comes too late the `earlier` answer stays; one that fails is unknown.
        """
        allowed = deadline.get().left(at_most=seconds)
        taken: dict[str, float] = {}
        timed = {name: _timed(name, look, taken) for name, look in looks.items()}
        for name, answer in side_by_side(timed, at_most_seconds=seconds).items():
            if isinstance(answer, NotNamed):
                continue
            took = round(taken.get(name, seconds), 3)
            if isinstance(answer, Exception):
                said = _said(answer)
                is_late = taken.get(name, allowed) >= LATE * allowed
                if is_late and earlier is not None and self._keep(name, earlier, took, said):
                    continue
                self.unknown[name] = said
                if is_late:
                    self.late.add(name)
                self.parts.append(PartState(name=name, answered=False, seconds=took, says=said))
            else:
                self.answers[name], self.answered_at[name] = answer, monotonic()
                self.parts.append(PartState(name=name, answered=True, seconds=took))

    def _keep(self, name: str, earlier: "Looks", took: float, why: str) -> bool:
        if name not in earlier.answers:
            return False
        at = earlier.answered_at[name]
        self.answers[name], self.answered_at[name] = earlier.answers[name], at
        age = monotonic() - at
        said = f"{age:.0f} s old, for this time {why}"
        self.parts.append(PartState(name=name, answered=True, seconds=took, says=said))
        return True

    def but(self, names: Collection[str]) -> "Looks":
        """Return what all other parts answered, for these to be asked again."""
        return Looks(
            {name: answer for name, answer in self.answers.items() if name not in names},
            [part for part in self.parts if part.name not in names],
            {name: why for name, why in self.unknown.items() if name not in names},
            {name: at for name, at in self.answered_at.items() if name not in names},
            {name for name in self.late if name not in names},
        )

    def get(self, name: str, kind: type[T]) -> T | None:
        """Return the answer of a part."""
        found = self.answers.get(name)
        return found if isinstance(found, kind) else None

    def has(self, name: str) -> bool:
        """Whether a part answered."""
        return name in self.answers and self.answers[name] is not None

    def several(self, name: str, kind: type[T]) -> tuple[T, ...]:
        """Return a part's answer of several things; () where it did not answer."""
        found = self.answers.get(name)
        if not isinstance(found, tuple):
            return ()
        return tuple(one for one in found if isinstance(one, kind))

    def texts(self, name: str) -> dict[str, str]:
        """Return a part's answer of texts by name; {} where it did not answer."""
        found = self.answers.get(name)
        return (
            {str(key): str(text) for key, text in found.items()} if isinstance(found, dict) else {}
        )


def _timed(name: str, look: Look, taken: dict[str, float]) -> Look:
    def timed() -> object:
        begun = monotonic()
        try:
            return look()
        finally:
            taken[name] = monotonic() - begun

    return timed


def _said(error: Exception) -> str:
    if isinstance(error, DrillbookError):
        return scrub_foreign(str(error))
    # A part of ours that fails in an unforeseen way must not hide the others; it is named.
    return scrub_foreign(f"{type(error).__name__}: {error}")
