"""What was logged, in the words of the analysis: users' requests, health checks, other lines."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from drillbook.analysis.culprit.requests import Request, Word, route_of
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


def read_lines(span: LogSpan, own_paths: Iterable[str], builds: Mapping[str, str]) -> Read:
    """Take a span apart; machines watch `own_paths`, and `builds` tells which has a commit."""
    watched = {path.partition("?")[0] for path in own_paths if path}
    requests: list[Request] = []
    health: list[Request] = []
    words: list[Word] = []
    for line in span.lines:
        if not line.status and not line.path:
            words.append(word_of(line))
        elif line.status:
            path = line.path.partition("?")[0]
            (health if path in watched else requests).append(_request(line, builds))
        else:
            words.append(word_of(line))
    return Read(tuple(requests), tuple(health), tuple(words))


def word_of(line: LogLine) -> Word:
    """Return a line that tells of no request."""
    text = scrub(line.message or line.raw)
    return Word(line.at.timestamp(), line.level, text, scrub(line.stack), line.source)


def _request(line: LogLine, builds: Mapping[str, str]) -> Request:
    return Request(
        at=line.at.timestamp(),
        status=line.status,
        route=route_of(line.method, line.path),
        milliseconds=line.milliseconds,
        user=line.user,
        address=line.address,
        deployment=line.deployment or builds.get(line.commit[:SHORTEST_COMMIT], ""),
        region=line.region,
        message=scrub(line.message) if line.message else "",
        stack=line.stack,
    )
