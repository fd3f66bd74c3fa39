"""
Each request told of once: by the platform where it is known whole, else by the app itself.

The platform's record sees what the app cannot tell: that it was dead, hung, or was never asked. The
app knows the message, the stack and the user. They are joined by the request's id; how long it took
is then the app's word, so that a time with the platform's record compares with one without.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from drillbook.ports.logs import LogLine
from drillbook.stack.log_sources.source import Told, tells_of_request

# A record that tells of far fewer requests than the app is a part of them, or another's.
FEWEST_OF_APP = 0.8
# So many of the app's requests must be found in the record before its id is trusted to join them.
ENOUGH_JOINED = 0.5
SHORTEST_COMMIT = 7


@dataclass(frozen=True, slots=True)
class Joined:
    """The lines of a span, each request told of once; `platform_tells` where it is believed."""

    lines: list[LogLine]
    platform_tells: bool
    why_not: str = ""


@dataclass
class Joining:
    """Joins, and remembers what was joined last: a look soon after joins only what is new."""

    _pairs: dict[str, tuple[LogLine, LogLine, LogLine]] = field(
        default_factory=dict[str, tuple[LogLine, LogLine, LogLine]]
    )

    def joined(self, platform: Told, app: Sequence[LogLine]) -> Joined:
        """Join the platform's record with the lines of all other sources."""
        told = [line for line in platform.span.lines if tells_of_request(line)]
        others = [line for line in platform.span.lines if not tells_of_request(line)]
        within = [one for one in app if tells_of_request(one) and platform.holds(one.at)]
        known = sum(not platform.is_late(one.at) for one in within)
        final = sum(not platform.is_late(one.at) for one in told)
        if final < FEWEST_OF_APP * known:
            why = f"it tells of {final} requests where the app tells of {known}"
            return Joined([*others, *app], platform_tells=False, why_not=why)
        requests = {line.request or str(number): line for number, line in enumerate(told)}
        found = sum(one.request in requests for one in within)
        joins = bool(found) and found >= ENOUGH_JOINED * len(within)
        apart, pairs = list[LogLine](), dict[str, tuple[LogLine, LogLine, LogLine]]()
        for one in (*others, *app):
            if not tells_of_request(one):
                apart.append(one)
            elif one.request and one.request in requests:
                pairs[one.request] = self._pair(requests[one.request], one)
            elif one.request and one.request in platform.before:
                continue  # it began before the time
            elif not platform.holds(one.at) or (joins and platform.is_late(one.at)):
                apart.append(one)  # the platform does not tell of it, or not yet
            elif one.message or one.stack:
                apart.append(replace(one, status=0))
        self._pairs = pairs
        requests |= {request: pair[2] for request, pair in pairs.items()}
        apart = [one for one in apart if not _is_of_request(one, requests)]
        lines = [*requests.values(), *apart]
        return Joined(_one_name_a_commit(lines, app), platform_tells=True)

    def _pair(self, platform: LogLine, app: LogLine) -> tuple[LogLine, LogLine, LogLine]:
        known = self._pairs.get(platform.request)
        if known is not None and known[0] is platform and known[1] is app:
            return known
        return platform, app, _both(platform, app)


def _is_of_request(line: LogLine, requests: dict[str, LogLine]) -> bool:
    """Tell whether a line is what a request's own line lacked, its message, and give it to it."""
    asked = requests.get(line.request) if line.request and not line.status else None
    if asked is None or asked.message or not line.message:
        return False
    requests[line.request] = replace(
        asked,
        message=line.message,
        stack=asked.stack or line.stack,
        level=line.level or asked.level,
        user=asked.user or line.user,
        raw=asked.raw or line.raw,
    )
    return True


def _both(platform: LogLine, app: LogLine) -> LogLine:
    """Return the platform's line with what the app knows better."""
    answered = platform.status == app.status
    by_app = answered and app.milliseconds is not None
    return LogLine(
        at=platform.at,
        status=platform.status,
        level=app.level or platform.level,
        path=platform.path,
        message=(app.message if answered else "") or platform.message or app.message,
        method=platform.method,
        milliseconds=app.milliseconds if by_app else platform.milliseconds,
        release=app.release or platform.release,
        commit=app.commit or platform.commit,
        user=app.user or platform.user,
        address=platform.address or app.address,
        region=platform.region or app.region,
        deployment=platform.deployment or app.deployment,
        request=platform.request,
        stack=app.stack or platform.stack,
        source=platform.source,
        raw=app.raw,
    )


def _one_name_a_commit(lines: list[LogLine], app: Iterable[LogLine]) -> list[LogLine]:
    """Name a commit as the app does, which often writes its first letters only."""
    short = {one.commit for one in app if len(one.commit) >= SHORTEST_COMMIT}
    named: dict[str, str] = {}
    for line in lines:
        if line.commit and line.commit not in named:
            same = (one for one in short if line.commit.startswith(one))
            named[line.commit] = next(same, line.commit)
    return [
        replace(line, commit=named[line.commit])
        if line.commit and named[line.commit] != line.commit
        else line
        for line in lines
    ]
