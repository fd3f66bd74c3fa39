"""Keep the lines of a time with the record, before their sources forget them."""

import gzip
import json
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import attrgetter

from drillbook.actions.errors.subject import domain
from drillbook.core.effect import Effect, Evidence, deadline
from drillbook.core.errors import DrillbookError
from drillbook.core.incident import SourceState
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration
from drillbook.core.secret import scrub_foreign
from drillbook.core.waiting import check_watch
from drillbook.ports.logs import LogLine, Logs
from drillbook.triage.sharing import OWN_SECONDS, shared

THIRTY_MINUTES = parse_duration("30m")
NAME = "lines.jsonl.gz"
MOST_LINES = 200_000
LEVEL_OF_PACKING = 1  # the lines are many, and somebody waits
# Whoever asks writes the path and says who it is: a token in the query is one as well.
_WRITTEN_BY_STRANGERS = ("message", "stack", "raw", "path", "user", "address", "request")
_NAMES = tuple(field.name for field in fields(LogLine) if field.name != "at")
_values = attrgetter(*_NAMES)


class Preserved(Frozen):
    """
    What was kept of a time, as one line of JSON each, scrubbed of what looks like a secret.

    `known` False: no source could be read, and nothing was kept. `cut`: older lines are missing,
    because a source had forgotten them already, or because they are too many.
    """

    known: bool
    says: str
    start: datetime
    end: datetime
    lines: int
    requests: int
    cut: bool
    sources: tuple[SourceState, ...]
    evidence: Evidence | None


@domain.read
def preserve(logs: Logs, effect: Effect, *, lasting: Duration = THIRTY_MINUTES) -> Preserved:
    """Keep what all log sources wrote lately as evidence: platforms forget it within the hour."""
    check_watch(lasting=lasting, compared_with=lasting)
    try:
        # A platform is read page by page, and what is not kept now is forgotten there.
        left = deadline.get().left(at_most=OWN_SECONDS)
        shown = shared.lines(logs, timedelta(seconds=lasting.total_seconds()), left)
    except DrillbookError as error:
        says, end = f"nothing was kept: {error}", datetime.now(UTC)
        return Preserved(
            known=False, says=says, start=end - lasting, end=end, lines=0, requests=0, cut=True,
            sources=(), evidence=None,
        )  # fmt: skip
    start, end, span = shown.start, shown.now, shown.span
    lines = span.lines[-MOST_LINES:]
    scrubbed = cache(scrub_foreign)  # of this call only: what is scrubbed is not held on to
    written = "".join(_written(line, scrubbed) for line in lines)
    data = gzip.compress(written.encode(), LEVEL_OF_PACKING, mtime=0)
    kept = effect.keep(NAME, data, "application/gzip")
    cut = span.cut or len(lines) < len(span.lines)
    return Preserved(
        known=True,
        says=_says(lines, span.sources, cut=cut),
        start=lines[0].at if lines and cut else start,
        end=end,
        lines=len(lines),
        requests=sum(line.status != 0 for line in lines),
        cut=cut,
        sources=span.sources,
        evidence=kept,
    )


def _written(line: LogLine, scrubbed: Callable[[str], str]) -> str:
    said: dict[str, object] = {"at": line.at.astimezone(UTC).isoformat()}
    for name, value in zip(_NAMES, _values(line), strict=True):
        if value not in ("", None, 0):
            said[name] = scrubbed(value) if name in _WRITTEN_BY_STRANGERS else value
    return json.dumps(said, ensure_ascii=False) + "\n"


def _says(lines: Iterable[LogLine], sources: Iterable[SourceState], *, cut: bool) -> str:
    count = sum(1 for _ in lines)
    quiet = [f"{state.name} {state.says}" for state in sources if state.silent]
    missing = "; older ones are missing" if cut else ""
    return f"{count} lines kept{missing}" + "".join(f"; {one}" for one in quiet)
