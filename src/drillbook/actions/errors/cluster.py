"""What is said newly, or more often, since it became worse: errors grouped by their message."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite

from drillbook.actions.errors.subject import domain
from drillbook.analysis.loggroups import Verdict as Change
from drillbook.analysis.loggroups import compare
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration
from drillbook.core.secret import scrub
from drillbook.core.waiting import check_watch
from drillbook.ports.logs import LogLine, Logs
from drillbook.ports.probe import Probe
from drillbook.triage.feeling import Feeling, feel
from drillbook.triage.lines import BAD_LEVELS

THIRTY_MINUTES = parse_duration("30m")
MOST_SHOWN = 10
MOST_TEXT = 2000
SERVER_ERROR = 500
WARNINGS = {"warning", "warn"}


class Cluster(Frozen):
    """
    Lines of one message: how often since, how often before, and one of them with its stack.

    `ratio` is its rate since by its rate before, 0 for a new one. `sure`: chance does not explain
    it.
    """

    template: str
    change: str
    count: int
    before: int
    ratio: float
    sure: bool
    first_at: datetime
    example: str
    stack: str
    routes: tuple[str, ...]
    sources: tuple[str, ...]


class Clustered(Frozen):
    """
    The messages of errors that are new or grew since `since`; without an onset, since the middle.

    `known` False: the log could not be read.
    """

    found: bool
    known: bool
    since: datetime
    clusters: tuple[Cluster, ...]
    new: int
    grew: int
    lines: int
    silent: tuple[str, ...]
    says: str


@domain.read
def cluster(logs: Logs, probe: Probe, *, window: Duration = THIRTY_MINUTES) -> Clustered:
    """Group what went wrong by its message, and show what is new or grew since it became worse."""
    check_watch(window=window)
    feeling = feel(logs, probe, timedelta(seconds=window.total_seconds()))
    since = _since(feeling)
    bad = [line for line in feeling.span.lines if _is_bad(line)]
    before, after = [x for x in bad if x.at < since], [x for x in bad if x.at >= since]
    found = compare(
        (_text(line) for line in before),
        (_text(line) for line in after),
        before_exposure=max(1.0, (since - feeling.start).total_seconds()),
        after_exposure=max(1.0, (feeling.now - since).total_seconds()),
    )
    lines = _lines_of(found.of_line_after, after)
    clusters = tuple(
        _cluster(_Grown(change.group.template, change.verdict, change.before, change.after,
                        change.ratio, change.is_sure), lines[at])
        for at, change in enumerate(found.changes)
        if change.verdict in {Change.NEW, Change.GREW} and lines.get(at)
    )  # fmt: skip
    shown = tuple(sorted(clusters, key=lambda one: -one.count)[:MOST_SHOWN])
    new = sum(one.change == str(Change.NEW) for one in clusters)
    return Clustered(
        found=bool(clusters),
        known=feeling.known,
        since=since,
        clusters=shown,
        new=new,
        grew=len(clusters) - new,
        lines=len(after),
        silent=feeling.silent,
        says=_says(shown, len(after), new, len(clusters) - new, since)
        if feeling.known
        else feeling.felt.says,
    )


@dataclass(frozen=True, slots=True)
class _Grown:
    template: str
    verdict: Change
    before: int
    after: int
    ratio: float
    sure: bool


def _since(feeling: Feeling) -> datetime:
    if feeling.felt.trouble is not None:
        return datetime.fromtimestamp(feeling.felt.trouble.onset.earliest, UTC)
    return feeling.start + (feeling.now - feeling.start) / 2


def _is_bad(line: LogLine) -> bool:
    return line.status >= SERVER_ERROR or line.level in BAD_LEVELS | WARNINGS


def _text(line: LogLine) -> str:
    said = line.message or line.raw or f"{line.method} {line.path} answered {line.status}"
    return scrub(said)[:MOST_TEXT]


def _lines_of(of_line: Sequence[int], lines: Sequence[LogLine]) -> dict[int, list[LogLine]]:
    found: dict[int, list[LogLine]] = {}
    for at, line in zip(of_line, lines, strict=True):
        found.setdefault(at, []).append(line)
    return found


def _cluster(grown: _Grown, lines: Sequence[LogLine]) -> Cluster:
    stacked = next((line for line in lines if line.stack), lines[0])
    return Cluster(
        template=grown.template[:MOST_TEXT],
        change=str(grown.verdict),
        count=grown.after,
        before=grown.before,
        ratio=round(grown.ratio, 2) if isfinite(grown.ratio) else 0.0,
        sure=grown.sure,
        first_at=lines[0].at,
        example=_text(stacked),
        stack=scrub(stacked.stack)[-MOST_TEXT:],
        routes=_several(line.path.partition("?")[0] for line in lines),
        sources=_several(line.source for line in lines),
    )


def _several(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))[:MOST_SHOWN]


def _says(shown: Sequence[Cluster], lines: int, new: int, grew: int, since: datetime) -> str:
    if not shown:
        return f"no message of an error is new or grew since {since:%H:%M:%S} UTC ({lines} lines)"
    first = shown[0]
    return (
        f"{new} new messages and {grew} that grew since {since:%H:%M:%S} UTC; most often "
        f"({first.count} times): {first.example[:160]}"
    )
