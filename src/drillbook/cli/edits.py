"""The small edits that make a reading explicit; each is kept only if the reading stays the same."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from drillbook.compiler.document import Book, Procedure, Runbook, Task
from drillbook.compiler.reader import read_book
from drillbook.compiler.source import lines_with_ends

_HEADING = re.compile(r"(?P<marks>#{1,6})[ \t]+(?P<title>.*?)[ \t]*#*[ \t]*$")
_LABEL = re.compile(r"[ \t]*(?:\*\*|__)?(?P<title>[^*_:]{1,60}):?(?:\*\*|__)?:?[ \t]*$")
_STEPS = re.compile(r"\b(?:steps|procedure)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Edit:
    """One line written anew."""

    line: int
    before: str
    after: str
    why: str


@dataclass(frozen=True, slots=True)
class Edited:
    """A text made more explicit, and what was changed in it."""

    text: str
    edits: tuple[Edit, ...]


def explicit(text: str, *, name: str) -> Edited:
    """Return the text with every edit that makes it surer and changes nothing in its reading."""
    book = read_book(text, name=name)
    done: list[Edit] = []
    for edit in _candidates(book, lines_with_ends(text)):
        changed = _with(text, edit)
        read_again = read_book(changed, name=name)
        if _shape(read_again) == _shape(book) and _sureness(read_again) > _sureness(book):
            text, book = changed, read_again
            done.append(edit)
    return Edited(text, tuple(done))


def _candidates(book: Book, lines: list[str]) -> Iterator[Edit]:
    for runbook in book.runbooks:
        if runbook.confidence < 1 and runbook.span.line <= len(lines):
            yield from _runbook_edit(runbook, lines)
        for procedure in runbook.procedures:
            if procedure.confidence < 1 and procedure.span.line <= len(lines):
                yield from _procedure_edit(procedure, lines)


def _runbook_edit(runbook: Runbook, lines: list[str]) -> Iterator[Edit]:
    line = runbook.span.line
    before, end = _split(lines[line - 1])
    heading = _HEADING.match(before)
    if heading is not None:
        after = f"{heading['marks']} Runbook: {runbook.title}"
        yield Edit(line, before, after + end, "says that this is a runbook")


def _procedure_edit(procedure: Procedure, lines: list[str]) -> Iterator[Edit]:
    line = procedure.span.line
    before, end = _split(lines[line - 1])
    heading = _HEADING.match(before)
    if heading is not None and not _STEPS.search(heading["title"]):
        after = f"{heading['marks']} {heading['title']} Procedure"
        yield Edit(line, before, after + end, "says that steps follow")
    elif heading is None and (label := _LABEL.match(before)):
        title = label["title"].strip()
        named = title if _STEPS.search(title) else f"{title} Procedure"
        yield Edit(line, before, f"### {named}{end}", "makes the label a heading")


def _split(line: str) -> tuple[str, str]:
    body = line.rstrip("\r\n")
    return body, line[len(body) :]


def _with(text: str, edit: Edit) -> str:
    lines = lines_with_ends(text)
    lines[edit.line - 1] = edit.after
    return "".join(lines)


def _shape(book: Book) -> object:
    """Return what must not change: titles of runbooks, steps and tasks, and lines skipped."""
    return (
        [
            (
                _word(runbook.title),
                [_tasks(runbook.prerequisites), _tasks(runbook.symptoms)],
                [
                    [(s.title, s.role, s.optional, _tasks(s.tasks)) for s in procedure.steps]
                    for procedure in runbook.procedures
                ],
            )
            for runbook in book.runbooks
        ],
        [(each.span.line, each.span.last_line) for each in book.skipped],
    )


def _tasks(tasks: tuple[Task, ...]) -> object:
    return [(task.text, task.optional, _tasks(task.children)) for task in tasks]


def _word(title: str) -> str:
    return title.removeprefix("Runbook:").strip().casefold()


def _sureness(book: Book) -> float:
    procedures = [each for runbook in book.runbooks for each in runbook.procedures]
    steps = [step for each in procedures for step in each.steps]
    sure = [[each.confidence for each in kind] for kind in (book.runbooks, procedures, steps)]
    return sum(map(sum, sure))
