"""One task of the report as Markdown."""

from collections.abc import Iterable, Iterator

from drillbook.web.report.escaping import code, escaped, inline, table
from drillbook.web.report.report import Attempt, Consent, Expectation, Shown, TaskReport
from drillbook.web.report.summary import abouts
from drillbook.web.report.wording import clock, plural, short, span_of_time


def task_lines(task: TaskReport) -> Iterator[str]:
    """Yield a task's heading and everything the record holds of it."""
    yield from (f"#### {inline(task.id)} {inline(task.text)}", "")
    state = f"**{task.state.value}**" + (f", {task.back.value}" if task.back else "")
    about = [inline(said) for said in abouts(task)]
    if task.attempts:
        about.append(f"took {span_of_time(task.work_seconds)}")
    if task.wait_seconds:
        about.append(f"waited {span_of_time(task.wait_seconds)} for people")
    yield from (" · ".join([state, *about]), "")
    yield from _notes(task)
    yield from values_lines(task.given, "Values given")
    yield from values_lines(task.result, "Values seen")
    if len(task.attempts) > 1 or task.retries:
        yield from _attempt_lines(task.attempts, "Attempt")
    yield from _consent_lines(task.consents)
    if task.undo:
        yield from _attempt_lines(task.undo, "Taking it back")


def _notes(task: TaskReport) -> Iterator[str]:
    notes = [f"Error: {inline(task.error)}"] if task.error else []
    if task.why and not task.error:
        notes.append(escaped(task.why))
    if task.when:
        seen = ", ".join(f"{inline(v.name)} is {inline(v.text)}" for v in task.seen)
        notes.append(f"Only when {code(task.when)}" + (f": {seen}" if seen else ""))
    if task.expect:
        notes.append(_expected(task.expect))
    if task.needs:
        notes.append(f"Needs {inline(task.needs)}")
    for answer in task.answers:
        note = f": {inline(answer.note)}" if answer.note else ""
        notes.append(
            f"{escaped(answer.says)} by {inline(answer.by)} at {clock(answer.at)}, after "
            f"{span_of_time(answer.waited_seconds)}{note} (entry {answer.index})"
        )
    notes += [escaped(said) for said in task.ignored]
    if task.way_back:
        notes.append(f"Way back: {inline(task.way_back)}")
    if task.evidence:
        notes.append("Evidence: " + ", ".join(code(short(digest)) for digest in task.evidence))
    if notes:
        yield from (*(f"- {note}" for note in notes), "")


def _expected(expect: Expectation) -> str:
    held = {True: "held", False: "did not hold", None: "was not looked at"}[expect.held]
    seen = ", ".join(f"{inline(value.name)} is {inline(value.text)}" for value in expect.seen)
    return f"Expected {code(expect.text)}: {held}" + (f"; {seen}" if seen else "")


def values_lines(shown: Shown, caption: str) -> Iterator[str]:
    """Yield values as a table, and each list of alike values as a table of its own."""
    if shown.values:
        rows = []
        for value in shown.values:
            cut = f" … (cut: {value.characters:,} characters in all)" if value.characters else ""
            rows.append((code(value.name), inline(value.text) + cut))
        yield from (*table((caption, "Value"), rows), "")
    for grid in shown.grids:
        cells = [tuple(map(inline, row)) for row in grid.rows]
        yield from (f"{caption}: {code(grid.name)}", "")
        yield from (*table(tuple(map(inline, grid.columns)), cells), "")
        if grid.left_out:
            yield from (f"{plural(grid.left_out, 'row')} more in the record.", "")
    if shown.left_out:
        yield from (f"{plural(shown.left_out, 'value')} more in the record.", "")


def _attempt_lines(attempts: Iterable[Attempt], word: str) -> Iterator[str]:
    rows = [
        (str(number), clock(one.began_at), span_of_time(one.seconds), one.state.value,
         inline(f"{one.error} {one.hint}".strip()), str(one.index))
        for number, one in enumerate(attempts, 1)
    ]  # fmt: skip
    yield from (*table((word, "Began", "Took", "Ended", "What it said", "Entry"), rows), "")


def _consent_lines(consents: tuple[Consent, ...]) -> Iterator[str]:
    if not consents:
        return
    rows = [
        (clock(one.at), one.what, inline(one.by), code(short(one.plan)) if one.plan else "",
         code(short(one.digest)) if one.digest else "", inline(one.note), str(one.index))
        for one in consents
    ]  # fmt: skip
    columns = ("Approval", "What", "By", "Bound to plan", "and to state", "Note", "Entry")
    yield from (*table(columns, rows), "")
