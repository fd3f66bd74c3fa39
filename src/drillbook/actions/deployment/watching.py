"""Watch a deployment: it is worse than before, surely not harmfully so, or nobody knows yet."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import exp
from threading import Event

from drillbook.actions.deployment.subject import domain
from drillbook.actions.deployment.watch_lines import SERVER_ERROR, name_of
from drillbook.actions.deployment.watch_looks import Look, Watching
from drillbook.actions.deployment.watch_picture import Moment, picture
from drillbook.analysis.sequential.judging import FALSE_ALARMS, Verdict
from drillbook.analysis.sequential.latency import quantiles
from drillbook.core.effect import Effect, Evidence, deadline
from drillbook.core.errors import Refused
from drillbook.core.files import File
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration, show_duration
from drillbook.core.secret import scrub_foreign
from drillbook.core.waiting import LONGEST_WATCH, check_watch, start_of_watch
from drillbook.ports.logs import LogLine, Logs
from drillbook.ports.probe import Probe

HALF_AN_HOUR = parse_duration("30m")
TWO_MINUTES = parse_duration("2m")
THIRTY_SECONDS = parse_duration("30s")
ONE_DAY = parse_duration("24h")
MOST_PROBES_A_MINUTE = 600
HEALTH_EVERY_SECONDS = 10.0
LOOK_EVERY_SECONDS = 1.0
LOOK_COSTS = 20.0  # a look is followed by a pause of so many times what it took
LARGEST_E = 1e12
MOST_EXAMPLES = 5
MOST_MOMENTS = 400


class Slower(Frozen):
    """One quantile of the time before, and how many requests after were slower than allowed."""

    quantile: float
    before_milliseconds: float
    slow_from_milliseconds: float
    after_milliseconds: float | None
    slow: int
    requests: int


class OfRelease(Frozen):
    """What one release answered while watching."""

    release: str
    requests: int
    errors: int


class Watched(Frozen):
    """
    What a time of watching came to; silence is never called PASS.

    `e_value` is the evidence that something became worse, at 100 it is a FAIL; `harmless_e_value`
    the evidence that nothing became harmfully worse, at 100 it is a PASS. `still_needed` is the
    number of requests (of users or probes) that a verdict takes, None when no number does.
    """

    verdict: Verdict
    says: str
    start: datetime
    end: datetime
    compared: str
    requests: int
    errors: int
    before_requests: int
    before_errors: int
    before_release: str
    e_value: float
    harmless_e_value: float
    still_needed: int | None
    probes: int
    probes_failed: int
    probes_unanswered: int
    probed_paths: tuple[str, ...]
    latency: tuple[Slower, ...]
    by_release: tuple[OfRelease, ...]
    not_understood: int
    cut: bool
    examples: tuple[str, ...]
    picture: Evidence


@domain.read
def watch(
    logs: Logs,
    app: Probe,
    effect: Effect,
    *,
    since: datetime | None = None,
    commit: str = "",
    lasting: Duration = HALF_AN_HOUR,
    at_least: Duration = TWO_MINUTES,
    compared_with: Duration = ONE_DAY,
    probes: int | None = None,
    file: File | None = None,
    bursts: Duration = THIRTY_SECONDS,
) -> Watched:
    """
    Watch errors and latency after a deployment until the verdict is sure or the time is over.

    Requests since `since` are held against those of `compared_with` before, or, where two
    releases serve at once, against the other's. `probes` a minute are sent (None: as many as
    users leave to two a second; 0: none) to the GET paths of the checks `file`, or to those users
    ask for most. FAIL ends it at once, PASS after `at_least`. What happens within `bursts` of time
    decides little: a client or a database that fails so long is no release (decision 0028).
    """
    now = datetime.now(UTC)
    start = start_of_watch(since, now)
    check_watch(lasting=lasting, at_least=at_least, compared_with=compared_with)
    if not timedelta(0) <= bursts <= LONGEST_WATCH:
        raise Refused(f"bursts is {show_duration(bursts)}, and must be 0s to 24h")
    if probes is not None and not 0 <= probes <= MOST_PROBES_A_MINUTE:
        raise Refused(f"probes is {probes} a minute, and must be 0 to {MOST_PROBES_A_MINUTE}")
    watching = Watching(
        logs, app, start=start, commit=commit, compared_with=compared_with, probes=probes,
        file=file, bursts=bursts,
    )  # fmt: skip
    moments: list[Moment] = []
    look = _looks(watching, effect, moments, now, lasting, at_least, quiet=probes == 0)
    says = _says(watching, look)
    kept = effect.keep("evidence.svg", picture(moments, says), "image/svg+xml")
    return _result(watching, look, says, kept)


def _looks(
    watching: Watching,
    effect: Effect,
    moments: list[Moment],
    begun: datetime,
    lasting: timedelta,
    at_least: timedelta,
    *,
    quiet: bool,
) -> Look:
    """Probe and look in turn until the verdict is sure or the time is over."""
    clock = time.monotonic
    until = clock() + deadline.get().left(at_most=lasting.total_seconds())
    earliest_pass = clock() + min(at_least, lasting).total_seconds()
    pause_seconds = 60.0 / watching.probes_a_minute if watching.probes_a_minute else 1.0
    next_probe = next_health = next_look = clock()
    pause = Event()
    while True:
        effect.still_mine()
        if watching.probes_a_minute and clock() >= next_probe:
            watching.prober.send()
            next_probe = max(next_probe + pause_seconds, clock())
        if not quiet and clock() >= next_health:
            watching.prober.send_health()
            next_health = clock() + HEALTH_EVERY_SECONDS
        over = clock() >= until or effect.cancel_asked()
        if over or clock() >= next_look:
            look_begun = clock()
            look = watching.look(datetime.now(UTC))
            _remember(moments, look.moment)
            next_look = clock() + max(LOOK_EVERY_SECONDS, LOOK_COSTS * (clock() - look_begun))
            sure = look.verdict is Verdict.FAIL or (
                look.verdict is Verdict.PASS and clock() >= earliest_pass
            )
            if over or sure:
                return look
            effect.progress(_says(watching, look), _part(begun, lasting))
        soonest = min(next_probe if watching.probes_a_minute else next_look, next_look, until)
        pause.wait(max(0.01, min(soonest - clock(), LOOK_EVERY_SECONDS)))


def _part(begun: datetime, lasting: timedelta) -> float:
    return min(1.0, max(0.0, (datetime.now(UTC) - begun) / lasting))


def _remember(moments: list[Moment], moment: Moment) -> None:
    """Keep a moment; of very many every second goes, so that the picture stays small."""
    moments.append(moment)
    if len(moments) > MOST_MOMENTS:
        del moments[1:-1:2]


def _says(watching: Watching, look: Look) -> str:
    users, before = look.users.errors, watching.users.before.counts
    told = f"{users.hits:.0f} of {users.trials:.0f} requests failed"
    if look.beside:
        others = sum(line.status >= SERVER_ERROR for line in look.old)
        told += f", {others} of {len(look.old)} of the other release"
    else:
        told += f", {before.hits:.0f} of {before.trials:.0f} before"
    if look.probes is not None:
        probes = look.probes.errors
        told += f", {probes.hits:.0f} of {probes.trials:.0f} probes"
    told += f"; e-value {_e(look.moment.log_worse):.3g} of {1 / FALSE_ALARMS:.0f}"
    if look.verdict is Verdict.INCONCLUSIVE:
        told += (
            "; the time before is too short for any verdict"
            if look.needed is None
            else f"; about {look.needed} more requests are needed"
        )
    if look.span.cut or watching.before_cut:
        told += "; the log is too large to be read whole"
    return f"{look.because}: {told}"


def _e(logarithm: float) -> float:
    return min(LARGEST_E, exp(min(logarithm, 100.0)))


def _result(watching: Watching, look: Look, says: str, kept: Evidence) -> Watched:
    before = watching.users.before.counts
    sent = watching.prober.sent
    return Watched(
        verdict=look.verdict,
        says=says,
        start=watching.start,
        end=look.at,
        compared="side by side" if look.beside else "before and after",
        requests=int(look.users.errors.trials),
        errors=int(look.users.errors.hits),
        before_requests=int(before.trials),
        before_errors=int(before.hits),
        before_release=watching.earlier.release,
        e_value=_e(look.moment.log_worse),
        harmless_e_value=_e(look.moment.log_harmless),
        still_needed=look.needed,
        probes=len(sent),
        probes_failed=sum(each.status >= SERVER_ERROR for each in sent),
        probes_unanswered=sum(not each.status for each in sent),
        probed_paths=tuple(watching.prober.weights),
        latency=_latency(watching, look),
        by_release=_by_release((*look.old, *look.new)),
        not_understood=look.span.not_understood,
        cut=look.span.cut or watching.before_cut,
        examples=_examples(look.new),
        picture=kept,
    )


def _latency(watching: Watching, look: Look) -> tuple[Slower, ...]:
    limits = watching.users.limits
    if not look.users.slow:
        return ()
    times = [line.milliseconds for line in look.new if line.milliseconds is not None]
    after = quantiles(times) or (None,) * len(limits)
    return tuple(
        Slower(
            quantile=limit.quantile,
            before_milliseconds=limit.milliseconds,
            slow_from_milliseconds=limit.slow_from,
            after_milliseconds=now,
            slow=int(slow.hits),
            requests=int(slow.trials),
        )
        for limit, slow, now in zip(limits, look.users.slow, after, strict=True)
    )


def _by_release(lines: Sequence[LogLine]) -> tuple[OfRelease, ...]:
    requests = Counter(name_of(line) for line in lines)
    errors = Counter(name_of(line) for line in lines if line.status >= SERVER_ERROR)
    return tuple(
        OfRelease(release=name, requests=count, errors=errors[name])
        for name, count in requests.most_common()
        if name
    )


def _examples(lines: Sequence[LogLine]) -> tuple[str, ...]:
    """Return the first different things that went wrong."""
    shown: dict[str, None] = {}
    for line in lines:
        if line.status >= SERVER_ERROR:
            words = (str(line.status), line.method, line.path, line.message)
            shown[scrub_foreign(" ".join(word for word in words if word))] = None
            if len(shown) == MOST_EXAMPLES:
                break
    return tuple(shown)
