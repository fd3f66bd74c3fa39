"""What counters and gauges say over time: requests and errors, and values the team has named."""

from datetime import datetime, timedelta
from typing import Protocol

from drillbook.core.model import Frozen


class MetricCount(Frozen):
    """What came in one interval that ends at `at`."""

    at: datetime
    requests: float
    errors: float


class MetricCounts(Frozen):
    """
    Requests and errors of a time, interval by interval, the earliest first.

    An interval without samples is missing here: nothing is known of it, which is not 0. `silent`
    when the newest samples are older than `stale_after` before the end; `newest` None: there are
    none at all.
    """

    counts: tuple[MetricCount, ...]
    newest: datetime | None
    silent: bool
    says: str

    @property
    def requests(self) -> float:
        """All requests of the intervals known."""
        return sum(one.requests for one in self.counts)

    @property
    def errors(self) -> float:
        """All errors of the intervals known."""
        return sum(one.errors for one in self.counts)


class MetricPoint(Frozen):
    """One value at one time."""

    at: datetime
    value: float


class Metrics(Protocol):
    """Reads the metrics of an environment."""

    @property
    def names(self) -> tuple[str, ...]:
        """The values the stack names."""
        ...

    def counts(self, start: datetime, end: datetime, step: timedelta) -> MetricCounts:
        """Count requests and errors from `start` to `end`, an interval each step."""
        ...

    def values(
        self, name: str, start: datetime, end: datetime, step: timedelta
    ) -> tuple[MetricPoint, ...]:
        """Return a named value over a time; nothing where it had no samples."""
        ...
