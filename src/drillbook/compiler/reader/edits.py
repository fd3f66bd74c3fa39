"""The small edits to a file that make its reading explicit."""

# ruff: noqa: RUF001  # full-width and long signs are what people type

import re
from collections.abc import Iterator
from dataclasses import dataclass

from drillbook.compiler.document import Book, Runbook, Step
from drillbook.compiler.reader.words import numbered, runbook_title
from drillbook.compiler.source import front_matter_end, lines_of, lines_with_ends

_HEADING = re.compile(r"(?P<lead>#{1,6}[ \t]+)(?P<title>\S.*)$")
_BULLET = re.compile(r"(?P<lead>[ \t]*)[-*+•][ \t]+(?:\[[ xX]?\][ \t]+)?(?P<text>\S.*)$")
_BOLD = re.compile(r"(?P<lead>\*\*|__)(?P<title>[^*_\s][^*]*)$")
_SURE = 1.0
_UNSURE = 0.6  # what is less sure, in a fence or paragraph, takes more than a small edit


@dataclass(frozen=True, slots=True)
class Edit:
    """One line to change; `before` is empty where a line is added above `line`."""

    line: int
    before: str
    after: str
    why: str


def explicit_edits(text: str, book: Book) -> tuple[Edit, ...]:
    """Return the edits after which a file says itself what was read in it."""
    lines = lines_of(text)
    edits = [edit for runbook in book.runbooks for edit in _runbook_edits(runbook, lines)]
    first: dict[int, Edit] = {}
    for edit in edits:
        first.setdefault(edit.line, edit)
    return tuple(first[line] for line in sorted(first))


def apply_edits(text: str, edits: tuple[Edit, ...]) -> str:
    """Return the text with the edits made; line ends stay as they are."""
    by_line = {edit.line: edit for edit in edits}
    kept: list[str] = []
    for at, line in enumerate(lines_with_ends(text), 1):
        edit = by_line.get(at)
        if edit is None:
            kept.append(line)
        elif edit.before:
            kept.append(line.replace(edit.before, edit.after, 1))
        else:
            end = line[len(line.rstrip("\r\n")) :] or "\n"
            kept.append(f"{edit.after}{end}{end}{line}")
    return "".join(kept)


def _runbook_edits(runbook: Runbook, lines: list[str]) -> Iterator[Edit]:
    yield from _title_edit(runbook, lines)
    for procedure in runbook.procedures:
        for step in procedure.steps:
            if _UNSURE <= step.confidence < _SURE:
                yield from _step_edit(step, lines)


def _title_edit(runbook: Runbook, lines: list[str]) -> Iterator[Edit]:
    at = runbook.span.line
    heading = _HEADING.match(lines[at - 1]) if at <= len(lines) else None
    if heading is None:
        headed = any(line.startswith("# ") for line in lines)
        if runbook.form == "the file is the runbook" and not headed:
            top = front_matter_end(lines) + 1
            yield Edit(top, "", f"# Runbook: {runbook.title}", "the file has no title")
        return
    if runbook_title(heading["title"]) is None:
        after = f"{heading['lead']}Runbook: {runbook.title}"
        yield Edit(at, lines[at - 1], after, "a runbook")


def _step_edit(step: Step, lines: list[str]) -> Iterator[Edit]:
    line = lines[step.span.line - 1]
    for pattern in (_HEADING, _BOLD):
        match = pattern.match(line)
        if match is None:
            continue
        counted = numbered(match["title"])
        if counted is None or not counted.worded:
            title = match["title"][: _title_start(match["title"])]
            rest = match["title"][len(title) :]
            after = f"{match['lead']}Step {step.number}: {rest}"
            yield Edit(step.span.line, line, after, "a step")
        return
    bullet = _BULLET.match(line)
    if bullet is not None:
        after = f"{bullet['lead']}{step.number}. {bullet['text']}"
        yield Edit(step.span.line, line, after, "a step")


_NUMBER = re.compile(r"\d{1,3}(?:\.\d{1,3})*(?:[.)、:：．]\s*|\s+[-–—]\s+|\s+)")


def _title_start(title: str) -> int:
    number = _NUMBER.match(title)
    return number.end() if number else 0
