"""The evidence for and against each candidate as a table for people, in Markdown."""

from collections.abc import Iterator
from datetime import UTC, datetime

from drillbook.analysis.culprit import Judgement
from drillbook.core.incident import Candidate, Change
from drillbook.core.secret import scrub
from drillbook.triage.gathering import Gathered

MOST_SHOWN = 8
LONGEST_CELL = 200


def evidence_table(gathered: Gathered, judged: Judgement, now: datetime) -> str:
    """Return what was seen, what was weighed, and what was not known."""
    return scrub("\n".join(_lines(gathered, judged, now))) + "\n"


def _lines(gathered: Gathered, judged: Judgement, now: datetime) -> Iterator[str]:
    yield f"# Triage of {now:%Y-%m-%d %H:%M:%S} UTC"
    yield ""
    yield judged.says
    yield ""
    yield f"What users feel: {gathered.felt.says}."
    if gathered.scene.trouble is not None:
        onset = judged.onset or gathered.scene.trouble.onset
        yield (
            f"Since {_clock(onset.at)} UTC, between {_clock(onset.earliest)} and "
            f"{_clock(onset.latest)} with 95 %."
        )
    yield f"To do: {judged.fix.kind}: {judged.fix.says}."
    yield ""
    yield f"None of these: {judged.none:.1%}."
    for one in judged.candidates[:MOST_SHOWN]:
        yield from _candidate(one)
    yield ""
    yield "## What was changed"
    yield ""
    yield from _changes(gathered.scene.changes)
    yield ""
    yield "## What was asked"
    yield ""
    yield "| part | answered | seconds | says |"
    yield "|---|---|---|---|"
    for part in gathered.parts:
        answered = "yes" if part.answered else "no: unknown"
        yield f"| {part.name} | {answered} | {part.seconds:.2f} | {_cell(part.says)} |"


def _candidate(one: Candidate) -> Iterator[str]:
    yield ""
    yield f"## {one.cause.kind}: {one.cause.subject} ({one.probability:.1%})"
    yield ""
    yield f"{one.cause.says}{f'; lacks {one.cause.lacks}' if one.cause.lacks else ''}"
    yield ""
    yield "| weight | observation | from |"
    yield "|---|---|---|"
    for each in one.evidence:
        yield f"| {each.weight:+.1f} | {_cell(each.says)} | {each.source} |"


def _changes(changes: tuple[Change, ...] | None) -> Iterator[str]:
    if changes is None:
        yield "Not known."
        return
    if not changes:
        yield "Nothing in the time looked at."
        return
    yield "| at (UTC) | kind | what | by | from |"
    yield "|---|---|---|---|---|"
    for one in changes:
        yield f"| {one.at:%H:%M:%S} | {one.kind} | {_cell(one.says)} | {one.by} | {one.source} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")[:LONGEST_CELL]


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}"
