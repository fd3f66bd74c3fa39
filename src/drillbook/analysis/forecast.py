"""From times measured on a copy to what production's users will feel."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from drillbook.core.rehearsal import (
    DANGEROUS_SECONDS,
    Forecast,
    ForecastCompared,
    Growth,
    Observed,
    TableForecast,
)

FELT_SECONDS = 0.001
WORK_ROWS = 1_000  # with fewer rows the fixed cost hides how the rest grows
NAMED_AT_MOST = 3
TWICE = 2.0
UNFELT_SECONDS = 0.05  # two waits as short as this are alike
LONGEST_SHARE = 0.2
THOUSAND, MILLION = 1_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return max(0.0, self.end - self.start)

    def within(self, other: "Span") -> float:
        """Return how many seconds of it lie in another one."""
        return max(0.0, min(self.end, other.end) - max(self.start, other.start))


@dataclass(frozen=True, slots=True)
class Ran:
    """
    When a statement ran; in production it has `factor` times the work, at `pace` times the time.

    One that commits by itself while it runs (`in_phases`) takes its short locks for moments that
    do not grow with the table.
    """

    span: Span
    factor: float
    pace: float = 1.0
    in_phases: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """When reads and writes of a table had to wait, or would have had to."""

    table: str
    reads: tuple[Span, ...]
    writes: tuple[Span, ...]


def factor_of(
    work: Mapping[str, int], copied: Mapping[str, int], production: Mapping[str, int]
) -> float:
    """Return how many times more work production has: by the rows of each table it touched."""
    weighed = [
        (rows, max(1.0, production.get(table, 0)) / max(1.0, copied.get(table, 0)))
        for table, rows in work.items()
        if table in copied and table in production
    ]
    total = sum(rows for rows, _ in weighed)
    if total < WORK_ROWS:
        return 1.0
    return sum(rows * ratio for rows, ratio in weighed) / total


def growth_of(work: Mapping[str, int], *, blocks: bool) -> Growth:
    """Return the class of a statement: constant, or growing with or without others waiting."""
    if sum(work.values()) < WORK_ROWS:
        return Growth.CONSTANT
    return Growth.BLOCKING if blocks else Growth.FREE


def in_production(span: Span, ran: Iterable[Ran]) -> float:
    """Return how long a wait becomes: each part of it grows as the statement it waited for."""
    seconds = 0.0
    for one in ran:
        part = span.within(one.span)
        moment = one.in_phases and part < LONGEST_SHARE * one.span.seconds
        seconds += part * (1.0 if moment else one.factor) * one.pace
    return seconds


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the spans without overlaps, in order."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda one: one.start):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return tuple(found)


def forecast(
    ran: Sequence[Ran],
    kept: Iterable[Kept],
    rows: Mapping[str, int],
    *,
    threshold_seconds: float = DANGEROUS_SECONDS,
    rows_rewritten: int = 0,
    rows_changed: int = 0,
    scale: float = 1.0,
    deadlocks: tuple[str, ...] = (),
) -> Forecast:
    """Return what production's users will feel; `rows` are production's, by table."""
    tables = [
        TableForecast(
            table=one.table,
            reads_seconds=_longest(one.reads, ran),
            writes_seconds=_longest(one.writes, ran),
            rows=rows.get(one.table, 0),
        )
        for one in kept
    ]
    felt = sorted((one for one in tables if _wait(one) >= FELT_SECONDS), key=_wait, reverse=True)
    found = Forecast(
        says="",
        dangerous=any(_wait(one) >= threshold_seconds for one in felt),
        seconds=round(sum(one.span.seconds * one.factor * one.pace for one in ran), 3),
        threshold_seconds=threshold_seconds,
        tables=tuple(felt),
        rows_rewritten=rows_rewritten,
        rows_changed=rows_changed,
        scale=round(scale, 3),
        deadlocks=deadlocks,
    )
    return found.model_copy(update={"says": says(found)})


def says(found: Forecast) -> str:
    """Return a forecast in a sentence, the worst table first."""
    worst = [one for one in found.tables if _wait(one) >= found.threshold_seconds]
    parts = [_table_says(one) for one in worst[:NAMED_AT_MOST]]
    if len(worst) > NAMED_AT_MOST:
        parts.append(f"{len(worst) - NAMED_AT_MOST} more tables")
    if not parts:
        longest = max((_wait(one) for one in found.tables), default=0.0)
        parts.append(f"nobody waits longer than {seconds_says(longest)}")
    if found.rows_rewritten:
        parts.append(f"{count_says(found.rows_rewritten)} rows rewritten")
    if found.rows_changed:
        parts.append(f"{count_says(found.rows_changed)} rows changed")
    if found.deadlocks:
        parts.append(f"deadlocks with writers of {' and '.join(found.deadlocks)}")
    return "; ".join(parts)


def compare(foretold: Forecast, shown: Observed) -> ForecastCompared:
    """Hold a forecast against what production then showed."""
    expected = {one.table: _wait(one) for one in foretold.tables}
    seen = {one.table: _wait(one) for one in shown.tables}
    names = sorted({*expected, *seen}, key=lambda name: -seen.get(name, 0.0))
    wrong = [n for n in names if not _alike(expected.get(n, 0.0), seen.get(n, 0.0))]
    told = max(expected.values(), default=0.0)
    was = max(seen.values(), default=0.0)
    sentence = f"foretold was a wait of {seconds_says(told)}, production showed {seconds_says(was)}"
    if wrong:
        first = wrong[0]
        sentence += (
            f"; {first} was foretold {seconds_says(expected.get(first, 0.0))} "
            f"and waited {seconds_says(seen.get(first, 0.0))}"
        )
    return ForecastCompared(held=not wrong, says=sentence)


def seconds_says(seconds: float) -> str:
    """Return a time as people say it: `7.4 s`, `35 ms`."""
    if seconds < 1:
        return f"{seconds * THOUSAND:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds:,.0f} s"  # noqa: PLR2004 - three digits are enough


def count_says(count: int) -> str:
    """Return a number of rows as people say it: `2.1 M`, `1,284`."""
    return f"{count / MILLION:.1f} M" if count >= MILLION else f"{count:,}"


def _alike(expected: float, seen: float) -> bool:
    # Waiting less than foretold is no broken promise.
    return seen <= max(expected * TWICE, UNFELT_SECONDS)


def _table_says(one: TableForecast) -> str:
    reads, writes = seconds_says(one.reads_seconds), seconds_says(one.writes_seconds)
    if one.reads_seconds < FELT_SECONDS:
        return f"writes of {one.table} blocked {writes}"
    if one.writes_seconds < FELT_SECONDS:
        return f"reads of {one.table} blocked {reads}"
    return f"reads of {one.table} blocked {reads}, writes {writes}"


def _longest(spans: Iterable[Span], ran: Sequence[Ran]) -> float:
    return round(max((in_production(span, ran) for span in joined(spans)), default=0.0), 3)


def _wait(one: TableForecast) -> float:
    return max(one.reads_seconds, one.writes_seconds)
