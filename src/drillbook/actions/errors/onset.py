"""Since when it is worse: the moment, with the interval that holds it."""

from datetime import UTC, datetime, timedelta

from drillbook.actions.errors.subject import domain
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration
from drillbook.core.waiting import check_watch
from drillbook.ports.logs import Logs
from drillbook.ports.probe import Probe
from drillbook.triage.feeling import feel

THIRTY_MINUTES = parse_duration("30m")


class Onset(Frozen):
    """
    When users' requests became worse and still are; `found` False where they did not.

    `known` False: the log could not be read.
    The interval holds the moment with 95 %. Rates are shares of users' requests, None where no
    request was seen. `since_before`: it may have begun before the window: read a longer one.
    """

    found: bool
    known: bool
    feels: str
    at: datetime | None
    earliest: datetime | None
    latest: datetime | None
    before_bad: int
    before_requests: int
    after_bad: int
    after_requests: int
    before_rate: float | None
    after_rate: float | None
    since_before: bool
    silent: tuple[str, ...]
    says: str


@domain.read
def onset(logs: Logs, probe: Probe, *, window: Duration = THIRTY_MINUTES) -> Onset:
    """Find since when users' requests fail, are refused or are slow more than before."""
    check_watch(window=window)
    feeling = feel(logs, probe, timedelta(seconds=window.total_seconds()))
    trouble = feeling.felt.trouble
    found = trouble.onset if trouble else None
    before, after = (found.before, found.after) if found else (None, None)
    says = feeling.felt.says
    if found is not None:
        at, early, late = (_time(each) for each in (found.at, found.earliest, found.latest))
        says += f", since {at:%H:%M:%S} UTC ({early:%H:%M:%S} to {late:%H:%M:%S})"
    return Onset(
        found=found is not None,
        known=feeling.known,
        feels=", ".join(trouble.kinds) if trouble else "",
        at=_time(found.at) if found else None,
        earliest=_time(found.earliest) if found else None,
        latest=_time(found.latest) if found else None,
        before_bad=before.bad if before else 0,
        before_requests=before.all if before else len(feeling.read.requests),
        after_bad=after.bad if after else 0,
        after_requests=after.all if after else 0,
        before_rate=_rounded(before.share) if before else None,
        after_rate=_rounded(after.share) if after else None,
        since_before=found.since_before if found else False,
        silent=feeling.silent,
        says=says,
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)
