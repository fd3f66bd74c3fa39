"""All sources of an environment as one log."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from drillbook.core.errors import Unavailable
from drillbook.ports.logs import LogLine, LogSpan
from drillbook.stack.log_sources.joining import joined
from drillbook.stack.log_sources.silence import state_of
from drillbook.stack.log_sources.source import Source, Told, tells_of_request

PLATFORM = "platform"
# The platform's line may begin long before the app's line of the same request.
BEFORE = timedelta(seconds=60)


@dataclass(frozen=True)
class MergedLogs:
    """Fulfils Logs with several sources: each has its own deadline, and its own state."""

    sources: tuple[Source, ...]

    def between(self, start: datetime, end: datetime) -> LogSpan:
        """Return the lines of the span, oldest first."""
        for source in self.sources:
            source.ask(start, end)
        told = {source.name: source.told(start, end) for source in self.sources}
        states = tuple(
            state_of(source.name, source.kind, told[source.name], start, end)
            for source in self.sources
        )
        _raise_if_none_can_be_read(list(told.values()))
        lines, cut = _as_one(list(told.values()))
        not_understood = sum(one.span.not_understood for one in told.values())
        return LogSpan(tuple(sorted(lines, key=_at)), not_understood, cut, states)

    def newest(self) -> datetime | None:
        """Return when the last line of any source was written."""
        now = datetime.now(UTC)
        for source in self.sources:
            source.ask(now - BEFORE, now)
        found = [source.told(now, now).newest for source in self.sources]
        return max((at for at in found if at is not None), default=None)


def _raise_if_none_can_be_read(told: Sequence[Told]) -> None:
    problems = [one.problem for one in told if one.problem is not None]
    if len(problems) < len(told) or any(one.span.lines for one in told):
        return
    if len(problems) == 1:
        raise problems[0]
    raise Unavailable(
        f"none of {len(told)} log sources can be read: {'; '.join(map(str, problems))}",
        hint=problems[0].hint,
    )


def _as_one(told: Sequence[Told]) -> tuple[list[LogLine], bool]:
    platform = next((one for one in told if _is_platform(one)), None)
    others = [one for one in told if one is not platform]
    app = _one_teller([one.span.lines for one in others])
    tellers = [one for one in told if any(map(tells_of_request, one.span.lines))] or told
    cut = all(one.span.cut for one in tellers)
    if platform is None:
        return app, cut
    return joined(platform, app).lines, cut


def _is_platform(told: Told) -> bool:
    return any(line.source == PLATFORM and tells_of_request(line) for line in told.span.lines)


def _one_teller(spans: Sequence[tuple[LogLine, ...]]) -> list[LogLine]:
    """Let one source tell of requests, the first that does; the others' lines stand beside."""
    lines, teller = list[LogLine](), -1
    for number, span in enumerate(spans):
        tells = any(map(tells_of_request, span))
        if tells and teller < 0:
            teller = number
        if tells and number != teller:
            lines += [replace(line, status=0) for line in span if line.message or line.stack]
        else:
            lines += span
    return lines


def _at(line: LogLine) -> datetime:
    return line.at
