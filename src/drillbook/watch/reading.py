"""Reads the logs of an environment as they grow: what is new, and a little of what was."""

from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from drillbook.analysis.sequential.bursts import BLOCK_SECONDS
from drillbook.core.errors import DrillbookError
from drillbook.ports.logs import Logs, LogSpan
from drillbook.watch.buckets import Buckets, block_of

if TYPE_CHECKING:
    from drillbook.core.incident import SourceState

FIRST_READ = timedelta(minutes=75)
LATE = timedelta(seconds=10)  # lines of a platform arrive late, and those of workers out of order
LATER = timedelta(minutes=2)
LATER_EVERY = timedelta(seconds=30)


class Reader:
    """One environment's logs, read again and again; what they cannot say stands in `problem`."""

    def __init__(self, logs: Logs, health_path: str) -> None:
        self._logs = logs
        self.buckets = Buckets(health_path)
        self.lock = Lock()  # held while what was read is taken in, or looked at
        self.sources: tuple[SourceState, ...] = ()
        self.problem = "the log has not been read yet"
        self.read_at: datetime | None = None
        self._wide_at: datetime | None = None
        self._spoke: dict[str, datetime] = {}

    def read(self, now: datetime) -> None:
        """Read on; a log that cannot be read is unknown from then on, and not empty."""
        begin = block_of(self._from(now))
        try:
            span = self._logs.between(datetime.fromtimestamp(begin * BLOCK_SECONDS, UTC), now)
        except DrillbookError as error:
            self.problem = f"the log cannot be read: {error}"
            return
        with self.lock:
            self.problem = ""
            self._take(span, begin, now)

    def _from(self, now: datetime) -> datetime:
        if self.read_at is None or self._wide_at is None or self.read_at > now:
            self._wide_at = None  # the first time, or the clock was set back
            return now - FIRST_READ
        if now - self._wide_at >= LATER_EVERY:
            return self.read_at - LATER
        return self.read_at - LATE

    def _take(self, span: LogSpan, begin: int, now: datetime) -> None:
        if self._wide_at is None or now - self._wide_at >= LATER_EVERY:
            self._wide_at = now
            self.sources = span.sources
        self.buckets.put(span.lines, begin)
        for line in span.lines:
            self._spoke[line.source] = max(line.at, self._spoke.get(line.source, line.at))
        self.read_at = now

    @property
    def newest(self) -> datetime | None:
        """When the newest line of any source was written, as far as was read."""
        return max(self._spoke.values(), default=None)

    @property
    def spoke(self) -> dict[str, datetime]:
        """When each source wrote last."""
        return dict(self._spoke)
