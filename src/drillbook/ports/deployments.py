"""Deployments of an app's hosting: what was built, what serves, and switching between builds."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from drillbook.core.model import Frozen


class Stage(StrEnum):
    """How far a build has come; READY says that it was built, not that it serves."""

    QUEUED = "queued"
    BUILDING = "building"
    READY = "ready"
    ERROR = "error"
    CANCELED = "canceled"
    GONE = "gone"

    @property
    def ended(self) -> bool:
        """Whether the build will not change any more."""
        return self not in {Stage.QUEUED, Stage.BUILDING}


class Cron(Frozen):
    """A path the platform calls by a schedule."""

    path: str
    schedule: str


class Deployment(Frozen):
    """
    One build of one commit.

    `effect` is the mark that a redeploy of ours has left on it, `of` the build it was made again
    from. `has_served`: whether users were ever given it; None where nobody knows. `crons` is what
    the platform calls while it serves; None in lists, where the platform does not say.
    """

    id: str
    url: str
    commit: str
    branch: str
    message: str
    created: datetime
    stage: Stage
    error: str = ""
    by: str = ""
    effect: str = ""
    of: str = ""
    has_served: bool | None = None
    crons: tuple[Cron, ...] | None = None


class SwitchKind(StrEnum):
    """How the platform was asked to let another build serve."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"


class SwitchStage(StrEnum):
    """How far a switch has come."""

    PENDING = "pending"
    IN_PROGRESS = "in progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"

    @property
    def ended(self) -> bool:
        """Whether the platform has done with it."""
        return self in {SwitchStage.SUCCEEDED, SwitchStage.FAILED, SwitchStage.SKIPPED}


class Switching(Frozen):
    """The latest switch the platform was asked for, by whomever."""

    kind: SwitchKind
    to: str
    from_: str
    stage: SwitchStage
    at: datetime


class Hosting(Frozen):
    """
    What the platform says of the app now.

    `serving` is what the users' address really points at, not the latest build. `automatic`: a
    new build of the branch is given the users by itself. `rolled_back_from`: builds that a
    rollback has left, newest first, as far as the platform tells.
    """

    serving: Deployment | None
    automatic: bool
    switching: Switching | None = None
    crons: tuple[Cron, ...] = ()
    crons_of: str = ""
    rolled_back_from: tuple[str, ...] = ()


class EnvironmentValue(Frozen):
    """The name of a value the app is given, and never the value."""

    key: str
    kind: str
    targets: tuple[str, ...]
    created: datetime
    changed: datetime


class Deployments(Protocol):
    """Read what was built and what serves."""

    def hosting(self) -> Hosting:
        """Return what serves now; errors: Unavailable, Refused without the right to look."""
        ...

    def recent(self, at_most: int) -> tuple[Deployment, ...]:
        """Return the latest builds for this environment, newest first."""
        ...

    def find(self, deployment: str) -> Deployment:
        """Return a build by its id or URL; NotFound when the platform has it no more."""
        ...

    def of_commit(self, commit: str) -> tuple[Deployment, ...]:
        """Return the builds of exactly this commit for this environment, newest first."""
        ...

    def build_log(self, deployment: str) -> tuple[str, ...]:
        """Return the lines of the build's log, oldest first."""
        ...


class Switches(Protocol):
    """
    Let another build serve.

    Each asks once and does not wait for the end: `Deployments.hosting` tells it. Errors: Refused
    with the platform's words, Unavailable when surely nothing was asked for, OutcomeUnknown when
    the answer was lost: look before another try.
    """

    def promote(self, deployment: str, effect: str) -> None:
        """Give a build the users, and with it the automatic assignment again."""
        ...

    def roll_back(self, deployment: str, effect: str, because: str) -> None:
        """Give an earlier build the users; the platform turns automatic assignment off."""
        ...

    def set_automatic(self, on: bool, effect: str) -> None:
        """Turn automatic assignment on or off; setting it twice is setting it once."""
        ...

    def redeploy(self, deployment: str, effect: str) -> Deployment:
        """Build the same commit again, marked with `effect`."""
        ...

    def cancel(self, deployment: str) -> None:
        """Stop a build that has not ended; one that has ended is left as it is."""
        ...


class EnvironmentValues(Protocol):
    """Read the names of the values the app is given."""

    def values(self) -> tuple[EnvironmentValue, ...]:
        """Return what a new build for this environment would be given."""
        ...

    def of_build(self, deployment: str) -> tuple[str, ...]:
        """Return the names of the values that a build was given; sorted."""
        ...
