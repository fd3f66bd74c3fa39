"""The procedures a section holds: lists, numbered headings, tables, fences, paragraphs."""

# ruff: noqa: RUF001  # full-width and long signs are what people type

import re
from dataclasses import dataclass, field

from drillbook.compiler.document import Attachment, LineKind, Procedure, Role, Step
from drillbook.compiler.reader.commands import (
    command_steps,
    fence_steps,
    paired_steps,
    table_steps,
)
from drillbook.compiler.reader.outline import Item, Section
from drillbook.compiler.reader.scan import BlockKind
from drillbook.compiler.reader.steps import heading_step, item_step, renumbered
from drillbook.compiler.reader.tasks import (
    Page,
    attachment_of,
    is_aside,
    span_of,
    told_text,
)
from drillbook.compiler.reader.words import (
    Kind,
    asks_to_tick,
    explains_command,
    is_english,
    is_instruction,
    is_named,
    is_reference,
    kind_of,
    names_automatic,
    numbered,
    plain,
    procedure_title,
    tells_after_label,
    tells_what_happens,
)

_SURE, _LIKELY, _BULLETS, _GUESS = 1.0, 0.9, 0.7, 0.4


@dataclass(slots=True)
class Frame:
    """Where a section stands: the role of its steps and what it is an alternative of."""

    role: Role | None = None
    alternative_of: str = ""


@dataclass(slots=True)
class Own:
    """What was read of a section's own content."""

    steps: list[Step] = field(default_factory=list[Step])
    texts: list[str] = field(default_factory=list[str])
    attachments: list[Attachment] = field(default_factory=list[Attachment])


def own_procedure(section: Section, page: Page, frame: Frame, title: str) -> Procedure | None:
    """Return the procedure in a section's own content, its children left out; or None."""
    if not section.content:
        return None
    own = _own_steps(section, page, frame)
    if not own.steps:
        return None
    page.ledger.take(section.line, section.end, LineKind.HEADING)
    return Procedure(
        title=title,
        span=span_of(section.heading) if section.heading else own.steps[0].span,
        steps=renumbered(own.steps),
        alternative_of=frame.alternative_of,
        confidence=min(step.confidence for step in own.steps),
        description="\n".join(own.texts),
        attachments=tuple(own.attachments),
    )


def _own_steps(section: Section, page: Page, frame: Frame) -> Own:
    items = step_items(section)
    if items:
        return _listed(section, page, frame, items)
    own = Own()
    for block in section.own(BlockKind.TABLE):
        acting = section.kind in _ACTING
        own.steps += table_steps(block, page, frame.role, _BULLETS, acting=acting)
    if not own.steps:
        own.steps = fence_steps(section, page, frame.role)
    if not own.steps and _may_pair(section):
        own.steps = paired_steps(section, page, frame.role, _GUESS)
    acting = section.kind in _ACTING or bool(frame.alternative_of)
    if not own.steps and acting and section.heading is not None:
        own.steps = command_steps(section, page, frame.role, _GUESS)
    if own.steps:
        _rest(section, page, own)
    return own


def _may_pair(section: Section) -> bool:
    return section.kind in _ACTING or section.kind is Kind.UNKNOWN


_ACTING = (Kind.ACTION, Kind.VERIFICATION, Kind.ROLLBACK, Kind.POST_MORTEM, Kind.ESCALATION)


def _listed(section: Section, page: Page, frame: Frame, items: list[Item]) -> Own:
    """Read the section's list as steps, and text and attachments around it."""
    own = Own()
    chosen = {id(item) for item in items}
    confidence = _confidence(section, items)
    for part in section.content:
        if isinstance(part, Item) and id(part) in chosen:
            step = item_step(part, page, len(own.steps) + 1, frame.role, confidence)
            own.steps.append(step)
    _rest(section, page, own)
    return own


def _confidence(section: Section, items: list[Item]) -> float:
    if not items[0].block.ordered:
        return _BULLETS
    return _SURE if section.kind in _ACTING else _LIKELY


def _rest(section: Section, page: Page, own: Own) -> None:
    """Take a section's text and attachments that no step has taken."""
    if section.inline:
        own.texts.append(plain(section.inline))
    for part in section.content:
        first = part.block.line if isinstance(part, Item) else part.line
        if first in page.ledger.kinds:
            continue
        if isinstance(part, Item):
            own.texts.append(told_text(part, page))
        elif part.kind in (BlockKind.FENCE, BlockKind.TABLE):
            own.attachments.append(attachment_of(part, page))
        elif part.kind is BlockKind.PARAGRAPH:
            page.take(part, LineKind.DESCRIPTION)
            own.texts.append(part.text)


def step_items(section: Section) -> list[Item]:
    """Return the section's own items that are steps, by its title and their words."""
    if section.steps is None:
        section.steps = _step_items(section)
    return section.steps


