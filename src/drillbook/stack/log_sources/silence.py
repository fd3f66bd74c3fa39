"""Whether a source speaks: one that is silent says nothing of errors."""

from datetime import UTC, datetime, timedelta

from drillbook.core.incident import SourceState
from drillbook.core.quantities import show_duration
from drillbook.core.secret import scrub
from drillbook.stack.log_sources.source import Source, Told

# So many lines should have come since the last one before it is called silent: e^-7 is chance.
EXPECTED = 7.0
FEWEST_LINES = 3
MINUTE = 60.0


def state_of(
    source: Source, told: Told, start: datetime, end: datetime, *, also: str = ""
) -> SourceState:
    """Say how many lines a source wrote, and whether it is silent or could not be read."""
    lines = told.span.lines
    newest = lines[-1].at if lines else told.newest
    # A source is silent of a time it was asked for, and not of one it may still tell of.
    end = min(end, datetime.now(UTC), told.known_until or end)
    silent, says = _says(told, newest, start, end)
    return SourceState(
        name=source.name,
        kind=source.kind,
        lines=len(lines),
        newest=newest,
        silent=silent,
        says=f"{says}{also}{source.forgets}",
    )


def _says(told: Told, newest: datetime | None, start: datetime, end: datetime) -> tuple[bool, str]:
    count = len(told.span.lines)
    if told.problem is not None:
        return True, f"cannot be read: {scrub(str(told.problem))}{_known(count)}"
    if newest is None:
        return True, "silent: no line of it is known"
    if not count:
        age = show_duration(_whole_seconds(end, newest))
        return True, f"silent: its last line is of {_time(newest)}, {age} before the end"
    rate = count / max((newest - start).total_seconds(), 1.0)
    if count >= FEWEST_LINES and rate * (end - newest).total_seconds() > EXPECTED:
        return True, f"silent since {_time(newest)}, {rate * MINUTE:.3g} lines a minute before"
    part = ", older ones are missing" if told.span.cut else ""
    return False, f"{count} lines, the last at {_time(newest)}{part}"


def _known(count: int) -> str:
    return f"; {count} lines of it were kept before" if count else ""


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%H:%M:%S} UTC"


def _whole_seconds(end: datetime, newest: datetime) -> timedelta:
    return timedelta(seconds=max(0, round((end - newest).total_seconds())))
