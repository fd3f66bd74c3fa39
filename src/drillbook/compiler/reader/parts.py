"""Prerequisites, symptoms, inputs and contacts: as list, table or label."""

# ruff: noqa: RUF001  # full-width and long signs are what people type

import re
from itertools import zip_longest

from drillbook.compiler.document import Contact, InputRow, LineKind, Span, Task
from drillbook.compiler.reader.commands import rows_of
from drillbook.compiler.reader.outline import Item, Section
from drillbook.compiler.reader.scan import Block, BlockKind
from drillbook.compiler.reader.tasks import Page, is_aside, span_of, task_of, words_of
from drillbook.compiler.reader.words import is_optional, plain, title_of

_PAIR = re.compile(
    r"(?:(?:\*\*|__)(?P<bold>[^*]+?)(?:[:：](?:\*\*|__)"
    r"|(?:\*\*|__)[ \t]*(?:[:：]|[—–-](?=\s)|→|(?=[(@<\[])|(?=\S+@)))[ \t]*"
    r"|(?P<role>[^:：`]{1,60}?)[ \t]*(?:[:：]|[ ][—–-](?=[ ])|→)[ \t]*)(?P<value>\S.*)$",
    re.DOTALL,
)


def listed_tasks(section: Section, page: Page, kind: LineKind) -> tuple[Task, ...]:
    """Return a section's items, table rows or paragraphs as tasks: a gate or symptoms."""
    page.ledger.take(section.line, section.end, LineKind.HEADING)
    tasks: list[Task] = []
    if section.inline:
        tasks.append(_told(section.inline, section.line, section.end, page, kind))
    has_list = bool(section.items)
    for part in section.content:
        if isinstance(part, Item):
            tasks.append(task_of(part, page, kind))
        elif part.kind is BlockKind.TABLE:
            tasks += _row_tasks(part, page, kind)
        elif part.kind is BlockKind.PARAGRAPH and not has_list and not is_aside(part.text):
            tasks.append(_told(part.text, part.line, part.end, page, kind))
        elif part.kind is BlockKind.FENCE and not has_list:
            tasks += _line_tasks(part, page, kind)
    return tuple(tasks)


def _told(text: str, line: int, end: int, page: Page, kind: LineKind) -> Task:
    page.ledger.take(line, end, kind)
    words = plain(text)
    return Task(words, Span(line + 1, 1, end), is_optional(words))


def _row_tasks(block: Block, page: Page, kind: LineKind) -> list[Task]:
    _, rows = rows_of(block)
    page.ledger.take(block.line, block.line + 2, LineKind.MARKUP)
    return [
        _told(" — ".join(cell for cell in row if cell), line, line + 1, page, kind)
        for line, row in rows
        if any(row)
    ]


def _line_tasks(block: Block, page: Page, kind: LineKind) -> list[Task]:
    page.take(block, LineKind.MARKUP)
    first = block.line + 1
    for at in range(len(block.body)):
        page.ledger.kinds[first + at] = kind
    return [
        Task(line.strip(), Span(first + at + 1, 1, first + at + 1))
        for at, line in enumerate(block.body)
        if line.strip()
    ]


_INPUT_COLUMNS = ("name", "type", "default", "meaning")
_INPUT_HEADS = {
    "type": "type", "typ": "type", "tipo": "type", "тип": "type", "类型": "type", "型": "type",
    "default": "default", "standard": "default", "défaut": "default", "默认": "default",
}  # fmt: skip


def input_rows(section: Section, page: Page) -> tuple[InputRow, ...]:
    """Return the rows of an inputs table."""
    found: list[InputRow] = []
    for block in section.own(BlockKind.TABLE):
        head, rows = rows_of(block)
        columns = _columns(head)
        page.ledger.take(block.line, block.line + 2, LineKind.MARKUP)
        for line, row in rows:
            values = dict.fromkeys(_INPUT_COLUMNS, "")
            for column, cell in zip_longest(columns, row, fillvalue=""):
                name = column or "meaning"
                values[name] = f"{values[name]} {cell}".strip()
            values["name"] = values["name"].strip("`* ")
            values["type"] = values["type"].strip("` ")
            page.ledger.take(line, line + 1, LineKind.INPUT)
            found.append(InputRow(**values, span=Span(line + 1, 1, line + 1)))
    if found:
        page.ledger.take(section.line, section.end, LineKind.HEADING)
    return tuple(found)


