"""Which sections of a file are runbooks: by their titles, and by what they hold."""

from dataclasses import dataclass

from drillbook.compiler.reader.headings import are_steps, is_boxed
from drillbook.compiler.reader.outline import Section
from drillbook.compiler.reader.procedures import step_items
from drillbook.compiler.reader.scan import BlockKind
from drillbook.compiler.reader.words import (
    PARTS,
    Kind,
    holds_alternatives,
    is_alternative,
    is_named,
    names_report,
    names_several,
    names_timeline,
    numbered,
    runbook_title,
    step_title,
    title_of,
)


@dataclass(frozen=True, slots=True)
class Root:
    """A section that is a runbook, its title, and how it was recognised."""

    section: Section
    title: str
    form: str
    confidence: float


def runbook_roots(top: Section, *, name: str, title: str = "") -> list[Root]:
    """Return the runbooks of a file in the order of the file; `title` is its front matter's."""
    _adopt(top)
    named = _named(top)
    if named:
        return named
    holder = _holder(top)
    children = [child for child in holder.children if not child.is_label]
    several = _several(holder, children)
    if several:
        return several
    if holder.title:
        shown = runbook_title(holder.title) or title_of(holder.title)
        return [Root(holder, shown, f"the H{holder.level} is the runbook", 0.9)]
    shown = title or _first_line(holder) or _first_title(holder) or _stem(name)
    return [Root(holder, runbook_title(shown) or shown, "the file is the runbook", 0.9)]


def _first_title(section: Section) -> str:
    """Return the first H1 of a file that has several, or nothing."""
    first = section.children[0] if section.children else None
    titled = first is not None and first.level == 1 and first.kind is Kind.UNKNOWN
    return title_of(first.title) if first is not None and titled else ""


def _adopt(top: Section) -> None:
    """Put parts that stand beside a runbook's title, at the same level, below it."""
    for parent in list(top.walk()):
        if len(parent.children) < 2:  # noqa: PLR2004  # a title and a part
            continue
        kept: list[Section] = []
        for child in parent.children:
            before = kept[-1] if kept else None
            if before is not None and _is_title_of(before, child):
                child.parent = before
                before.children.append(child)
            else:
                kept.append(child)
        parent.children = kept


def _is_title_of(title: Section, part: Section) -> bool:
    """Whether a section is a bare title, and the one after it a part of its runbook."""
    if title.level != part.level or title.is_label or part.kind is Kind.UNKNOWN:
        return False
    if runbook_title(part.title):
        return False
    if any(child.level > title.level for child in title.children):
        return bool(runbook_title(title.title)) and part.kind in _ACTING and is_named(part.title)
    first = title.kind is Kind.UNKNOWN and title.level == 1
    return not step_items(title) and bool(first or runbook_title(title.title))


def is_report(top: Section) -> bool:
    """Whether a file tells what happened once, and not what to do."""
    titles = [section.title for section in top.walk() if section.title]
    return bool(titles) and names_report(titles[0]) and any(map(names_timeline, titles))


def _first_line(section: Section) -> str:
    """Return the one line of text a file without headings begins with, or nothing."""
    first = section.blocks[0] if section.blocks else None
    if first is None or first.kind is not BlockKind.PARAGRAPH or first.end - first.line > 1:
        return ""
    words = title_of(first.text)
    return words if len(words.split()) <= 12 and words == words.rstrip(".") else ""  # noqa: PLR2004


def _stem(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2]
    return last.rpartition(".")[0] or last or "Runbook"


def _named(top: Section) -> list[Root]:
    """Return the sections titled `Runbook: X`, and others beside them that hold steps."""
    titles: dict[int, str] = {}
    found: list[Section] = []
    for section in _outermost(top):
        title = runbook_title(section.title)
        if title is not None:
            titles[id(section)] = title
            found.append(section)
    if not found or (len(found) == 1 and names_several(found[0].title)):
        return []
    roots = [Root(s, titles[id(s)], "titled as a runbook", 1.0) for s in found]
    level = min(section.level for section in found)
    for section in top.walk():
        inside = section.parent is not None and id(section.parent) in titles
        beside = section.level == level and not (inside or section.is_label)
        if (
            beside
            and id(section) not in titles
            and section.kind not in PARTS
            and _has_steps(section)
        ):
            roots.append(Root(section, step_title(section.title), "beside titled runbooks", 0.7))
    return sorted(roots, key=lambda root: root.section.line)


