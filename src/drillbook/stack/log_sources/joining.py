"""
Each request told of once: by the platform where it is known whole, else by the app itself.

The platform's record sees what the app cannot tell: that it was dead, hung, or was never asked. The
app knows the message, the stack and the user. They are joined by the request's id; how long it took
is then the app's word, so that a time with the platform's record compares with one without.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

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


def joined(platform: Told, app: Sequence[LogLine]) -> Joined:
    """Join the platform's record with the lines of all other sources."""
    told = [line for line in platform.span.lines if tells_of_request(line)]
    others = [line for line in platform.span.lines if not tells_of_request(line)]
    within = [one for one in app if tells_of_request(one) and platform.holds(one.at)]
    known = [one for one in within if not platform.is_late(one.at)]
    final = sum(not platform.is_late(one.at) for one in told)
    if final < FEWEST_OF_APP * len(known):
        why = f"it tells of {final} requests where the app tells of {len(known)}"
        return Joined([*others, *app], platform_tells=False, why_not=why)
    by_id = {line.request: line for line in told if line.request}
    found = sum(one.request in by_id for one in within)
    joins = bool(found) and found >= ENOUGH_JOINED * len(within)
    apart, requests = list[LogLine](), dict(by_id)
    for one in app:
        if not tells_of_request(one):
            apart.append(one)
        elif one.request in platform.before:
            continue  # it began before the time
        elif one.request in by_id:
            requests[one.request] = _both(requests[one.request], one)
        elif not platform.holds(one.at) or (joins and platform.is_late(one.at)):
            apart.append(one)  # the platform does not tell of it, or not yet
        elif one.message or one.stack:
            apart.append(replace(one, status=0, raw=one.raw))
    lines = [*requests.values(), *(one for one in told if not one.request), *others, *apart]
    return Joined(_one_name_a_commit(lines, app), platform_tells=True)


def _both(platform: LogLine, app: LogLine) -> LogLine:
    """Return the platform's line with what the app knows better."""
    answered = platform.status == app.status
    return replace(
        platform,
        level=app.level or platform.level,
        message=(app.message if answered else "") or platform.message or app.message,
        stack=app.stack or platform.stack,
        user=app.user or platform.user,
        release=app.release or platform.release,
        commit=app.commit or platform.commit,
        deployment=platform.deployment or app.deployment,
        milliseconds=platform.milliseconds
        if app.milliseconds is None or not answered
        else app.milliseconds,
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