def _columns(head: list[str]) -> list[str]:
    """Return what each column holds: the first is the name, unknown ones are meaning."""
    known = [_INPUT_HEADS.get(plain(cell).casefold(), "meaning") for cell in head]
    return ["name", *known[1:]]


def contacts_in(section: Section, page: Page) -> tuple[Contact, ...]:
    """Return the contacts of a section: `- **Role**: value`, or a table's rows."""
    found: list[Contact] = []
    if section.inline:
        where = Span(section.line + 1, 1, section.end)
        found.append(Contact(title_of(section.title), plain(section.inline), where))
        page.ledger.take(section.line, section.end, LineKind.CONTACT)
    for part in section.content:
        if isinstance(part, Item):
            found += _item_contacts(part, page)
        elif part.kind is BlockKind.TABLE:
            found += _row_contacts(part, page)
        elif part.kind is BlockKind.PARAGRAPH:
            found += _line_contacts(part, page)
    if found:
        page.ledger.take(section.line, section.end, LineKind.HEADING)
    return tuple(found)


def _item_contacts(item: Item, page: Page) -> list[Contact]:
    pair = _PAIR.match(item.text)
    role = plain(pair["bold"] or pair["role"]) if pair else plain(item.text).rstrip(":：")
    values = [plain(pair["value"])] if pair else []
    page.take(item.block, LineKind.CONTACT)
    stack: list[Block | Item] = [*reversed(item.items), *reversed(item.blocks)]
    while stack:
        below = stack.pop()
        if isinstance(below, Item):
            page.take(below.block, LineKind.CONTACT)
            values.append(plain(below.text))
            stack += [*reversed(below.items), *reversed(below.blocks)]
        else:
            page.take(below, LineKind.CONTACT)
            values.append(plain(words_of(below)))
    return [Contact(role, " · ".join(filter(None, values)), span_of(item.block))]


def _row_contacts(block: Block, page: Page) -> list[Contact]:
    _, rows = rows_of(block)
    page.ledger.take(block.line, block.line + 2, LineKind.MARKUP)
    found: list[Contact] = []
    for line, row in rows:
        if not any(row):
            continue
        page.ledger.take(line, line + 1, LineKind.CONTACT)
        value = " · ".join(plain(cell) for cell in row[1:] if cell)
        found.append(Contact(title_of(row[0]), value, Span(line + 1, 1, line + 1)))
    return found


def _line_contacts(block: Block, page: Page) -> list[Contact]:
    """Return the contacts that lines of text of the form `Role: value` name."""
    found: list[Contact] = []
    for at, line in enumerate(block.body):
        pair = _PAIR.match(line)
        if pair is None:
            continue
        here = block.line + at
        page.ledger.take(here, here + 1, LineKind.CONTACT)
        role = plain(pair["bold"] or pair["role"])
        found.append(Contact(role, plain(pair["value"]), Span(here + 1, 1, here + 1)))
    return found


def names_contacts(section: Section) -> bool:
    """Whether most of a section's items or rows name someone and how to reach them."""
    if section.own(BlockKind.TABLE) and not section.items:
        return True
    items = section.items
    paired = sum(1 for item in items if _reaches(item))
    return bool(items) and paired * 2 > len(items)


_REACH = re.compile(r"@|#\w|\+?\d[\d ()-]{5,}|https?://|slack|pager|phone|mail|tel", re.IGNORECASE)


def _reaches(item: Item) -> bool:
    pair = _PAIR.match(item.text)
    if pair is None:
        return False
    return bool(pair["bold"]) or bool(_REACH.search(pair["value"]))
