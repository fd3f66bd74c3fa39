"""What was logged, in the words of the analysis: users' requests, health checks, other lines."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from drillbook.analysis.culprit.requests import Request, Word, route_of
from drillbook.analysis.culprit.trouble import Felt
from drillbook.core.secret import scrub
from drillbook.ports.logs import LogLine, LogSpan

BAD_LEVELS = {"error", "critical", "fatal", "panic", "alert", "emergency", "err"}
SHORTEST_COMMIT = 7


@dataclass(frozen=True, slots=True)
class Read:
    """A span of logs taken apart; all in order of time."""

    requests: tuple[Request, ...]
    health: tuple[Request, ...]
    words: tuple[Word, ...]


def read_lines(span: LogSpan, own_paths: Iterable[str]) -> Read:
    """Take a span apart; machines watch `own_paths`."""
    watched = {path.partition("?")[0] for path in own_paths if path}
    requests: list[Request] = []
    health: list[Request] = []
    words: list[Word] = []
    for line in span.lines:
        if not line.status and not line.path:
            words.append(word_of(line))
        elif line.status:
            path = line.path.partition("?")[0]
            (health if path in watched else requests).append(_request(line))
        else:
            words.append(word_of(line))
    return Read(tuple(requests), tuple(health), tuple(words))


def word_of(line: LogLine) -> Word:
    """Return a line that tells of no request."""
    text = scrub(line.message or line.raw)
    return Word(line.at.timestamp(), line.level, text, scrub(line.stack), line.source)


def _request(line: LogLine) -> Request:
    return Request(
        at=line.at.timestamp(),
        status=line.status,
        route=route_of(line.method, line.path),
        milliseconds=line.milliseconds,
        user=line.user,
        address=line.address,
        deployment=line.deployment,
        region=line.region,
        message=scrub(line.message) if line.message else "",
        stack=line.stack,
        commit=line.commit[:SHORTEST_COMMIT],
    )


def with_builds(read: Read, felt: Felt, builds: Mapping[str, str]) -> tuple[Read, Felt]:
    """Name each request's deployment, where only its commit is told and `builds` has it."""
    requests = _named(read.requests, builds)
    if requests is not read.requests:
        read = replace(read, requests=requests)
    trouble = felt.trouble
    if trouble is None:
        return read, felt
    named = replace(
        trouble,
        bad=_named(trouble.bad, builds),
        since=_named(trouble.since, builds),
        before=_named(trouble.before, builds),
        before_bad=_named(trouble.before_bad, builds),
    )
    return read, replace(felt, trouble=named)


def _named(requests: tuple[Request, ...], builds: Mapping[str, str]) -> tuple[Request, ...]:
    if not any(one.commit in builds and not one.deployment for one in requests):
        return requests
    return tuple(
        replace(one, deployment=builds[one.commit])
        if not one.deployment and one.commit in builds
        else one
        for one in requests
    )
