"""List items as tasks: text, directive, options, children, attachments."""

# ruff: noqa: RUF001  # full-width and long signs are what people type

from dataclasses import dataclass

from drillbook.compiler.document import (
    Attachment,
    DirectiveText,
    LineKind,
    OptionText,
    Span,
    Task,
)
from drillbook.compiler.reader.ledger import Ledger
from drillbook.compiler.reader.outline import Item
from drillbook.compiler.reader.scan import Block, BlockKind
from drillbook.compiler.reader.words import (
    NOT_STEPS,
    is_condition,
    is_instruction,
    is_opened,
    is_optional,
    kind_of,
    names_automatic,
)
from drillbook.compiler.strip import directives_in, option_in, without_directives

_LONGEST_LEAD = 80


@dataclass(slots=True)
class Page:
    """The lines of a file and the ledger of what they were read as."""

    lines: list[str]
    ledger: Ledger

    def take(self, block: Block, kind: LineKind) -> None:
        """Note that a block became part of the book."""
        self.ledger.take(block.line, block.end, kind)


def span_of(block: Block) -> Span:
    """Return where a block stands."""
    return Span(block.line + 1, block.indent + 1, block.end)


def task_of(item: Item, page: Page, kind: LineKind = LineKind.TASK) -> Task:
    """Return the task a list item is."""
    block = item.block
    page.take(block, kind)
    directive = directive_of(block, page.lines)
    options, rest = options_of(item, page) if directive else ((), item.items)
    inside = inside_of(item, page, rest, kind)
    text = text_of(block)
    return Task(
        text=text,
        span=span_of(block),
        optional=is_optional(text),
        directive=directive,
        options=options,
        children=inside.tasks,
        attachments=inside.attachments,
        description=inside.description,
    )


def text_of(block: Block) -> str:
    """Return an item's text in one line, without directive."""
    if "`@" not in block.text:
        return " ".join(block.text.split())
    return " ".join(" ".join(without_directives(line) for line in block.body).split())


def directive_of(block: Block, lines: list[str]) -> DirectiveText | None:
    """Return the first directive on an item's own lines."""
    if "`@" not in block.text:
        return None
    for at in range(block.line, block.end):
        for start, end in directives_in(lines[at]):
            where = Span(at + 1, start + 1, at + 1)
            return DirectiveText(lines[at][start + 1 : end - 1], where)
    return None


def options_of(item: Item, page: Page) -> tuple[tuple[OptionText, ...], list[Item]]:
    """Return the directive sub-bullets of an item, and its other items."""
    options: list[OptionText] = []
    rest: list[Item] = []
    for child in item.items:
        option = option_in(page.lines[child.block.line])
        if option is None:
            rest.append(child)
            continue
        key, value, column = option
        line = child.block.line
        options.append(OptionText(key, value, Span(line + 1, column, line + 1)))
        page.ledger.take(line, line + 1, LineKind.OPTION)
        rest += child.items
    return tuple(options), rest


@dataclass(frozen=True, slots=True)
class Inside:
    """What stands in an item or section: tasks, text, attachments."""

    tasks: tuple[Task, ...]
    description: str
    attachments: tuple[Attachment, ...]


def inside_of(item: Item, page: Page, items: list[Item], kind: LineKind) -> Inside:
    """Read what stands in an item; bullets after `This will:` are text, not tasks."""
    tasks: list[Task] = []
    texts: list[str] = []
    attachments: list[Attachment] = []
    if not item.blocks and not items:
        return Inside((), "", ())
    told = bool(item.block.body) and (is_aside(item.block.body[-1]) or _names_objects(item, items))
    mixed: list[Block | Item] = [*item.blocks, *items]
    for part in sorted(mixed, key=_line_of):
        if isinstance(part, Item):
            if told:
                texts.append(told_text(part, page))
            else:
                tasks.append(task_of(part, page, kind))
        elif part.kind in (BlockKind.FENCE, BlockKind.TABLE):
            attachments.append(attachment_of(part, page))
        elif part.kind is BlockKind.PARAGRAPH:
            page.take(part, LineKind.DESCRIPTION)
            texts.append(part.text)
            told = is_aside(part.text)
    return Inside(tuple(tasks), "\n".join(texts), tuple(attachments))


def _names_objects(item: Item, items: list[Item]) -> bool:
    """Whether bullets below `Notify:` name whom or what, and tell nothing of their own."""
    text = item.text.rstrip()
    if not text.endswith((":", "：")) or "**" in text or not is_instruction(text):
        return False
    telling = sum(is_instruction(child.text) or is_opened(child.text) for child in items)
    return telling * 2 < len(items) and all(map(_is_plain, items))


def _is_plain(item: Item) -> bool:
    """Whether a bullet is a few English words and nothing else."""
    block, text = item.block, item.text
    held = item.items or item.blocks or block.ordered or block.box
    return not held and text.isascii() and not ("`" in text or "[" in text)


def _line_of(part: Block | Item) -> int:
    return part.block.line if isinstance(part, Item) else part.line


def is_aside(text: str) -> bool:
    """Whether a line such as `This will:` or `Possible causes:` leads to what is not to be done."""
    line = text.rstrip()
    if not line.endswith((":", "：", ":**", "：**")):
        return False
    line = line.rpartition("\n")[2].rpartition(". ")[2]
    if len(line) > _LONGEST_LEAD:
        return False
    by_itself = names_automatic(line) and not (is_condition(line) or is_instruction(line))
    return by_itself or kind_of(line) in NOT_STEPS


def told_text(item: Item, page: Page) -> str:
    """Take an item with all that is in it as text."""
    texts: list[str] = []
    stack = [item]
    while stack:
        here = stack.pop()
        page.take(here.block, LineKind.DESCRIPTION)
        texts.append(here.text)
        for block in here.blocks:
            page.take(block, LineKind.DESCRIPTION)
            texts.append(words_of(block))
        stack.extend(reversed(here.items))
    return "\n".join(texts)


def words_of(block: Block) -> str:
    """Return all a block says, a fence's language too, one line each."""
    first = [block.text] if block.kind is BlockKind.FENCE or not block.body else []
    return "\n".join(line for line in [*first, *block.body] if line)


def attachment_of(block: Block, page: Page) -> Attachment:
    """Return a fence or table as an attachment."""
    page.take(block, LineKind.ATTACHMENT)
    language = "table" if block.kind is BlockKind.TABLE else block.text
    return Attachment(language, "\n".join(block.body), span_of(block))
