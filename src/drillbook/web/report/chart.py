"""The timeline as figures for drawing: bars in percent of the width, long idle waits shortened."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from drillbook.web.report.report import RunReport, Span, SpanKind, TaskReport
from drillbook.web.report.wording import brief, clock, span_of_time

WHOLE = 100.0
THINNEST = 0.5
MOST_TICKS = 7
TICK_DISTANCE = 9.0
IDLE_SHARE = 0.5  # an idle stretch is drawn at most so long, measured by all the work
IDLE_LEAST_SECONDS = 0.05
MOST_CHART_ROWS = 400
NICE_SECONDS = (
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800,
    3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000,
)  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """One bar: where it begins and how wide it is, in percent; `says` is its title."""

    left: float
    width: float
    looks: str
    says: str


@dataclass(frozen=True)
class ChartRow:
    """One task's bars."""

    task: str
    label: str
    took: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Tick:
    """A mark on the time axis."""

    left: float
    says: str


@dataclass(frozen=True)
class Chart:
    """The whole timeline; `breaks` are drawn shorter than they were, at `turn` it goes back."""

    rows: tuple[ChartRow, ...]
    ticks: tuple[Tick, ...]
    breaks: tuple[Bar, ...]
    turn: float | None
    left_out: int

    @property
    def looks(self) -> set[str]:
        """What its legend must explain."""
        return {bar.looks for row in self.rows for bar in row.bars}

    @property
    def has_bad(self) -> bool:
        """Whether a bar shows a failure."""
        return any(looks.endswith(" bad") for looks in self.looks)

    @property
    def has_back(self) -> bool:
        """Whether a bar shows the way back."""
        return any(looks.startswith("back") for looks in self.looks)


@dataclass(frozen=True)
class _Stretch:
    since: float
    until: float
    drawn_since: float
    drawn_until: float
    is_cut: bool


def chart_of(report: RunReport) -> Chart:
    """Return the timeline of a run."""
    tasks = [task for task in report.tasks if task.spans]
    began = report.started_at
    stretches = _stretches(report, [span for task in tasks for span in task.spans])
    rows = (_row(task, began, stretches) for task in _by_time(tasks)[:MOST_CHART_ROWS])
    breaks = [
        Bar(
            left=_place(s.since, stretches), looks="break", says=span_of_time(s.until - s.since),
            width=_place(s.until, stretches) - _place(s.since, stretches),
        )
        for s in stretches if s.is_cut
    ]  # fmt: skip
    back = report.way_back
    turn = _place((back.began_at - began).total_seconds(), stretches) if back else None
    return Chart(
        turn=turn, rows=tuple(rows), ticks=tuple(_ticks(stretches)), breaks=tuple(breaks),
        left_out=max(0, len(tasks) - MOST_CHART_ROWS),
    )  # fmt: skip


def _by_time(tasks: list[TaskReport]) -> list[TaskReport]:
    return sorted(tasks, key=lambda task: min(span.began_at for span in task.spans))


def _row(task: TaskReport, began: datetime, stretches: Sequence[_Stretch]) -> ChartRow:
    bars = tuple(_bar(span, began, stretches) for span in task.spans)
    busy = sum(span.seconds for span in task.spans if span.kind is not SpanKind.WAIT)
    waited = f" + waited {span_of_time(task.wait_seconds)}" if task.wait_seconds else ""
    took = span_of_time(busy) + waited if busy or not waited else waited.removeprefix(" + ")
    return ChartRow(task=task.id, label=brief(task.text, 90), took=took, bars=bars)


def _bar(span: Span, began: datetime, stretches: Sequence[_Stretch]) -> Bar:
    left = _place((span.began_at - began).total_seconds(), stretches)
    right = _place((span.ended_at - began).total_seconds(), stretches)
    width = max(THINNEST, right - left)
    looks = {
        SpanKind.WORK: "work", SpanKind.WAIT: "wait", SpanKind.PAUSE: "pause",
        SpanKind.BACK: "back",
    }[span.kind]  # fmt: skip
    says = f"{span.kind.value}: {brief(span.says, 160)}; {span_of_time(span.seconds)}"
    says += f", {clock(span.began_at)} to {clock(span.ended_at)} UTC"
    return Bar(
        left=round(min(left, WHOLE - width), 3), width=round(width, 3),
        looks=f"{looks} bad" if span.bad else looks, says=says,
    )  # fmt: skip


def _stretches(report: RunReport, spans: Iterable[Span]) -> list[_Stretch]:
    """Cut the run's time where work begins and ends; draw idle stretches at most so long."""
    began = report.started_at
    busy = sorted(
        ((s.began_at - began).total_seconds(), (s.ended_at - began).total_seconds())
        for s in spans
        if s.kind is not SpanKind.WAIT
    )
    merged = list(_merged(busy))
    work = sum(until - since for since, until in merged)
    whole = max([report.seconds, *(until for _, until in merged)])
    cuts = sorted({0.0, whole, *(moment for pair in merged for moment in pair)})
    longest = max(work * IDLE_SHARE, IDLE_LEAST_SECONDS) if work else whole
    found, drawn = [], 0.0
    for since, until in pairwise(cuts):
        is_busy = any(begin <= since and until <= end for begin, end in merged)
        length = until - since if is_busy else min(until - since, longest)
        is_cut = length < until - since
        found.append(_Stretch(since, until, drawn, drawn + length, is_cut))
        drawn += length
    return found


def _merged(spans: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    current: tuple[float, float] | None = None
    for since, until in spans:
        if current is None:
            current = (since, until)
        elif since <= current[1]:
            current = (current[0], max(current[1], until))
        else:
            yield current
            current = (since, until)
    if current is not None:
        yield current


def _place(seconds: float, stretches: Sequence[_Stretch]) -> float:
    """Return where a moment is drawn, in percent of the width."""
    if not stretches or not stretches[-1].drawn_until:
        return 0.0
    whole = stretches[-1].drawn_until
    for one in stretches:
        if seconds <= one.until:
            share = (max(seconds, one.since) - one.since) / (one.until - one.since)
            drawn = one.drawn_since + share * (one.drawn_until - one.drawn_since)
            return drawn / whole * WHOLE
    return WHOLE


def _ticks(stretches: Sequence[_Stretch]) -> Iterator[Tick]:
    if not stretches or not stretches[-1].drawn_until:
        return
    drawn, whole = stretches[-1].drawn_until, stretches[-1].until
    step = next((nice for nice in NICE_SECONDS if drawn / nice <= MOST_TICKS), NICE_SECONDS[-1])
    last = -WHOLE
    for number in range(min(int(whole / step), 10_000) + 1):
        left = _place(number * step, stretches)
        inside_cut = any(s.is_cut and s.since < number * step < s.until for s in stretches)
        if left - last >= TICK_DISTANCE and left <= WHOLE - TICK_DISTANCE / 2 and not inside_cut:
            yield Tick(left=round(left, 3), says=_tick(number * step))
            last = left


def _tick(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:g} ms" if seconds else "0"
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:g} s"
    return span_of_time(seconds).replace(" 00 s", "").replace(" 00 min", "").replace(" 0 h", "")
