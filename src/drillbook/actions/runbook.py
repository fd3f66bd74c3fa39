"""Put what a run taught into the book it was planned from: a diff for the team to review."""

from drillbook.analysis.lessons import Lesson, diff_of, edited, lessons
from drillbook.analysis.postmortem.reading import Trail
from drillbook.core.catalog import Domain
from drillbook.core.effect import Effect, Evidence
from drillbook.core.errors import DrillbookError
from drillbook.core.model import Frozen
from drillbook.ports.run_record import RunRecord, RunRecords

domain = Domain("runbook")


class Suggested(Frozen):
    """
    A change to the book, or none: `lessons` says what was learned, `diff` is for `git apply`.

    `book` is the path the diff is for, from the root of the repository. A shipped book is not
    changed: the diff then makes a copy of the team's own, which is taken before the shipped one.
    """

    found: bool
    known: bool
    book: str
    lessons: tuple[str, ...]
    diff: str
    says: str
    evidence: Evidence | None = None


@domain.read
def suggest(records: RunRecords, effect: Effect, *, run: str = "") -> Suggested:
    """
    Suggest a change to the book from what this run, or `run`, taught; none where it taught nothing.

    An edit that `drillbook check` would have something to say about is left out.
    """
    try:
        record = records.read(run or effect.run)
    except DrillbookError as error:
        return _nothing(f"nothing suggested: {error}", known=False)
    if record.book_text is None:
        return _nothing(f"nothing suggested: {record.book_says}", known=False)
    learned = lessons(Trail(record.plan, record.entries), record.book_text)
    kept = _clean(learned, records, record, record.book_text)
    if not kept:
        return _nothing("this run taught nothing that the book does not say", known=True)
    text = edited(record.book_text, [each.edit for each in kept])
    diff = diff_of(record.book_path, None if record.book_is_shipped else record.book_text, text)
    return Suggested(
        found=True,
        known=True,
        book=record.book_path,
        lessons=tuple(each.says for each in kept),
        diff=diff,
        says=f"{len(kept)} suggested for {record.book_path}: "
        + "; ".join(each.says for each in kept),
        evidence=_kept(effect, diff),
    )


def _clean(
    learned: list[Lesson], records: RunRecords, record: RunRecord, text: str
) -> list[Lesson]:
    """Return the lessons after which the check finds no more than before, taken together."""
    before = set(records.findings(record.plan.book, text))
    kept: list[Lesson] = []
    for each in learned:
        tried = edited(text, [*(one.edit for one in kept), each.edit])
        if set(records.findings(record.plan.book, tried)) <= before:
            kept.append(each)
    return kept


def _nothing(says: str, *, known: bool) -> Suggested:
    return Suggested(found=False, known=known, book="", lessons=(), diff="", says=says)


def _kept(effect: Effect, diff: str) -> Evidence | None:
    try:
        return effect.keep("runbook.patch", diff.encode(), "text/x-diff")
    except LookupError:
        return None  # nobody keeps evidence: the action was called by hand
