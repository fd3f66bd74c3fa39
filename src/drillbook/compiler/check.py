"""A file checked: what it holds, and what is wrong in it; cheap where it has no directives."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drillbook.compiler.collecting import without_collecting
from drillbook.compiler.diagnostics import Diagnostic, Notes
from drillbook.compiler.document import Book, Runbook, Span, Step, Task
from drillbook.compiler.reader import read_book
from drillbook.compiler.strip import stray_directives

if TYPE_CHECKING:
    from drillbook.core.catalog import Catalog
    from drillbook.core.policy import StackFacts

_PLACEHOLDER = re.compile(r"\[[^\[\]]+\](?!\()|<[^<>@]+>|\bT(?:BD|ODO)\b")
_STRAYS = {
    "in a comment": (
        "DB106",
        "a directive in a comment is never carried out",
        "Take it out of the comment, or delete it.",
    ),
    "outside a bullet": (
        "DB108",
        "a directive outside a task binds nothing",
        "Put it at the end of a bullet.",
    ),
    "second on its bullet": (
        "DB107",
        "a bullet has one directive, and this is the second",
        "Give it a bullet of its own.",
    ),
    "not closed by a backtick": (
        "DB109",
        "the directive is not closed",
        "Close it with a backtick on the same line.",
    ),
}


@dataclass(frozen=True, slots=True)
class Counts:
    """What a file holds; a step without bullets is one task."""

    runbooks: int
    procedures: int
    steps: int
    tasks: int
    prerequisites: int
    symptoms: int
    contacts: int
    findings: int


@dataclass(frozen=True, slots=True)
class Checked:
    """A book, what it holds, and what there is to say about it."""

    book: Book
    counts: Counts
    diagnostics: tuple[Diagnostic, ...]


def check_book(
    text: str,
    *,
    name: str,
    catalog: "Callable[[], Catalog] | None" = None,
    stack: "StackFacts | None" = None,
) -> Checked:
    """Read a file and check it; without a catalog, actions are not looked up."""
    with without_collecting():
        return _checked(text, name, catalog, stack)


def _checked(
    text: str, name: str, catalog: "Callable[[], Catalog] | None", stack: "StackFacts | None"
) -> Checked:
    book = read_book(text, name=name)
    notes = Notes()
    _note_contacts(book, notes)
    _note_structure(book, notes)
    note_strays(text, book, notes)
    if "`@" in text and any(_has_directive(runbook) for runbook in book.runbooks):
        # Pydantic, the catalog and CEL cost 0.2 s: a file without directives needs none of them.
        from drillbook.compiler.check_directives import check_directives  # noqa: PLC0415

        check_directives(book, notes, catalog=catalog, stack=stack)
    diagnostics = tuple(notes)
    findings = len(diagnostics) - len(notes.errors)
    return Checked(book, _counts(book, findings), diagnostics)


def note_strays(text: str, book: Book, notes: Notes, *, lines: range | None = None) -> None:
    """Note the directives that bind nothing because of where they stand."""
    directives: set[tuple[int, int]] = set()
    options: dict[int, str] = {}
    for runbook in book.runbooks:
        for task in all_tasks(runbook):
            if task.directive is not None:
                directives.add((task.directive.span.line, task.directive.span.column))
            options |= {option.span.line: option.value for option in task.options}
    in_options = sum(value.count("`@") for value in options.values())
    if text.count("`@") == len(directives) + in_options:
        return  # all of them are read: looking again would cost as much as the reading
    for stray in stray_directives(text):
        # The directive of an `undo:` stands where it should: the task's compilation reads it.
        if stray.span.line not in options and (lines is None or stray.span.line in lines):
            notes.error(stray.span, *_STRAYS[stray.reason])


def lines_of_runbook(book: Book, runbook: Runbook) -> range:
    """Return the lines from a runbook's title to the next runbook."""
    later = [each.span.line for each in book.runbooks if each.span.line > runbook.span.line]
    return range(runbook.span.line, min(later, default=2**31))


def _note_contacts(book: Book, notes: Notes) -> None:
    for contact in book.contacts:
        if found := _PLACEHOLDER.search(contact.value):
            message = f"the contact {contact.role} is still a placeholder: {found[0]}"
            notes.finding(contact.span, "DB001", message, "Write whom to reach, and how.")


def _note_structure(book: Book, notes: Notes) -> None:
    if not any(each.procedures for each in book.runbooks):
        message = book.remark or "no steps were found in this file"
        hint = "`drillbook import` shows how each line was read."
        notes.finding(Span(1), "DB002", message, hint)
    seen: dict[str, int] = {}
    for runbook in book.runbooks:
        if runbook.title in seen:
            message = f"a runbook of this title stands on line {seen[runbook.title]} already"
            notes.finding(runbook.span, "DB003", message, "Give each a title of its own.")
        seen.setdefault(runbook.title, runbook.span.line)


def _has_directive(runbook: Runbook) -> bool:
    return any(task.directive is not None for task in all_tasks(runbook))


def all_tasks(runbook: Runbook) -> Iterable[Task]:
    """Yield every task of a runbook, nested ones too."""
    waiting = [*runbook.prerequisites, *runbook.symptoms]
    waiting += [task for each in runbook.procedures for step in each.steps for task in step.tasks]
    while waiting:
        task = waiting.pop()
        yield task
        waiting += task.children


def _counts(book: Book, findings: int) -> Counts:
    procedures = [each for runbook in book.runbooks for each in runbook.procedures]
    steps = [step for each in procedures for step in each.steps]
    return Counts(
        runbooks=len(book.runbooks),
        procedures=len(procedures),
        steps=len(steps),
        tasks=sum(_tasks_of_step(step) for step in steps),
        prerequisites=sum(_flat(runbook.prerequisites) for runbook in book.runbooks),
        symptoms=sum(_flat(runbook.symptoms) for runbook in book.runbooks),
        contacts=len(book.contacts),
        findings=findings,
    )


def _tasks_of_step(step: Step) -> int:
    return _flat(step.tasks) if step.tasks else 1


def _flat(tasks: Iterable[Task]) -> int:
    waiting, count = list(tasks), 0
    while waiting:
        count += 1
        waiting += waiting.pop().children
    return count
