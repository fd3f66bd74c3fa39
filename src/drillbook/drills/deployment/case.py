"""One case of the drill: what is proposed, what goes wrong, and what would be right to do."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from drillbook.drills.deployment.ground import Ground
from drillbook.engine.outcome import State

Act = Callable[[Ground], None]
BEGINNING = ""
STAGING, PRODUCTION = "staging", "production"
NOTHING_MERGED: tuple[str, ...] = ()
ON_STAGING = (STAGING,)
SHIPPED = (STAGING, PRODUCTION)
ONCE_BACK = ("rollback",)
FEW_REQUESTS = 40
# Before anything was written a run is refused at its gate, or taken back with nothing to do.
UNTOUCHED = frozenset({State.REFUSED, State.TAKEN_BACK})


class Harm(StrEnum):
    """What a bad release does to users, as they would say it; the clients' record tells."""

    NONE = "none"
    FAILS = "requests fail"
    SLOW = "answers are slow"


class Serves(StrEnum):
    """Which release is to serve at the end."""

    GOOD = "the release from before"
    NEW = "the new release"


@dataclass(frozen=True, slots=True)
class Right:
    """
    What is right in a case; whatever else the run does to the world is a wrong action.

    `merged` are the environments whose branch gets the change, `switches` what the hosting is asked
    for, `noticed_by` the actions one of which must be the first to object.
    """

    merged: tuple[str, ...]
    serves: Serves
    ends: frozenset[State]
    noticed_by: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()
    harm: Harm = Harm.NONE
    automatic: bool = True

    @property
    def reminders(self) -> int:
        """How many tasks are to be left behind: one for each time assignment was switched off."""
        return self.switches.count("rollback")


@dataclass(frozen=True, slots=True)
class Meddling:
    """Something that happens during the run, at the first entry of its record that begins so."""

    at: str
    act: Act


@dataclass(frozen=True, slots=True)
class Case:
    """One deployment of the drill."""

    name: str
    says: str
    change: str
    right: Right
    traffic: str = "steady"
    reviewed: bool = True
    warm_requests: int = 400
    before: tuple[Act, ...] = ()
    during: tuple[Meddling, ...] = ()

    @property
    def wanted_requests(self) -> int:
        """How many requests must have come before: what is never watched needs few."""
        few = self.right.merged != SHIPPED
        return min(self.warm_requests, FEW_REQUESTS) if few else self.warm_requests

    @property
    def healthy(self) -> bool:
        """Whether the release is to be shipped and left where it is."""
        return self.right.serves is Serves.NEW


def shipped() -> Right:
    """Return what is right with a healthy release."""
    return Right(SHIPPED, Serves.NEW, frozenset({State.DONE}))


def refused(*by: str, merged: tuple[str, ...] = NOTHING_MERGED) -> Right:
    """Return what is right with a release that must not reach production."""
    ends = {State.PARTLY_TAKEN_BACK} if merged else UNTOUCHED
    return Right(merged, Serves.GOOD, frozenset(ends), noticed_by=by)


def taken_back(harm: Harm, *by: str) -> Right:
    """Return what is right with a release that harms users: back to the one before, once."""
    return Right(
        SHIPPED,
        Serves.GOOD,
        frozenset({State.PARTLY_TAKEN_BACK}),
        noticed_by=by,
        switches=ONCE_BACK,
        harm=harm,
        automatic=False,
    )
