"""All sources of an environment as one log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from drillbook.core.errors import Unavailable
from drillbook.ports.logs import LogLine, LogSpan
from drillbook.stack.log_sources.joining import Joining
from drillbook.stack.log_sources.silence import state_of
from drillbook.stack.log_sources.source import Source, Told, tells_of_request

PLATFORM = "platform"
# The platform's line may begin long before the app's line of the same request.
BEFORE = timedelta(seconds=60)


@dataclass(frozen=True)
class MergedLogs:
    """Fulfils Logs with several sources: each has its own deadline, and its own state."""

    sources: tuple[Source, ...]
    _joining: Joining = field(default_factory=Joining, repr=False)

    def between(self, start: datetime, end: datetime) -> LogSpan:
        """Return the lines of the span, oldest first."""
        for source in self.sources:
            source.ask(start, end)
        told = {source.name: source.told(start, end) for source in self.sources}
        _raise_if_none_can_be_read(list(told.values()))
        lines, cut, why = self._as_one(told)
        states = tuple(
            state_of(source, told[source.name], start, end, also=why.get(source.name, ""))
            for source in self.sources
        )
        not_understood = sum(one.span.not_understood for one in told.values())
        return LogSpan(tuple(sorted(lines, key=_at)), not_understood, cut, states)

    def newest(self) -> datetime | None:
        """Return when the last line of any source was written."""
        now = datetime.now(UTC)
        for source in self.sources:
            source.ask(now - BEFORE, now)
        found = [source.told(now, now).newest for source in self.sources]
        return max((at for at in found if at is not None), default=None)

    def _as_one(self, told: Mapping[str, Told]) -> tuple[list[LogLine], bool, dict[str, str]]:
        """Return all lines, whether some are missing, and why a platform is not believed."""
        name = next((name for name, one in told.items() if _is_platform(one)), "")
        app = _one_teller([one.span.lines for other, one in told.items() if other != name])
        every = list(told.values())
        tellers = [one for one in every if any(map(tells_of_request, one.span.lines))] or every
        cut = all(one.span.cut for one in tellers)
        if not name:
            return app, cut, {}
        found = self._joining.joined(told[name], app)
        why = "" if found.platform_tells else f"; not believed: {found.why_not}"
        return found.lines, cut, {name: why}


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
