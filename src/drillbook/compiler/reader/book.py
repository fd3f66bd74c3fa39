"""A whole file read: its runbooks, its contacts, and the lines that are neither."""

from drillbook.compiler.collecting import without_collecting
from drillbook.compiler.document import Book, Contact, LineKind, Runbook
from drillbook.compiler.reader.front import Front, read_front
from drillbook.compiler.reader.ledger import Ledger
from drillbook.compiler.reader.outline import Section, outline
from drillbook.compiler.reader.parts import contacts_in
from drillbook.compiler.reader.roots import Root, is_report, runbook_roots
from drillbook.compiler.reader.scan import MOST_BLOCKS, MOST_HEADINGS, Block, BlockKind, Scanner
from drillbook.compiler.reader.sections import RunbookReader
from drillbook.compiler.reader.tasks import Page
from drillbook.compiler.reader.words import NOT_STEPS, Kind, title_of
from drillbook.compiler.source import lines_of

NO_STEPS = "no steps were found in this file"
_REPORT = "an incident report, not a runbook: no steps were found in this file"
_TOO_MANY = (
    f"more than {MOST_HEADINGS:,} headings, or {MOST_BLOCKS:,} headings, items and paragraphs: "
    "no steps were looked for"
)
_OUTSIDE = "outside the runbooks"
_NOT_TAKEN = "neither a step nor text of a runbook"


def read_book(text: str, *, name: str) -> Book:
    """Return what a file says, as far as it can be told; it never raises."""
    with without_collecting():
        return _read_book(lines_of(text), name)


def _read_book(lines: list[str], name: str) -> Book:
    scanner = Scanner(lines)
    blocks = scanner.run()
    if scanner.too_many:
        return _without_steps(name, lines, Ledger(), _TOO_MANY)
    top = outline(blocks)
    ledger = Ledger()
    _signs(blocks, ledger)
    _bare_quotes(lines, ledger)
    front = _front(blocks, Page(lines, ledger))
    runbooks, contacts = _runbooks(top, lines, ledger, name, front)
    if not any(runbook.procedures for runbook in runbooks):
        return _without_steps(name, lines, ledger, _REPORT if is_report(top) else NO_STEPS)
    inside = set(ledger.kinds)
    outside = RunbookReader(Page(lines, ledger))
    described = _around(top, outside, inside)
    return Book(
        name=name,
        title=described[0],
        description=described[1],
        runbooks=tuple(runbooks),
        contacts=tuple(sorted(contacts + outside.contacts, key=lambda c: c.span.line)),
        skipped=ledger.skipped(lines, otherwise=_NOT_TAKEN),
        lines=ledger.read_lines(),
    )


def _runbooks(
    top: Section, lines: list[str], ledger: Ledger, name: str, front: Front
) -> tuple[list[Runbook], list[Contact]]:
    """Read each runbook with a ledger of its own, and keep those that hold steps."""
    found: list[Runbook] = []
    contacts: list[Contact] = []
    if is_report(top):
        return [], []
    roots = runbook_roots(top, name=name, title=front.title)
    for root in roots:
        own = Ledger()
        reader = RunbookReader(Page(lines, own))
        runbook = _read(reader, root, front if len(roots) == 1 else Front())
        if runbook.procedures or root.confidence == 1:
            ledger.add(own)
            found.append(runbook)
            contacts += reader.contacts
    return found, contacts


def _read(reader: RunbookReader, root: Root, front: Front) -> Runbook:
    section = root.section
    if section.heading is not None:
        reader.page.ledger.take(section.line, section.end, LineKind.TITLE)
    return reader.read(
        section, title=root.title, form=root.form, confidence=root.confidence, front=front
    )


def _front(blocks: list[Block], page: Page) -> Front:
    first = blocks[0] if blocks else None
    if first is None or first.kind is not BlockKind.FRONT:
        return Front()
    return read_front(first, page)


def _signs(blocks: list[Block], ledger: Ledger) -> None:
    """Note what is neither text nor lost: rules, comments, HTML."""
    for block in blocks:
        if block.kind is BlockKind.RULE:
            ledger.take(block.line, block.end, LineKind.MARKUP)
        elif block.kind is BlockKind.COMMENT:
            ledger.skip(block.line, block.end, "an HTML comment")
        elif block.kind is BlockKind.MARKUP:
            ledger.skip(block.line, block.end, "HTML")


def _bare_quotes(lines: list[str], ledger: Ledger) -> None:
    for at, line in enumerate(lines):
        if line.startswith((">", " ")) and ">" in line and not line.strip(" \t>"):
            ledger.take(at, at + 1, LineKind.MARKUP)


def _around(top: Section, reader: RunbookReader, inside: set[int]) -> tuple[str, str]:
    """Read what stands outside the runbooks: title, text, contacts; return the first two."""
    title, texts = "", list[str]()
    ledger = reader.page.ledger
    for section in top.walk():
        if section.line in inside and section.heading is not None:
            continue
        if section.kind in (Kind.CONTACTS, Kind.ESCALATION):
            reader.contacts += contacts_in(section, reader.page)
        elif not title and (section.level == 1 or section in top.children[:1]):
            title = title_of(section.title)
            ledger.take(section.line, section.end, LineKind.TITLE)
        reason = NOT_STEPS.get(section.kind, _OUTSIDE)
        ledger.skip(section.line, section.end, reason)
        for block in section.blocks:
            told = block.kind is BlockKind.PARAGRAPH and section.level <= 1
            if told and block.line not in ledger.kinds:
                texts.append(block.text)
                reader.page.take(block, LineKind.DESCRIPTION)
            ledger.skip(block.line, block.end, reason)
    return title, "\n\n".join(texts)


def _without_steps(name: str, lines: list[str], noted: Ledger, remark: str) -> Book:
    """Return the book of a file that holds no steps: all of it is skipped, and it says so."""
    ledger = Ledger()
    ledger.reasons.update(noted.reasons)
    return Book(
        name=name,
        skipped=ledger.skipped(lines, otherwise=remark),
        remark=remark,
    )
