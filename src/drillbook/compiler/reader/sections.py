"""One runbook, read section by section."""

from dataclasses import replace

from drillbook.compiler.document import (
    Attachment,
    Contact,
    InputRow,
    LineKind,
    Procedure,
    Role,
    Runbook,
    Span,
    Task,
)
from drillbook.compiler.reader.front import Front
from drillbook.compiler.reader.headings import chosen_steps
from drillbook.compiler.reader.outline import Item, Section
from drillbook.compiler.reader.parts import contacts_in, input_rows, listed_tasks, names_contacts
from drillbook.compiler.reader.procedures import (
    Frame,
    headings_procedure,
    own_procedure,
    step_items,
)
from drillbook.compiler.reader.scan import Block, BlockKind
from drillbook.compiler.reader.tasks import Page, attachment_of, span_of, told_text
from drillbook.compiler.reader.words import (
    NOT_STEPS,
    Kind,
    holds_alternatives,
    is_alternative,
    is_generic,
    is_instruction,
    numbered,
    plain,
    procedure_title,
    role_of,
    title_of,
)


class RunbookReader:
    """Reads the sections of one runbook into its parts."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.prerequisites: list[Task] = []
        self.symptoms: list[Task] = []
        self.inputs: list[InputRow] = []
        self.contacts: list[Contact] = []
        self.procedures: list[Procedure] = []
        self.attachments: list[Attachment] = []
        self.texts: list[str] = []

    def read(
        self, section: Section, *, title: str, form: str, confidence: float, front: Front
    ) -> Runbook:
        """Return the runbook that a section is, with what a front matter adds."""
        section.root = True
        section.kind = Kind.UNKNOWN  # a runbook's title says what it is about, not a part
        for added in front.sections:
            self._section(added, Frame())
        self._own(section, Frame(), root=True)
        self._children(section, Frame())
        sure = [p.confidence for p in self.procedures]
        self.procedures = _with_a_way_forward(self.procedures, role_of(title))
        return Runbook(
            title=title,
            span=span_of(section.heading) if section.heading else self._first_span(section),
            form=form,
            confidence=round(min([confidence, *sure]), 2),
            description="\n\n".join(self.texts),
            inputs=tuple(self.inputs),
            prerequisites=tuple(self.prerequisites),
            symptoms=tuple(self.symptoms),
            procedures=tuple(self.procedures),
            attachments=tuple(self.attachments),
            metadata=dict(front.metadata),
        )

    def _first_span(self, section: Section) -> Span:
        return Span(section.line + 1, 1, section.line + 1)

    def _section(self, section: Section, above: Frame) -> None:
        """Read one section by what its title says it is for."""
        frame = _frame(section, above)
        kind = section.kind
        if kind in (Kind.PREREQUISITES, Kind.SYMPTOMS) and not _is_sequence(section):
            self._gate(section, frame)
        elif kind is Kind.INPUTS and section.own(BlockKind.TABLE):
            self.inputs += input_rows(section, self.page)
            self._children(section, frame)
        elif kind is Kind.CONTACTS or (kind is Kind.ESCALATION and names_contacts(section)):
            self.contacts += contacts_in(section, self.page)
            self._children(section, frame)
        elif kind in NOT_STEPS and not _is_told_to_do(section):
            self._aside(section, frame)
        else:
            self._own(section, frame)
            self._children(section, frame)

    def _gate(self, section: Section, frame: Frame) -> None:
        """Read prerequisites or symptoms, the ones under headings of their own too."""
        gate = section.kind is Kind.PREREQUISITES
        kind = LineKind.PREREQUISITE if gate else LineKind.SYMPTOM
        into = self.prerequisites if gate else self.symptoms
        steps = _steps_after_gate(section)
        into += listed_tasks(section, self.page, kind)
        self._rest(section)
        for child in section.children:
            if child.kind not in (Kind.UNKNOWN, section.kind, Kind.FACTS) or _is_sequence(child):
                self._section(child, frame)
                continue
            for below in child.walk():
                into += listed_tasks(below, self.page, kind)
                self._rest(below)
        if steps is not None:
            self._own(steps, frame)

    def _aside(self, section: Section, frame: Frame) -> None:
        """Keep what a section says about the runbook; note why the rest are no steps."""
        reason = NOT_STEPS[section.kind]
        if section.kind is Kind.ABOUT:
            self._rest(section)
        else:
            _skip(section, self.page, reason)
        kept: list[Section] = []
        for child in section.children:
            if section.kind is not Kind.CRITERIA and _acts_below(child, section.kind):
                kept.append(child)
                if child.kind is Kind.UNKNOWN and not step_items(child):
                    _skip(child, self.page, reason)
                continue
            for below in child.walk():
                _skip(below, self.page, reason)
        self._children_of(section, kept, frame)

    def _own(self, section: Section, frame: Frame, *, root: bool = False) -> None:
        """Read a section's own list as a procedure, or its text as description."""
        title = _title(section, root=root)
        found = own_procedure(section, self.page, frame, title)
        if found is not None:
            self.procedures.append(found)
        else:
            self._rest(section, root=root)

    def _rest(self, section: Section, *, root: bool = False) -> None:
        """Take a section's text and attachments into the runbook's."""
        ledger = self.page.ledger
        ledger.take(section.line, section.end, LineKind.HEADING)
        if section.inline and section.line not in ledger.kinds:
            self.texts.append(plain(section.inline))
        for part in section.content:
            line = part.block.line if isinstance(part, Item) else part.line
            if line in ledger.kinds:
                continue
            if isinstance(part, Item):
                self._told_item(section, part, root=root)
            elif part.kind in (BlockKind.FENCE, BlockKind.TABLE):
                self.attachments.append(attachment_of(part, self.page))
            elif part.kind is BlockKind.PARAGRAPH:
                self.page.take(part, LineKind.DESCRIPTION)
                self.texts.append(part.text)

    def _told_item(self, section: Section, item: Item, *, root: bool) -> None:
        if root or section.kind in (Kind.ABOUT, Kind.PREREQUISITES, Kind.SYMPTOMS):
            self.texts.append(told_text(item, self.page))
            return
        for block in blocks_in(item):
            self.page.ledger.skip(block.line, block.end, "a list that tells nobody to do anything")

    def _children(self, section: Section, frame: Frame) -> None:
        self._children_of(section, section.children, frame)

    def _children_of(self, parent: Section, children: list[Section], frame: Frame) -> None:
        """Read sections below a section; those that are steps become one procedure."""
        choice = chosen_steps(parent, children)
        run: list[Section] = []
        last = 0
        for child in children:
            if id(child) in choice.steps:
                step = numbered(child.title)
                if run and step and step.number == 1 and last >= 1:
                    self._flush(parent, run, frame, choice.confidence, len(self.procedures))
                    run = []
                last = step.number if step else 0
                run.append(child)
                continue
            before = len(self.procedures)
            self._section(child, frame)
            if run and len(self.procedures) > before:
                self._flush(parent, run, frame, choice.confidence, before)
                run = []
        self._flush(parent, run, frame, choice.confidence, len(self.procedures))

    def _flush(
        self, parent: Section, run: list[Section], frame: Frame, confidence: float, at: int
    ) -> None:
        if run:
            found = headings_procedure(parent, run, self.page, frame, confidence)
            self.procedures.insert(at, found)


