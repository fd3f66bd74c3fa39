"""Look at metrics: requests and errors by their counters, and the values the team has named."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from drillbook.analysis.onset import Level, find_onset, find_onset_of_counts
from drillbook.core.catalog import Domain
from drillbook.core.errors import Refused
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration
from drillbook.ports.metrics import MetricCounts, MetricPoint, Metrics

domain = Domain("metrics")

TEN_MINUTES, FIFTEEN_SECONDS = parse_duration("10m"), parse_duration("15s")
HALF_AN_HOUR = parse_duration("30m")
MOST_EVENTS = 10_000  # of more, each kind is thinned by itself: rare errors all stay
SURE = 0.5
ALMOST = 1e-9


class MetricsCounted(Frozen):
    """
    Requests and errors by counters; `silent` is no "0": nothing was sampled lately.

    `known` is how much of the time asked for was sampled; `rate` None without requests.
    """

    requests: float
    errors: float
    rate: float | None
    silent: bool
    known: Duration
    newest: datetime | None
    says: str


class MetricsOnset(Frozen):
    """
    When errors became more by the counters, and still are; the interval holds it with 95 %.

    The shares are of requests, None where no counter of requests tells any. `silent`: nothing was
    sampled lately, so that nothing is known, also where `found` is False.
    """

    found: bool
    at: datetime | None
    earliest: datetime | None
    latest: datetime | None
    before_rate: float | None
    after_rate: float | None
    silent: bool
    says: str


class MetricSeen(Frozen):
    """A named value now, and over the time before; `value` None when it had no samples."""

    name: str
    value: float | None
    at: datetime | None
    lowest: float | None
    highest: float | None
    points: tuple[MetricPoint, ...]
    says: str


@domain.read
def counts(
    metrics: Metrics, *, since: Duration = TEN_MINUTES, step: Duration = FIFTEEN_SECONDS
) -> MetricsCounted:
    """Count requests and errors by the counters of the metrics, and say where they are silent."""
    end = datetime.now(UTC)
    found = metrics.counts(end - since, end, step)
    known: timedelta = len(found.counts) * step
    requests, errors = found.requests, found.errors
    rate = round(errors / requests, 6) if requests else None
    said = (
        f"{errors:g} of {requests:g} requests failed in {known.total_seconds():g} s; {found.says}"
    )
    return MetricsCounted(
        requests=requests,
        errors=errors,
        rate=rate,
        silent=found.silent,
        known=known,
        newest=found.newest,
        says=f"silent, which is not 0 errors: {found.says}" if found.silent else said,
    )


@domain.read
def onset(
    metrics: Metrics, *, since: Duration = HALF_AN_HOUR, step: Duration = FIFTEEN_SECONDS
) -> MetricsOnset:
    """
    Find since when errors are more than before, by counters alone: an app without logs has them.

    Errors are held against requests; where no request is counted, against their own rate before.
    """
    end = datetime.now(UTC)
    found = metrics.counts(end - since, end, step)
    bad_part, good_part = _part(found.errors), _part(found.requests - found.errors)
    events = list(_events(found, step, bad_part, good_part))
    begin, now = (end - since).timestamp(), end.timestamp()
    if found.requests:
        times, bad = [at for at, _ in events], [is_bad for _, is_bad in events]
        began = find_onset(times, bad, now, start=begin)
    else:
        began = find_onset_of_counts([at for at, is_bad in events if is_bad], now, start=begin)
    if found.silent or began is None or began.probability < SURE:
        told = f"silent, which is not 0 errors: {found.says}" if found.silent else (
            f"errors are no more than before: {found.errors:g} of {found.requests:g} requests"
        )  # fmt: skip
        return MetricsOnset(
            found=False, at=None, earliest=None, latest=None, before_rate=None, after_rate=None,
            silent=found.silent, says=told,
        )  # fmt: skip
    # Within one step nobody knows when its requests came.
    at, early, late = (
        datetime.fromtimestamp(seconds, UTC) for seconds in (began.at, began.earliest, began.latest)
    )
    early, late = max(early - step, end - since), min(late + step, end)
    return MetricsOnset(
        found=True,
        at=at,
        earliest=early,
        latest=late,
        before_rate=_rate(began.before, bad_part, good_part),
        after_rate=_rate(began.after, bad_part, good_part),
        silent=False,
        says=f"errors are more since {at:%H:%M:%S} UTC ({early:%H:%M:%S} to {late:%H:%M:%S})",
    )


def _part(count: float) -> float:
    return min(1.0, MOST_EVENTS / count) if count > 0 else 1.0


def _rate(level: Level, bad_part: float, good_part: float) -> float | None:
    bad, good = level.bad / bad_part, (level.all - level.bad) / good_part
    return round(bad / (bad + good), 6) if level.all else None


def _events(
    found: MetricCounts, step: timedelta, bad_part: float, good_part: float
) -> Iterator[tuple[float, bool]]:
    """Yield the requests of each interval, evenly within it, and which of them are errors."""
    length, owed_good, owed_bad = step.total_seconds(), 0.0, 0.0
    for one in found.counts:
        # What is left of a request counts with the next interval: nothing is lost by rounding.
        owed_good += good_part * max(0.0, one.requests - one.errors)
        owed_bad += bad_part * one.errors
        good, bad = int(owed_good + ALMOST), int(owed_bad + ALMOST)
        owed_good, owed_bad = owed_good - good, owed_bad - bad
        begin, every = one.at.timestamp() - length, good + bad
        for number in range(every):
            is_bad = (number + 1) * bad // every > number * bad // every
            yield begin + length * (number + 0.5) / every, is_bad


@domain.read
def value(
    metrics: Metrics, *, name: str, since: Duration = TEN_MINUTES, step: Duration = FIFTEEN_SECONDS
) -> MetricSeen:
    """Read one of the values that the stack names, now and over the time before."""
    if not name:
        raise Refused("no value was named", hint=f"There are: {', '.join(metrics.names)}.")
    end = datetime.now(UTC)
    points = metrics.values(name, end - since, end, step)
    values = [point.value for point in points]
    newest = points[-1] if points else None
    told = f"{name} is {newest.value:g}" if newest else f"{name} has no samples, which is not 0"
    return MetricSeen(
        name=name,
        value=newest.value if newest else None,
        at=newest.at if newest else None,
        lowest=min(values, default=None),
        highest=max(values, default=None),
        points=points,
        says=f"{told}; between {min(values):g} and {max(values):g} before" if values else told,
    )
