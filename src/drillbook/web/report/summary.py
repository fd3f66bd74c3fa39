"""What page and Markdown both say about a task in a few words, and how to check a report."""

import re
from collections.abc import Iterator

from drillbook.web.report.report import RunReport, TaskReport, TaskState, Value
from drillbook.web.report.wording import brief, plural

MOST_VALUES = 3
LONGEST = 40
EMPTY = ("", "[]", "{}", "null")
DIGEST = re.compile(r"[0-9a-f]{32,128}")
LONGEST_WHY = 100


def abouts(task: TaskReport) -> Iterator[str]:
    """Yield the few things worth knowing about a task without opening it."""
    if task.does:
        yield f"{task.does} on {task.on}" if task.on else task.does
    elif task.kind == "human":
        yield "by a person"
    if task.state is TaskState.SKIPPED and task.why:
        yield brief(task.why, LONGEST_WHY)
    if task.retries:
        yield plural(len(task.attempts), "attempt")
    given = [consent.by for consent in task.consents if consent.what == "given"]
    if given:
        yield f"approved by {', '.join(dict.fromkeys(given))}"
    if task.answers:
        answer = task.answers[-1]
        yield brief(f"{answer.says} by {answer.by}", LONGEST_WHY)
    if task.expect and task.expect.held is not None:
        yield "as expected" if task.expect.held else "not as expected"
    for value in _telling(task)[:MOST_VALUES]:
        yield f"{value.name} {brief(value.text, LONGEST)}"


def _telling(task: TaskReport) -> list[Value]:
    """Return the values worth a glance: those expected first, then what is said in words."""
    seen = list(task.expect.seen) if task.expect else []
    told = [value for value in task.result.values if not _is_dull(value)]
    told.sort(key=lambda value: value.name != "says")
    return seen + told


def _is_dull(value: Value) -> bool:
    return value.text in EMPTY or bool(DIGEST.fullmatch(value.text)) or value.characters > 0


def undo_seconds(task: TaskReport) -> float:
    """Return how long it took to take a write back, all attempts together."""
    return sum(attempt.seconds for attempt in task.undo)


def checks(report: RunReport) -> tuple[str, ...]:
    """Return the commands that check this report against the sealed journal."""
    run = report.header.run
    return (
        "drillbook journal verify",
        f"drillbook runs show {run}",
        f"drillbook journal export {run}",
    )
