"""What the platforms' own status pages say: late as a rule, and often "all operational"."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from drillbook.core.model import Frozen


class Standing(StrEnum):
    """How a platform says it is, best first."""

    OPERATIONAL = "operational"
    MAINTENANCE = "under maintenance"
    DEGRADED = "degraded"
    PARTIAL = "partial outage"
    MAJOR = "major outage"

    @property
    def rank(self) -> int:
        """The order of badness: 0 is well."""
        return list(Standing).index(self)


class Component(Frozen):
    """One part of a platform, by the word of its page."""

    name: str
    standing: Standing
    since: datetime | None


class Notice(Frozen):
    """
    An incident or a maintenance that was posted.

    `started` is when it began by the page's word, `posted` when that was written there: later,
    and the difference is how late the page was. `ended` None: not resolved.
    """

    page: str
    id: str
    name: str
    standing: Standing
    stage: str
    started: datetime
    posted: datetime
    updated: datetime
    ended: datetime | None
    planned: bool
    components: tuple[str, ...]
    says: str
    link: str = ""


class StatusPage(Frozen):
    """What one page says; unanswered means unknown, and then `problem` says why."""

    name: str
    address: str
    answered: bool
    problem: str
    standing: Standing | None
    says: str
    components: tuple[Component, ...]
    notices: tuple[Notice, ...]
    seconds: float

    @property
    def troubled(self) -> tuple[Component, ...]:
        """The components that are not well, by the page's word."""
        return tuple(one for one in self.components if one.standing.rank > 0)


class Posted(Frozen):
    """What was posted on the pages that answered; what stood on the others is not known."""

    notices: tuple[Notice, ...]
    unanswered: tuple[str, ...]


class StatusPages(Protocol):
    """Reads the status pages that matter to an environment."""

    def pages(self) -> tuple[StatusPage, ...]:
        """Return what each page says now, asked side by side; notices are the open ones."""
        ...

    def posted(self, since: datetime) -> Posted:
        """Return all that was open since then, the earliest first, what has ended included."""
        ...
