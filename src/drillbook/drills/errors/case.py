"""One case of the drill of errors: what breaks or only looks so, and what would be right to say."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from pydantic import JsonValue

from drillbook.core.incident import CauseKind, FixKind
from drillbook.drills.errors.world import World
from drillbook.range.cloud import Cloud
from drillbook.range.faults.fault import Ground

Act = Callable[[Ground, Random], None]
# What errors.culprit said, as the journal has it.
Said = dict[str, JsonValue]


def nothing(_: Ground, __: Random) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the drill itself knows of a case, by the world before and after it was broken."""

    cloud: Cloud
    before: World
    broken: World
    served: str
    serves: str
    holders: tuple[int, ...] = ()


Check = Callable[[Said, Facts], bool]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A cause that is right to name: of this kind, and about this very thing."""

    kind: CauseKind
    names_it: Check

    def is_named(self, said: Said, facts: Facts) -> bool:
        """Whether this is what was named."""
        return said.get("kind") == self.kind and self.names_it(said, facts)


@dataclass(frozen=True, slots=True)
class Remedy:
    """A fix that is right to propose, aimed at this very thing."""

    kind: FixKind
    aims_right: Check

    def is_proposed(self, said: Said, facts: Facts) -> bool:
        """Whether this is what was proposed."""
        return said.get("fix") == self.kind and self.aims_right(said, facts)


@dataclass(frozen=True, slots=True)
class Case:
    """
    One case. `felt`: users are harmed, so that it must be noticed, explained and mended.

    Where nobody is harmed nothing may be written, and naming no cause is right; `causes` are then
    what may be named all the same. `slow`: the harm is that answers are slow. `act` breaks more,
    `meanwhile` is what users do then, `after` mends what `act` did.
    """

    name: str
    says: str
    felt: bool
    causes: tuple[Accepted, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    fault: str = ""
    act: Act = nothing
    meanwhile: Act = nothing
    after: Act = nothing
    healthy: bool = False
    slow: bool = False
