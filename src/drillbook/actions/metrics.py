"""Look at metrics: requests and errors by their counters, and the values the team has named."""

from datetime import UTC, datetime, timedelta

from drillbook.core.catalog import Domain
from drillbook.core.errors import Refused
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration
from drillbook.ports.metrics import MetricPoint, Metrics

domain = Domain("metrics")

TEN_MINUTES, FIFTEEN_SECONDS = parse_duration("10m"), parse_duration("15s")


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
