"""Which sections of a file are runbooks: by their titles, and by what they hold."""

from dataclasses import dataclass

from drillbook.compiler.reader.headings import are_steps
from drillbook.compiler.reader.outline import Section
from drillbook.compiler.reader.procedures import step_items
from drillbook.compiler.reader.words import (
    PARTS,
    Kind,
    holds_alternatives,
    is_alternative,
    names_several,
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


def runbook_roots(top: Section, *, name: str) -> list[Root]:
    """Return the runbooks of a file in the order of the file."""
    named = _named(top)
    if named:
        return named
    holder = _holder(top)
    children = [child for child in holder.children if not child.is_label]
    several = _several(holder, children)
    if several:
        return several
    title = title_of(holder.title) if holder.title else _stem(name)
    form = f"the H{holder.level} is the runbook" if holder.title else "the file is the runbook"
    return [Root(holder, runbook_title(holder.title) or title, form, 0.9)]


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
        beside = section.level == level and id(section) not in titles and not section.is_label
        if beside and section.kind not in PARTS and _has_steps(section):
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
        if len(headings) != 1 or step_items(here) or headings[0].kind in PARTS:
            return here
        step = numbered(headings[0].title)
        if step and step.worded:
            return here
        if here.title and not headings[0].children:
            return here
        here = headings[0]
        if len([c for c in here.children if not c.is_label]) != 1:
            return here


def _several(holder: Section, children: list[Section]) -> list[Root]:
    """Return the runbooks that stand side by side in a file, or none."""
    if len(children) < 2 or step_items(holder):  # noqa: PLR2004  # several
        return []
    if holds_alternatives(holder.title):
        return []
    free = [child for child in children if _is_free(child) and _has_steps(child)]
    whole = [child for child in free if _has_parts(child)]
    if len(whole) > 1:
        return _roots(free, "a heading with its own parts", 0.9)
    parts = [child for child in children if child.kind in _INSIDE and _has_steps(child)]
    if len(free) < 2 or _counted_steps(children):  # noqa: PLR2004  # several
        return []
    if names_several(holder.title):
        return _roots(free, "one of several in a collection", 0.85)
    listed = [child for child in free if step_items(child)]
    if len(listed) == len(free) and not parts and not _gate_above(children):
        return _roots(free, "a heading with its own list", 0.75)
    return []


_INSIDE = PARTS - {Kind.CONTACTS, Kind.REFERENCES, Kind.FACTS, Kind.ABOUT, Kind.CONTENTS} | {
    Kind.ACTION
}


def _gate_above(children: list[Section]) -> bool:
    """Whether sections for the whole file, such as prerequisites, stand beside."""
    return any(child.kind in (Kind.PREREQUISITES, Kind.SYMPTOMS) for child in children)


def _roots(sections: list[Section], form: str, confidence: float) -> list[Root]:
    return [Root(s, step_title(s.title), form, confidence) for s in sections]


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
        if below.kind not in PARTS or below.kind in (Kind.ROLLBACK, Kind.VERIFICATION)
    )


def _is_worded(section: Section) -> bool:
    step = numbered(section.title)
    return step is not None and step.worded