def _step_items(section: Section) -> list[Item]:
    items = _without_asides(section)
    if not items or asks_to_tick(section.title) or _happens(section, items):
        return []
    ordered = [item for item in items if item.block.ordered]
    if ordered:
        return ordered if _orders(section, ordered) else []
    if _all_links(items):
        return []
    boxes = [item for item in items if item.block.box]
    if len(boxes) * 2 >= len(items):
        return boxes
    return items if _bullets_are_steps(section, items) else []


def _happens(section: Section, items: list[Item]) -> bool:
    """Whether items say what comes about by itself, and nobody has to do it."""
    if sum(tells_what_happens(item.text) for item in items) * 2 > len(items):
        return True
    return names_automatic(section.title) and not any(map(_tells, items))


def _bullets_are_steps(section: Section, items: list[Item]) -> bool:
    """Whether bullets tell what to do; the shares were measured on the corpus."""
    if sum(map(_asks, items)) * 2 > len(items):
        return False
    telling = sum(map(_tells, items)) / len(items)
    if section.kind not in _ACTING:
        if sum(explains_command(item.text) for item in items) * 2 > len(items):
            return False
        return telling >= 0.5 and section.kind is Kind.UNKNOWN  # noqa: PLR2004
    if telling >= 0.3:  # noqa: PLR2004
        return True
    checks = section.kind in (Kind.ACTION, Kind.VERIFICATION, Kind.ROLLBACK)
    named = checks and (is_named(section.title) or section.kind is Kind.VERIFICATION)
    unclear = named or not all(item.text.isascii() for item in items)
    return unclear and not _facts(items)


def _without_asides(section: Section) -> list[Item]:
    """Return the items that do not follow a line such as `This will:`."""
    items: list[Item] = []
    aside = False
    for part in section.content:
        if isinstance(part, Item):
            if not aside:
                items.append(part)
        elif part.kind is BlockKind.PARAGRAPH:
            aside = is_aside(part.text) or asks_to_tick(part.text)
    return items


def _orders(section: Section, items: list[Item]) -> bool:
    """Whether an ordered list is a sequence of things to do."""
    if _all_links(items):
        return False
    if section.kind in _ACTING:
        return True
    if all(item.text.rstrip().endswith(("?", "？")) for item in items):
        return False
    if any(item.items or item.blocks or "`" in item.text or item.block.box for item in items):
        return True
    return any(map(_tells, items)) or _may_order(items)


def _may_order(items: list[Item]) -> bool:
    """Whether items without a known verb may be steps: English verbs are known, others less."""
    if len(items) > 2 and is_english(" ".join(item.text for item in items)):  # noqa: PLR2004
        return False
    return any(len(item.text.split()) > 5 or not item.text.isascii() for item in items)  # noqa: PLR2004


def _tells(item: Item) -> bool:
    text = item.text
    if item.block.box or item.blocks or is_instruction(text) or tells_after_label(text):
        return True
    if item.items and kind_of(text) in _ACTING and any(map(_tells, item.items)):
        return True  # `**Verification:**` as a bullet with bullets of its own
    step = numbered(text)
    return step is not None and step.worded


_FIELD = re.compile(
    r"[^:：]{1,60}[:：]\s*(?:$|[(（<\[][^()（）<>\[\]]*[)）>\]]$|_{2,}$|TBD$|TODO$)"
)


def _asks(item: Item) -> bool:
    """Whether an item is a field to fill in or a prompt for the author: `Owner:`, `> Who?`."""
    text = plain(item.text).rstrip()
    bold = item.text.startswith(("**", "__"))  # as the names of fields are
    told = not bold and is_instruction(text) and len(text.split()) > 3  # noqa: PLR2004  # `Link logs:`
    named = _FIELD.match(text) is not None and not (item.items or item.blocks or told)
    return named or text.startswith(">")


def _facts(items: list[Item]) -> bool:
    """Whether most items are `name: value` or links."""
    named = sum(1 for item in items if _names_value(item.text))
    return named * 2 > len(items)


def _names_value(text: str) -> bool:
    head, colon, value = plain(text).partition(":")
    return bool(colon and value.strip()) and len(head.split()) <= 4  # noqa: PLR2004  # as a name is


def _all_links(items: list[Item]) -> bool:
    return all(is_reference(item.text) and not item.items for item in items)


def headings_procedure(
    parent: Section, sections: list[Section], page: Page, frame: Frame, confidence: float
) -> Procedure:
    """Return the procedure whose steps are headings."""
    steps = [
        heading_step(section, page, number, frame.role, confidence)
        for number, section in enumerate(sections, 1)
    ]
    title = procedure_title(parent.title) if parent.title else "Steps"
    return Procedure(
        title=title,
        span=span_of(parent.heading) if parent.heading else steps[0].span,
        steps=renumbered(steps),
        alternative_of=frame.alternative_of,
        confidence=confidence,
    )
