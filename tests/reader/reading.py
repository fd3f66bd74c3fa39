"""A book as an outline that can be written by hand and compared."""

from collections.abc import Iterator
from pathlib import Path

from drillbook.compiler.document import Book, Role, Step, Task
from drillbook.compiler.reader import decode, read_book


def read_file(path: Path) -> Book:
    return read_book(decode(path.read_bytes(), name=path.name), name=path.name)


def outline_of(book: Book) -> list[str]:
    """Return one line for each thing read; see corpus/README.md for the signs."""
    return list(_outline(book))


def _outline(book: Book) -> Iterator[str]:
    for runbook in book.runbooks:
        yield f"= {runbook.title}"
        yield from (f": {row.name}" for row in runbook.inputs)
        yield from (f"? {task.text}" for task in runbook.prerequisites)
        yield from (f"! {task.text}" for task in runbook.symptoms)
        for procedure in runbook.procedures:
            other = procedure.alternative_of
            yield f"# {procedure.title}" + (f" | alternative of {other}" if other else "")
            for step in procedure.steps:
                yield from _step(step)
    yield from (f"@ {contact.role} => {contact.value}" for contact in book.contacts)
    lines = sum(1 for s in book.skipped for line in s.text.split("\n") if line.strip())
    yield f"~ {lines}"


def _step(step: Step) -> Iterator[str]:
    role = "" if step.role is Role.FORWARD else f" [{step.role}]"
    yield f"{step.number}. {step.title}{role}{' [optional]' if step.optional else ''}"
    tasks = [task for task in step.tasks if task.span.line != step.span.line]
    yield from _tasks(tuple(tasks), "  ")


def _tasks(tasks: tuple[Task, ...], indent: str) -> Iterator[str]:
    for task in tasks:
        yield f"{indent}- {task.text}"
        yield from _tasks(task.children, indent + "  ")


def steps_in(outline: list[str]) -> list[str]:
    """Return the titles of the steps in an outline, without number and marks."""
    return [line.partition(". ")[2].partition(" [")[0] for line in outline if line[:1].isdigit()]