def _title(section: Section, *, root: bool) -> str:
    """Return a procedure's title; `Steps` below a case is titled as the case."""
    parent = section.parent
    below = parent is not None and parent.level and not (root or parent.root)
    if parent is not None and below and is_generic(section.title):
        return procedure_title(parent.title)
    return procedure_title(section.title) if section.title else "Steps"


def _with_a_way_forward(procedures: list[Procedure], role: Role) -> list[Procedure]:
    """Return the procedures; where all of it is a rollback, that is what the runbook does."""
    roles = {step.role for procedure in procedures for step in procedure.steps}
    forward = Role.FORWARD in roles and role is not Role.ROLLBACK
    if forward or Role.ROLLBACK not in roles:
        return procedures
    return [
        replace(p, steps=tuple(replace(s, role=Role.FORWARD) for s in p.steps)) for p in procedures
    ]


def blocks_in(item: Item) -> list[Block]:
    """Return all blocks of an item, its nested items' too."""
    found: list[Block] = []
    stack = [item]
    while stack:
        here = stack.pop()
        found += [here.block, *here.blocks]
        stack += here.items
    return found


_PLAN = (
    *(Kind.ACTION, Kind.VERIFICATION, Kind.ROLLBACK, Kind.POST_MORTEM, Kind.ESCALATION),
    *(Kind.PREREQUISITES, Kind.SYMPTOMS, Kind.CONTACTS, Kind.INPUTS),
)