def _outermost(top: Section) -> list[Section]:
    """Return the headings not below a heading titled `Runbook: X`, those titles included."""
    found: list[Section] = []
    stack = [top]
    while stack:
        section = stack.pop()
        found.append(section)
        titled = runbook_title(section.title) is not None and not names_several(section.title)
        if not titled:
            stack.extend(child for child in reversed(section.children) if not child.is_label)
    return found


def _holder(top: Section) -> Section:
    """Return the one section that holds all others, or the file."""
    here = top
    while True:
        headings = [child for child in here.children if not child.is_label]
        tops = [h for h in headings if h.level == 1 and any(map(_has_steps, h.walk()))]
        if here is top and len(tops) == 1 and len(headings) == sum(h.level == 1 for h in headings):
            headings = tops
        if len(headings) != 1 or step_items(here):
            return here
        part = headings[0].level > 1 and headings[0].kind in PARTS
        if part or (headings[0].kind is not Kind.UNKNOWN and is_named(headings[0].title)):
            return here
        step = numbered(headings[0].title)
        if step and step.worded:
            return here
        if here.title and not headings[0].children:
            return here
        here = headings[0]


def _several(holder: Section, children: list[Section]) -> list[Root]:
    """Return the runbooks that stand side by side in a file, or none."""
    if len(children) < 2 or step_items(holder) or holds_alternatives(holder.title):  # noqa: PLR2004
        return []
    free = [child for child in children if _is_free(child) and _has_steps(child)]
    if sum(map(_has_parts, free)) > 1:
        return _roots(children, free, "a heading with its own parts", 0.9)
    cases = sum(child.kind is Kind.UNKNOWN for child in free)
    if cases < 2 or _counted_steps(children):  # noqa: PLR2004  # several
        return []
    if names_several(holder.title):
        return _roots(children, free, "one of several in a collection", 0.85)
    parts = any(child.kind in _INSIDE and _has_steps(child) for child in children)
    boxes = all(map(is_boxed, free))
    if all(map(step_items, free)) and not (parts or boxes or _gate_above(children)):
        return _roots(children, free, "a heading with its own list", 0.75)
    return []


_INSIDE = PARTS - {Kind.CONTACTS, Kind.REFERENCES, Kind.FACTS, Kind.ABOUT, Kind.CONTENTS} | {
    Kind.ACTION
}


def _gate_above(children: list[Section]) -> bool:
    """Whether sections for the whole file, such as prerequisites, stand beside."""
    return any(child.kind in (Kind.PREREQUISITES, Kind.SYMPTOMS) for child in children)


def _roots(
    children: list[Section], free: list[Section], form: str, confidence: float
) -> list[Root]:
    """Return the free sections, and others beside them that hold steps, as runbooks."""
    known = set(map(id, free))
    chosen = [c for c in children if id(c) in known or (c.kind in _ACTING and _has_steps(c))]
    return [Root(s, step_title(s.title), form, confidence) for s in chosen]


_ACTING = (Kind.ACTION, Kind.ROLLBACK, Kind.VERIFICATION, Kind.POST_MORTEM)


def _is_free(section: Section) -> bool:
    """Whether a title names a case or a job, not a part of a runbook."""
    if section.kind in PARTS or is_alternative(section.title):
        return False
    step = numbered(section.title)
    return not (step and step.worded)


def _counted_steps(children: list[Section]) -> bool:
    counted = [child for child in children if numbered(child.title)]
    return len(counted) > 1 and are_steps(counted)


def _has_parts(section: Section) -> bool:
    kinds = {child.kind for child in section.children}
    return bool(kinds & PARTS) or len(kinds - {Kind.UNKNOWN}) > 1


def _has_steps(section: Section) -> bool:
    return any(
        step_items(below) or _is_worded(below)
        for below in section.walk()
        if below.kind not in PARTS or below.kind in _ACTING
    )


def _is_worded(section: Section) -> bool:
    step = numbered(section.title)
    return step is not None and step.worded
