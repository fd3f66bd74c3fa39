"""What page and Markdown both say about a task in a few words, and how to check a report."""

import re
from collections.abc import Iterator

from drillbook.web.report.report import RunReport, TaskReport, TaskState, Value
from drillbook.web.report.wording import DIGEST, brief, plural

MOST_VALUES = 3
LONGEST = 40
EMPTY = ("", "[]", "{}", "null")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\S+")
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
    names = {value.name.rpartition(".")[2] for value in seen}
    told = [v for v in task.result.values if not _is_dull(v) and v.name not in names]
    told.sort(key=lambda value: value.name != "says")
    return seen + told


def _is_dull(value: Value) -> bool:
    text = value.text
    return (
        text in EMPTY
        or value.characters > 0
        or bool(DIGEST.fullmatch(text) or MOMENT.fullmatch(text))
    )


def undo_seconds(task: TaskReport) -> float:
    """Return how long it took to take a write back, all attempts together."""
    return sum(attempt.seconds for attempt in task.undo)


def checks(report: RunReport) -> tuple[str, ...]:
    """Return the commands that check this report against the sealed journal."""
    run = report.header.run
    return (
        "drillbook journal verify",
        "drillbook journal keys > journal.pub",
        f"drillbook journal export {run} -o {run}.zip",
        f"drillbook journal verify-bundle {run}.zip --key journal.pub",
    )
