"""Items and headings as steps."""

# ruff: noqa: RUF001  # full-width and long signs are what people type

import re
from dataclasses import replace

from drillbook.compiler.document import Attachment, LineKind, Role, Step, Task
from drillbook.compiler.reader.outline import Item, Section
from drillbook.compiler.reader.scan import Block, BlockKind
from drillbook.compiler.reader.tasks import (
    Page,
    attachment_of,
    directive_of,
    inside_of,
    is_aside,
    options_of,
    span_of,
    task_of,
    text_of,
    told_text,
)
from drillbook.compiler.reader.words import (
    NOT_STEPS,
    Kind,
    bold_title,
    is_alternative,
    is_optional,
    numbered,
    plain,
    role_of,
    step_title,
    title_of,
)

_AFTER_TITLE = re.compile(r"\s*(?:\*\*|__)(.+?)(?:\*\*|__)(?P<after>.*)$", re.DOTALL)
_ENDS_TITLE = re.compile(r"\s*(?:$|[:：.(（\[—–\-→|,;`]|\n)")


def item_step(item: Item, page: Page, number: int, role: Role | None, confidence: float) -> Step:
    """Return the step a list item is; without bullets it is its own task."""
    block = item.block
    page.take(block, LineKind.STEP)
    text = text_of(block)
    title, rest = split_title(text)
    directive = directive_of(block, page.lines)
    options, items = options_of(item, page) if directive else ((), item.items)
    inside = inside_of(item, page, items, LineKind.TASK)
    own: tuple[Task, ...] = ()
    if directive or not inside.tasks:
        told = text.replace("**", "")
        own = (Task(told, span_of(block), is_optional(told), directive, options),)
    return Step(
        number=number,
        title=title,
        span=span_of(block),
        role=role or role_of(title),
        optional=is_optional(text),
        description="\n".join(t for t in (rest, inside.description) if t),
        tasks=own + inside.tasks,
        attachments=inside.attachments,
        confidence=confidence,
    )


def split_title(text: str) -> tuple[str, str]:
    """Return a step's title and the text after it: the bold words, or all of it."""
    bold = bold_title(text)
    match = _AFTER_TITLE.match(text) if bold else None
    if bold and match and _ENDS_TITLE.match(match["after"]) and len(bold) > 1:
        after = match["after"].strip()
        if after.startswith(("(", "（")) and len(after) < 40:  # noqa: PLR2004  # "(if needed)"
            return plain(f"{bold} {after}"), ""
        return title_of(bold), plain(after.lstrip(":：.—–- "))
    step = numbered(text) if text[:1].isalpha() else None
    if step and step.worded:
        return step.title, ""
    return plain(text), ""


def heading_step(
    section: Section, page: Page, number: int, role: Role | None, confidence: float
) -> Step:
    """Return the step a heading is: its bullets and boxes are tasks, text its description."""
    title = step_title(section.title)
    page.ledger.take(section.line, section.end, LineKind.STEP)
    body = _Body(page)
    body.read(section)
    for child in section.children:
        body.read_below(child)
    where = _section_span(section)
    tasks = tuple(body.tasks)
    if not tasks:
        tasks = (Task(title, span_of(where), is_optional(section.title)),)
    return Step(
        number=number,
        title=title,
        span=span_of(where),
        role=role or role_of(title),
        optional=is_optional(section.title),
        description="\n".join(body.texts),
        tasks=tasks,
        attachments=tuple(body.attachments),
        confidence=confidence,
    )


def _section_span(section: Section) -> Block:
    return section.heading or Block(BlockKind.HEADING, section.line, max(section.end, 1))


class _Body:
    """Gathers what stands under a heading that is a step."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.tasks: list[Task] = []
        self.texts: list[str] = []
        self.attachments: list[Attachment] = []

    def read(self, section: Section, *, told: bool = False) -> None:
        """Read a section's own content."""
        if section.inline:
            self.texts.append(plain(section.inline))
        aside = told
        for part in section.content:
            if isinstance(part, Item):
                if aside:
                    self.texts.append(told_text(part, self.page))
                else:
                    self.tasks.append(task_of(part, self.page))
            elif part.kind in (BlockKind.FENCE, BlockKind.TABLE):
                self.attachments.append(attachment_of(part, self.page))
            elif part.kind is BlockKind.PARAGRAPH:
                self.page.take(part, LineKind.DESCRIPTION)
                self.texts.append(part.text)
                aside = told or is_aside(part.text)

    def read_below(self, top: Section) -> None:
        """Read a section under the step, and all below it."""
        for section in top.walk():
            told = section.kind in NOT_STEPS
            before = len(self.tasks)
            titled = self._title(section, told=told)
            self.read(section, told=told)
            if titled:
                inside = tuple(self.tasks[before:])
                title = step_title(section.title)
                where = span_of(_section_span(section))
                self.tasks[before:] = [Task(title, where, is_optional(title), children=inside)]

    def _title(self, section: Section, *, told: bool) -> bool:
        """Take a section's title, and return whether it is a task that holds the others."""
        groups = bool(section.items) and is_alternative(section.title)
        acts = not section.items and not section.is_label and _acts(section)
        titled = not told and (groups or acts)
        kind = LineKind.TASK if titled else LineKind.DESCRIPTION
        self.page.ledger.take(section.line, section.end, kind)
        if not titled:
            self.texts.append(plain(section.title))
        return titled


def _acts(section: Section) -> bool:
    has_body = bool(section.own(BlockKind.FENCE) or section.own(BlockKind.PARAGRAPH))
    return has_body and section.kind not in (Kind.PREREQUISITES, Kind.SYMPTOMS)


def renumbered(steps: list[Step]) -> tuple[Step, ...]:
    """Return the steps numbered as they stand: what the author wrote may be wrong."""
    return tuple(
        step if step.number == number else replace(step, number=number)
        for number, step in enumerate(steps, 1)
    )
