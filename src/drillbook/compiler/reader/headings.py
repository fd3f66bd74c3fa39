"""Which headings are steps: by number, by words, and by what they hold."""

from dataclasses import dataclass

from drillbook.compiler.reader.commands import numbered_lines, pairs, shows_commands
from drillbook.compiler.reader.outline import Section
from drillbook.compiler.reader.procedures import step_items
from drillbook.compiler.reader.scan import BlockKind
from drillbook.compiler.reader.words import (
    Kind,
    holds_alternatives,
    is_alternative,
    is_generic,
    is_instruction,
    is_phase,
    numbered,
    step_title,
)

_WORDED, _NUMBERED, _PLAIN = 0.95, 0.8, 0.6
_ACTING = (Kind.ACTION, Kind.VERIFICATION, Kind.ROLLBACK, Kind.POST_MORTEM)
_CHAPTERS = frozenset(
    {
        Kind.ABOUT,
        Kind.PREREQUISITES,
        Kind.SYMPTOMS,
        Kind.CONTACTS,
        Kind.REFERENCES,
        Kind.FACTS,
        Kind.CAUSES,
        Kind.LATER,
        Kind.CRITERIA,
        Kind.CONTENTS,
        Kind.INPUTS,
        Kind.NOT_TO_DO,
        Kind.TEMPLATE,
        Kind.EFFECTS,
    }
)


@dataclass(frozen=True, slots=True)
class Choice:
    """The sections (by id) that are steps, and how sure that is."""

    steps: frozenset[int]
    confidence: float


def chosen_steps(parent: Section, children: list[Section]) -> Choice:
    """Return which of the sections below a section are the steps of one procedure."""
    if not children:
        return Choice(frozenset(), _PLAIN)
    counted = [child for child in children if numbered(child.title)]
    worded = [child for child in counted if _is_worded(child) and not _is_phase(child)]
    if worded:
        return Choice(frozenset(map(id, worded)), _WORDED)
    counted = [child for child in counted if not _is_worded(child)]
    if len(counted) > 1 and are_steps(counted):
        steps = [c for c in counted if c.kind not in _CHAPTERS or is_phase(c.title)]
        return Choice(frozenset(map(id, steps)), _NUMBERED)
    if holds_alternatives(parent.title):
        return Choice(frozenset(), _PLAIN)
    plain = [child for child in children if _is_plain_step(parent, child)]
    if len(plain) > 1 or (plain and (parent.kind in _ACTING or plain[0].own(BlockKind.FENCE))):
        return Choice(frozenset(map(id, plain)), _PLAIN)
    boxed = [child for child in children if is_boxed(child)]
    return Choice(frozenset(map(id, boxed)) if len(boxed) > 1 else frozenset(), _NUMBERED)


def _is_worded(section: Section) -> bool:
    step = numbered(section.title)
    return step is not None and step.worded


def _is_phase(section: Section) -> bool:
    """Whether a numbered stage holds a list of its own, and so is more than a step."""
    phase = section.title.casefold().lstrip("*_ ").startswith(("phase", "stage", "阶段", "этап"))
    if not phase:
        return False
    return any(any(item.block.ordered for item in below.items) for below in section.walk())


def are_steps(sections: list[Section]) -> bool:
    """Whether numbered headings are the steps of one procedure, by what they hold."""
    known = sum(1 for s in sections if s.kind in _CHAPTERS and not is_phase(s.title))
    if known * 3 >= len(sections) or any(map(_is_chapter, sections)):
        return False
    holding = sum(1 for section in sections if _holds_parts(section))
    listing = sum(1 for section in sections if _lists(section))
    return holding * 2 < len(sections) and listing * 2 <= len(sections)


def _is_chapter(section: Section) -> bool:
    """Whether a numbered heading is the procedure of the file, or holds counted steps."""
    if is_generic(step_title(section.title)) and (section.children or section.items):
        return True
    worded = sum(_is_worded(child) for child in section.children)
    return worded > 1


def _lists(section: Section) -> bool:
    return any(item.block.ordered for item in section.items)


def _holds_parts(section: Section) -> bool:
    return any(
        (child.kind is not Kind.UNKNOWN or numbered(child.title) is not None)
        for child in section.children
        if not child.is_label or (child.kind is Kind.ACTION and _lists(child))
    )


def _is_plain_step(parent: Section, section: Section) -> bool:
    """Whether a heading without a number is a step: it tells what to do, and shows how."""
    empty = not (section.blocks or section.children)
    if empty or section.kind not in (Kind.UNKNOWN, Kind.ACTION, Kind.VERIFICATION):
        return False
    if is_alternative(section.title) or any(map(step_items, section.walk())):
        return False
    fences = [f for below in section.walk() for f in below.own(BlockKind.FENCE)]
    fences = [fence for fence in fences if shows_commands(fence)]
    tells = is_instruction(step_title(section.title))
    numbers = any(len(numbered_lines(fence)) > 1 for fence in fences)
    if numbers or (not tells and len(pairs(section)) > 1):
        return False
    holds = bool(fences or section.own(BlockKind.PARAGRAPH))
    if section.is_label:
        return tells and holds
    holds = holds or bool(section.items)
    if parent.kind in _ACTING and parent.level:
        return holds and (tells or bool(fences))
    return tells and holds


def is_boxed(section: Section) -> bool:
    """Whether a section holds boxes to tick and no other list: a phase with its tasks."""
    items = section.items
    if not items or section.kind in _CHAPTERS or not step_items(section):
        return False
    return all(item.block.box and not item.block.ordered for item in items)