def _acts_below(section: Section, above: Kind) -> bool:
    """Whether a section below causes, facts or the like holds something to do all the same."""
    step = numbered(section.title)
    if step and step.worded:
        return True
    if section.kind in _PLAN:
        return above is not Kind.FACTS or section.kind not in _DONE or _shows_how(section)
    if above is Kind.FACTS:
        return any(below.kind in _DONE and step_items(below) for below in section.walk())
    return above is Kind.CAUSES and any(map(_cures, section.walk()))


_DONE = (Kind.ACTION, Kind.VERIFICATION, Kind.ROLLBACK, Kind.POST_MORTEM)


def _shows_how(section: Section) -> bool:
    """Whether a section under facts, such as a kind of recovery, tells how it is done."""
    return any(
        step_items(below) or below.own(BlockKind.FENCE) or below.own(BlockKind.PARAGRAPH)
        for below in section.walk()
    )


def _cures(section: Section) -> bool:
    """Whether a section under a cause says what to do about it."""
    if section.kind in (Kind.ACTION, Kind.VERIFICATION):
        return True
    return is_instruction(section.title) and bool(section.own(BlockKind.FENCE))


def _skip(section: Section, page: Page, reason: str) -> None:
    page.ledger.skip(section.line, section.end, reason)
    for block in section.blocks:
        page.ledger.skip(block.line, block.end, reason)


def _frame(section: Section, above: Frame) -> Frame:
    role = above.role
    if section.kind is Kind.ROLLBACK:
        role = Role.ROLLBACK
    elif section.kind is Kind.POST_MORTEM:
        role = Role.POST_MORTEM
    other = above.alternative_of
    parent = section.parent
    cases = parent is not None and not parent.root and holds_alternatives(parent.title)
    if parent is not None and (cases or is_alternative(section.title)):
        other = title_of(parent.title) or "one of these"
    return Frame(role, other)


def _steps_after_gate(section: Section) -> Section | None:
    """Take the steps that follow a gate's bullets without a heading out of it."""
    ordered = [item for item in section.items if item.block.ordered]
    telling = sum(is_instruction(item.text) for item in ordered)
    bullets = section.items and not section.items[0].block.ordered
    if not bullets or telling < 2 or telling * 2 < len(ordered):  # noqa: PLR2004  # a list
        return None
    line = ordered[0].block.line
    first = next(n for n, part in enumerate(section.content) if part is ordered[0])
    steps = Section("Steps", section.level, line, line, parent=section.parent, kind=Kind.ACTION)
    steps.content, section.content = section.content[first:], section.content[:first]
    return steps


def _is_told_to_do(section: Section) -> bool:
    """Whether a section named like facts or criteria tells what to do all the same."""
    if section.kind is Kind.CRITERIA and section.items:
        telling = sum(is_instruction(item.text) for item in section.items)
        return telling * 2 > len(section.items)
    boxes = bool(section.items) and all(item.block.box for item in section.items)
    return section.kind is Kind.FACTS and (boxes or _is_sequence(section))


def _is_sequence(section: Section) -> bool:
    """Whether a section that is named like a part holds an ordered list of things to do."""
    ordered = [item for item in section.items if item.block.ordered]
    if section.kind is Kind.PREREQUISITES or not ordered:
        return False
    return sum(is_instruction(item.text) for item in ordered) * 2 >= len(ordered)
