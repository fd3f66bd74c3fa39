"""What an app's hosting has built and lets serve, as values."""

from datetime import datetime
from enum import StrEnum

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
    the platform calls while it serves; None in lists, where the platform does not say. `assigned`
    is when it was last given the users; None where it never was, or the platform does not say.
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
    assigned: datetime | None = None


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
    rollback has left, newest first, as far as the platform tells. `rolling_to`: a build that has a
    share of the users beside `serving` and is given the others by and by.
    """

    serving: Deployment | None
    automatic: bool
    switching: Switching | None = None
    crons: tuple[Cron, ...] = ()
    crons_of: str = ""
    rolled_back_from: tuple[str, ...] = ()
    rolling_to: str = ""


class EnvironmentValue(Frozen):
    """The name of a value the app is given, and never the value."""

    key: str
    kind: str
    targets: tuple[str, ...]
    created: datetime
    changed: datetime
