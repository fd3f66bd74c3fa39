"""How a book was read, in words: counts, outline, and the reading beside the text."""

from collections.abc import Iterator

from drillbook.cli.telling import paint, visible
from drillbook.compiler.document import Book, LineKind, Procedure, Role, Runbook, Step, Task

SURE = 0.95
_ROLES = {Role.ROLLBACK: "  (the way back)", Role.POST_MORTEM: "  (after the resolution)"}


def counted(number: int, word: str) -> str:
    """Return `1 step` or `3 steps`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def lines_skipped(book: Book) -> int:
    """Count the lines that were not taken for part of a runbook."""
    return sum(each.span.last_line - each.span.line + 1 for each in book.skipped)


def outline(runbook: Runbook) -> Iterator[str]:
    """Yield a runbook's lines as it was read."""
    yield paint(visible(runbook.title), "bold") + _sure(runbook.confidence)
    if runbook.description:
        yield f"  {visible(_first_line(runbook.description))}"
    for row in runbook.inputs:
        default = f", default {row.default}" if row.default else ""
        yield f"  input {visible(row.name)} ({visible(row.type)}{default}): {visible(row.meaning)}"
    yield from _list("Prerequisites", runbook.prerequisites)
    yield from _list("Symptoms", runbook.symptoms)
    for procedure in runbook.procedures:
        yield from _procedure(procedure)


def _list(title: str, tasks: tuple[Task, ...]) -> Iterator[str]:
    if tasks:
        yield f"  {title}"
    for task in tasks:
        yield from _task(task, "    ")


def _procedure(procedure: Procedure) -> Iterator[str]:
    other = f"  (one of: {visible(procedure.alternative_of)})" if procedure.alternative_of else ""
    yield f"  {visible(procedure.title or 'Steps')}{other}{_sure(procedure.confidence)}"
    for step in procedure.steps:
        yield from _step(step)


def _step(step: Step) -> Iterator[str]:
    optional = "  (if needed)" if step.optional and step.role is Role.FORWARD else ""
    title = paint(visible(step.title), "bold")
    role = _ROLES.get(step.role, "")
    yield f"    {step.number}. {title}{role}{optional}{_sure(step.confidence)}"
    for task in step.tasks:
        if (task.text, task.directive, task.children) != (step.title, None, ()):
            yield from _task(task, "       ")
    for each in step.attachments:
        lines = counted(each.text.count("\n") + 1, "line")
        yield f"       [shown, never run: {each.language or 'text'}, {lines}]"


def _task(task: Task, indent: str) -> Iterator[str]:
    optional = "  (if needed)" if task.optional else ""
    bound = f"  {paint(visible(task.directive.text), 'cyan')}" if task.directive else ""
    yield f"{indent}- {visible(_first_line(task.text))}{optional}{bound}"
    for option in task.options:
        yield f"{indent}    {option.key}: {visible(option.value)}"
    for child in task.children:
        yield from _task(child, f"{indent}  ")


def _first_line(text: str) -> str:
    return " ".join(text.split())


def _sure(confidence: float) -> str:
    if confidence >= SURE:
        return ""
    return paint(f"  [{confidence:.0%} sure]", "yellow")


def side_by_side(book: Book, lines: list[str], width: int) -> Iterator[str]:
    """Yield each line of the file beside what it was read as; skipped lines say why."""
    kinds = {each.line: each.kind for each in book.lines}
    reasons = {
        at: each.reason
        for each in book.skipped
        for at in range(each.span.line, each.span.last_line + 1)
    }
    digits = len(str(len(lines)))
    column = max(len(kind) for kind in LineKind)
    for at, line in enumerate(lines, start=1):
        kind = kinds.get(at)
        word = str(kind or ("skipped" if at in reasons else ""))
        left = f"{at:>{digits}} {word:<{column}} | "
        shown = visible(line).replace("\t", "    ")[: max(20, width - len(left))]
        yield paint(left, "yellow" if at in reasons and not kind else "dim") + shown
        if at in reasons and not kind and at - 1 not in reasons:
            yield " " * (digits + column + 2) + paint(f"  why: {reasons[at]}", "yellow")
