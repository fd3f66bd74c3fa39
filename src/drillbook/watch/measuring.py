"""What each signal comes to now; what nothing is known of is unknown, with the reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil, log

from drillbook.analysis.error_rate import is_too_quiet
from drillbook.analysis.raised import Raised, Raising, lasted
from drillbook.analysis.sequential.binomial import log_at_least
from drillbook.analysis.sequential.bursts import BLOCK_SECONDS
from drillbook.analysis.sequential.counts import Counts
from drillbook.analysis.signals import Measurement
from drillbook.core.quantities import show_duration
from drillbook.watch.buckets import Bucket, block_of
from drillbook.watch.latency import Slowness
from drillbook.watch.probing import Probes
from drillbook.watch.reading import Reader
from drillbook.watch.refusals import are_enough, has_names, refused_people
from drillbook.watch.routes import WHOLE_PART, RouteErrors, Routes

SURE = log(0.01)
STALE = timedelta(seconds=60)
FEWEST_PROBES = 3
FEWEST_ERRORS = 5  # one client that tries again does not wake anybody
LATENCY, ERRORS = "latency", "errors"
HOUR_BLOCKS = 3600 // BLOCK_SECONDS


@dataclass(frozen=True, slots=True)
class Value:
    """What a signal came to; unknown when `known` is false, and then `says` tells why."""

    says: str
    value: object = None
    known: bool = True


@dataclass
class Sight:
    """What is seen of one environment; the streams keep what was usual before something began."""

    environment: str
    reader: Reader | None
    probes: Probes | None
    streams: dict[str, Raising] = field(default_factory=dict[str, Raising])
    slowness: Slowness = field(default_factory=Slowness)
    routes: Routes = field(default_factory=Routes)
    route_errors: RouteErrors = field(default_factory=RouteErrors)

    def value(self, asked: Measurement, now: datetime) -> Value:
        """Return what a signal comes to at this moment."""
        if self.reader is None:
            return _MEASURES[asked.signal.name](self, asked, now)
        with self.reader.lock:
            return _MEASURES[asked.signal.name](self, asked, now)

    def stream(self, name: str) -> Raising:
        """Return what is known of a stream of hits."""
        part = WHOLE_PART if name == ERRORS else 1.0
        return self.streams.setdefault(name, Raising(part=part))

    def bad(self) -> dict[str, list[int]]:
        """Return the buckets of each stream that are not usual, to be kept."""
        kept = {name: sorted(stream.bad) for name, stream in self.streams.items()}
        return kept | {LATENCY: sorted(self.slowness.bad)}

    def leave_out(self, bad: Mapping[str, list[int]]) -> None:
        """Leave buckets out of what is usual that were seen raised before this process began."""
        for name, blocks in bad.items():
            known = self.slowness.bad if name == LATENCY else self.stream(name).bad
            known.update(blocks)


def _unread(sight: Sight, now: datetime) -> str:
    reader = sight.reader
    if reader is None:
        return f"{sight.environment} names no log"
    if reader.problem:
        return reader.problem
    if reader.read_at is None or now - reader.read_at > STALE:
        return "the log was not read for more than a minute"
    return ""


def _since(asked: Measurement, now: datetime) -> int:
    """Return the first bucket of the window: those that are in it in part count as well."""
    return block_of(now - asked.window)


def _window(sight: Sight, asked: Measurement, now: datetime) -> dict[int, Bucket]:
    return sight.reader.buckets.since(_since(asked, now)) if sight.reader else {}


def _no_requests(asked: Measurement) -> Value:
    length = show_duration(asked.window)
    return Value(f"nobody came in {length}, and silence is no proof of health", known=False)


Measure = Callable[[Sight, Measurement, datetime], Value]


def _of_requests(measure: Callable[[Measurement, int, int], Value]) -> Measure:
    """Return a measure of requests and errors in the window; unknown where there are none."""

    def measured(sight: Sight, asked: Measurement, now: datetime) -> Value:
        if why := _unread(sight, now):
            return Value(why, known=False)
        found = _window(sight, asked, now).values()
        requests = sum(bucket.requests for bucket in found)
        if not requests:
            return _no_requests(asked)
        return measure(asked, requests, sum(bucket.errors for bucket in found))

    return measured


def _rate(_asked: Measurement, requests: int, errors: int) -> Value:
    return Value(f"{errors} of {requests} requests failed", errors / requests)


def _over(asked: Measurement, requests: int, errors: int) -> Value:
    sure = errors >= FEWEST_ERRORS and log_at_least(errors, requests, asked.share or 0.0) < SURE
    word = "surely" if sure else "not surely"
    says = f"{errors} of {requests} requests failed, {word} more than {asked.share or 0:.1%}"
    return Value(says, sure)


def _count(sight: Sight, asked: Measurement, now: datetime) -> Value:
    if why := _unread(sight, now):
        return Value(why, known=False)
    found = _window(sight, asked, now).values()
    requests = sum(bucket.requests for bucket in found)
    if not requests:
        return _no_requests(asked)
    if asked.status is None:
        count = sum(bucket.errors for bucket in found)
        return Value(f"{count} of {requests} requests failed", count)
    count = sum(bucket.statuses[asked.status] for bucket in found)
    return Value(f"{count} of {requests} requests were answered {asked.status}", count)


def _errors_raised(sight: Sight, asked: Measurement, now: datetime) -> Value:
    if why := _unread(sight, now):
        return Value(why, known=False)
    counts = _counts(sight, lambda bucket: Counts(bucket.requests, bucket.errors))
    whole = _raised(sight, asked, now, ERRORS, counts, "requests failed")
    return _with_routes(sight, asked, now, whole) if whole.known else whole


def _with_routes(sight: Sight, asked: Measurement, now: datetime, whole: Value) -> Value:
    stream = sight.stream(ERRORS)
    sight.routes.take(sight.reader.buckets.since(0) if sight.reader else {}, block_of(now))
    found = sight.route_errors.look(sight.routes, stream.bad, _since(asked, now))
    if found is None:
        return whole
    route, raised = found
    stream.mark(raised.since or 0, block_of(now))
    before, after = raised.before, raised.after
    told = f"{after.hits:.0f} of {after.trials:.0f} requests to {route} failed"
    if whole.value:
        return Value(f"{whole.says}; {told}", value=True)
    usual = f"{before.hits:.0f} of {before.trials:.0f} in the hour before"
    return Value(f"{told}, {usual}: more than chance explains", value=True)


def _refusals_raised(sight: Sight, asked: Measurement, now: datetime) -> Value:
    if why := _unread(sight, now):
        return Value(why, known=False)
    buckets = sight.reader.buckets.since(0) if sight.reader else {}
    window = _window(sight, asked, now)
    if not are_enough(window):
        return Value("only one or two of those who asked, or nobody, were refused", value=False)
    who = "of those who asked were refused" if has_names(buckets) else "requests were refused"
    return _raised(sight, asked, now, "refusals", refused_people(buckets), who)


def _counts(sight: Sight, of: Callable[[Bucket], Counts]) -> dict[int, Counts]:
    return sight.reader.buckets.counts(of) if sight.reader else {}


def _raised(
    sight: Sight,
    asked: Measurement,
    now: datetime,
    stream: str,
    counts: dict[int, Counts],
    what: str,
) -> Value:
    since = _since(asked, now)
    if not any(block >= since for block in counts):
        return _no_requests(asked)
    found = sight.stream(stream).look(counts, since=since)
    first = since if found.since is None else found.since
    hits = sight.reader.buckets.hits(stream, first) if sight.reader else []
    return _judged(sight.stream(stream), found, hits, now, what)


def _judged(stream: Raising, found: Raised, hits: list[float], now: datetime, what: str) -> Value:
    after, before = found.after, found.before
    told = (
        f"{after.hits:.0f} of {after.trials:.0f} {what}, "
        f"{before.hits:.0f} of {before.trials:.0f} in the hour before"
    )
    if found.is_strong and found.goes_on and lasted(hits) and found.since is not None:
        stream.mark(found.since, block_of(now))
        return Value(f"{told}: more than chance explains", value=True)
    return Value(f"{told}, for a moment only" if found.is_strong else told, value=False)


def _latency_raised(sight: Sight, asked: Measurement, now: datetime) -> Value:
    if why := _unread(sight, now):
        return Value(why, known=False)
    buckets = sight.reader.buckets.since(0) if sight.reader else {}
    sight.routes.take(buckets, block_of(now))
    found = sight.slowness.look(buckets, sight.routes, since=_since(asked, now), now=block_of(now))
    return Value(found.says, found.is_raised, known=found.known)


def _quantile(share: float) -> Measure:
    fewest = ceil(1 / (1 - share))

    def measured(sight: Sight, asked: Measurement, now: datetime) -> Value:
        if why := _unread(sight, now):
            return Value(why, known=False)
        found = _window(sight, asked, now).values()
        times = sorted(time for bucket in found for _, time in bucket.times)
        if len(times) < fewest:
            return Value(f"only {len(times)} requests say how long they took", known=False)
        milliseconds = times[min(len(times), ceil(share * len(times))) - 1]
        says = f"{share:.0%} of {len(times)} requests took {milliseconds:.0f} ms or less"
        return Value(says, timedelta(milliseconds=milliseconds))

    return measured


def _refusals(sight: Sight, asked: Measurement, now: datetime) -> Value:
    if why := _unread(sight, now):
        return Value(why, known=False)
    found = _window(sight, asked, now).values()
    if not any(bucket.requests for bucket in found):
        return _no_requests(asked)
    refused = sum(
        bucket.unnamed[1] + sum(denied for _, denied in bucket.sources.values()) for bucket in found
    )
    return Value(f"{refused} requests were refused", refused)


def _refusals_rate(sight: Sight, asked: Measurement, now: datetime) -> Value:
    if why := _unread(sight, now):
        return Value(why, known=False)
    people = sum(refused_people(_window(sight, asked, now)).values(), Counts())
    if not people.trials:
        return _no_requests(asked)
    says = f"{people.hits:.0f} of {people.trials:.0f} who asked were refused"
    return Value(says, people.hits / people.trials)


def _of_lines(count: Callable[[Bucket], int], says: str) -> Measure:
    """Return a measure that counts in what was written; unknown where nothing was."""

    def measured(sight: Sight, asked: Measurement, now: datetime) -> Value:
        if why := _unread(sight, now):
            return Value(why, known=False)
        found = _window(sight, asked, now).values()
        if not any(bucket.lines for bucket in found):
            return Value(f"nothing was written in {show_duration(asked.window)}", known=False)
        counted = sum(map(count, found))
        return Value(says.format(counted), counted)

    return measured


def _missing(sight: Sight, asked: Measurement, now: datetime) -> Value:
    if why := _unread(sight, now):
        return Value(why, known=False)
    since = _since(asked, now)
    counts = _counts(sight, lambda bucket: Counts(bucket.requests))
    expected, seen = _expected(counts, since, asked)
    says = f"users made {seen} requests, and about {expected:.0f} were to be expected"
    return Value(says, is_too_quiet(expected, seen))


def _expected(counts: dict[int, Counts], since: int, asked: Measurement) -> tuple[float, int]:
    """Return how much was to be expected by the hour before the window, and what came in it."""
    before = {b: c for b, c in counts.items() if since - HOUR_BLOCKS <= b < since}
    seen = sum(int(c.trials) for block, c in counts.items() if block >= since)
    if not before:
        return 0.0, seen
    seconds = (since - min(before)) * BLOCK_SECONDS
    total = sum(each.trials for each in before.values())
    return total / seconds * asked.window.total_seconds(), seen


def _silent(sight: Sight, asked: Measurement, now: datetime) -> Value:
    if sight.reader is None:
        return Value(f"{sight.environment} names no log", known=False)
    if sight.reader.problem:
        return Value(sight.reader.problem, value=True)
    since = _since(asked, now)
    names = {name for bucket in sight.reader.buckets.since(0).values() for name in bucket.lines}
    if not names:
        return Value("no source of the log has said anything yet", known=False)
    quiet = []
    for name in sorted(names):
        counts = _counts(sight, lambda bucket, name=name: Counts(bucket.lines[name]))  # type: ignore[misc]  # a default binds the name of this round
        if is_too_quiet(*_expected(counts, since, asked)):
            last = sight.reader.spoke.get(name)
            quiet.append(f"{name or 'the log'} since {last:%H:%M:%S}" if last else name)
    says = f"silent: {', '.join(quiet)}" if quiet else f"{_sources(len(names))} as before"
    return Value(says, bool(quiet))


def _sources(count: int) -> str:
    return "the one source speaks" if count == 1 else f"{count} sources speak"


def _probes(measure: Callable[[int, int], Value]) -> Measure:
    def measured(sight: Sight, asked: Measurement, now: datetime) -> Value:
        if sight.probes is None:
            return Value(f"{sight.environment} names no app to ask", known=False)
        sent = sight.probes.since(now - asked.window)
        if not sent:
            return Value(f"no probe was sent in {show_duration(asked.window)}", known=False)
        return measure(len(sent), sum(probed.failed for probed in sent))

    return measured


def _failing(sent: int, failed: int) -> Value:
    if sent < FEWEST_PROBES:
        return Value(f"only {sent} probes were sent yet, {failed} failed", known=False)
    return Value(f"{failed} of {sent} probes failed", failed * 2 > sent)


_MEASURES: dict[str, Measure] = {
    "errors.rate": _of_requests(_rate),
    "errors.over": _of_requests(_over),
    "errors.count": _count,
    "errors.raised": _errors_raised,
    "errors.lines": _of_lines(
        lambda bucket: bucket.error_lines, "{} lines of level error or worse"
    ),
    "refusals.rate": _refusals_rate,
    "refusals.count": _refusals,
    "refusals.raised": _refusals_raised,
    "latency.p50": _quantile(0.5),
    "latency.p95": _quantile(0.95),
    "latency.p99": _quantile(0.99),
    "latency.raised": _latency_raised,
    "requests.count": _of_lines(lambda bucket: bucket.requests, "users made {} requests"),
    "requests.missing": _missing,
    "probes.rate": _probes(lambda sent, bad: Value(f"{bad} of {sent} probes failed", bad / sent)),
    "probes.failing": _probes(_failing),
    "logs.silent": _silent,
}
