"""Blocks as a tree: sections by heading or label, lists by indent and numbering."""

# ruff: noqa: RUF001  # full-width and long signs are what people type

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from drillbook.compiler.reader.scan import Block, BlockKind
from drillbook.compiler.reader.words import NOT_STEPS, Kind, kind_of, numbered

BOLD_LABEL = 7
PLAIN_LABEL = 8
_LONGEST_LABEL = 80
_DEEPEST = 12  # lists nested deeper are read as siblings


@dataclass(slots=True, eq=False)
class Item:
    """A list item and what stands in it."""

    block: Block
    blocks: list[Block] = field(default_factory=list[Block])
    items: list["Item"] = field(default_factory=list["Item"])

    @property
    def text(self) -> str:
        """The item's own text, continuation lines included."""
        return self.block.text


@dataclass(slots=True, eq=False)
class Section:
    """A heading or label and what stands under it."""

    title: str
    level: int
    line: int
    end: int
    heading: Block | None = None
    parent: "Section | None" = None
    blocks: list[Block] = field(default_factory=list[Block])
    content: list["Block | Item"] = field(default_factory=list["Block | Item"])
    children: list["Section"] = field(default_factory=list["Section"])
    inline: str = ""
    kind: Kind = Kind.UNKNOWN
    steps: list[Item] | None = None
    root: bool = False

    @property
    def is_label(self) -> bool:
        """Whether a line of text serves as the heading."""
        return self.level >= BOLD_LABEL

    @property
    def items(self) -> list[Item]:
        """The items of the section's own lists."""
        return [c for c in self.content if isinstance(c, Item)]

    def own(self, kind: BlockKind) -> list[Block]:
        """Return the section's own blocks of a kind, those in items left out."""
        return [c for c in self.content if isinstance(c, Block) and c.kind is kind]

    def walk(self) -> Iterator["Section"]:
        """Return this section and all below it, in the order of the file."""
        yield self
        stack = self.children[::-1]
        while stack:
            section = stack.pop()
            yield section
            stack.extend(reversed(section.children))


def outline(blocks: list[Block]) -> Section:
    """Return the file as one section that holds all others."""
    root = Section("", 0, 0, 0)
    here = root
    labels = _labels(blocks)
    for at, block in enumerate(blocks):
        if block.kind is BlockKind.HEADING:
            here = _opened(here, block, block.level, block.text)
        elif at in labels:
            level, title, inline = labels[at]
            here = _opened(here, block, level, title)
            here.inline = inline
            if inline and here.kind in _SHORT and here.parent is not None:
                here = here.parent
        else:
            if here.is_label and here.parent is not None and _ends_label(here, block):
                here = here.parent
            here.blocks.append(block)
    for section in root.walk():
        section.content = _nested(section.blocks)
    return root


_SHORT = frozenset({*NOT_STEPS, Kind.PREREQUISITES, Kind.SYMPTOMS, Kind.CONTACTS, Kind.INPUTS})


def _ends_label(section: Section, block: Block) -> bool:
    """Whether a block no longer belongs to a label whose list or text is complete."""
    if section.kind not in _SHORT or not section.blocks:
        return False
    first = section.blocks[0]
    if block.kind is BlockKind.ITEM:
        below = first.kind is BlockKind.ITEM and block.indent > first.indent
        return not below and block.ordered != first.ordered and block.kind is first.kind
    return block.kind is BlockKind.PARAGRAPH and not block.indent and first.kind is not block.kind


def _opened(here: Section, block: Block, level: int, title: str) -> Section:
    while here.level >= level and here.parent is not None:
        here = here.parent
    section = Section(title, level, block.line, block.end, heading=block, parent=here)
    section.kind = kind_of(title)
    here.children.append(section)
    return section


_BOLD_ONLY = re.compile(r"(?:\*\*|__)(?P<title>[^*_].*?)(?:\*\*|__)[ \t]*[:：]?[ \t]*$")
_BOLD_START = re.compile(
    r"(?:\*\*|__)(?P<title>[^*\n]{2,60}?)[ \t]*(?:[:：](?:\*\*|__)|(?:\*\*|__)[ \t]*[:：])[ \t]*"
    r"(?P<rest>\S.*)$",
    re.DOTALL,
)
_PLAIN_START = re.compile(
    r"(?P<title>[^\W\d][^:：\n`|]{1,40})[:：](?:[ \t]+|(?<=：))(?P<rest>\S.*)$", re.DOTALL
)
_STEP_SIGN = re.compile(r"\S*?\s*[#№]?\s*\w{1,5}\s*[:.)、．：\-–—|]")


def _labels(blocks: list[Block]) -> dict[int, tuple[int, str, str]]:
    """Return the paragraphs that serve as headings: level, title, text on the same line."""
    found: dict[int, tuple[int, str, str]] = {}
    resumed = _resumed_lists(blocks)
    for at, block in enumerate(blocks):
        if block.kind is not BlockKind.PARAGRAPH or block.indent > 3:  # noqa: PLR2004  # deeper is in an item
            continue
        following = blocks[at + 1] if at + 1 < len(blocks) else None
        label = _label(block, following)
        if label is None:
            continue
        inside = at in resumed or (block.indent and _in_item(blocks, at))
        if inside and (kind_of(label[1]) is Kind.UNKNOWN or block.indent):
            continue
        found[at] = label
    return found


def _label(block: Block, following: Block | None) -> tuple[int, str, str] | None:
    text = block.text
    if len(block.body) == 1 and len(text) <= _LONGEST_LABEL + 4:
        label = _line_label(text, lists=_opens_list(following))
        if label is not None:
            return label
    if match := _BOLD_START.match(text):
        kind = kind_of(match["title"])
        if (kind not in NOT_STEPS and kind is not Kind.UNKNOWN) or _worded(match["title"]):
            return BOLD_LABEL, match["title"], match["rest"]
        return None
    match = _PLAIN_START.match(text)
    short = match is not None and len(match["title"].split()) <= 3  # noqa: PLR2004  # as a label is
    if match and short and kind_of(match["title"]) in _INLINE:
        return PLAIN_LABEL, match["title"], match["rest"]
    return None


def _line_label(text: str, *, lists: bool) -> tuple[int, str, str] | None:
    """Return the label that a whole line of text is; `lists` when a list or table follows."""
    if match := _BOLD_ONLY.match(text):
        return BOLD_LABEL, match["title"], ""
    if _worded(text) and (_STEP_SIGN.match(text) or text[-1] not in ".。"):
        return BOLD_LABEL, text, ""
    if not lists:
        return None
    if text[-1] in ":：":
        known = kind_of(text) is not Kind.UNKNOWN or len(text.split()) <= 4  # noqa: PLR2004  # as a heading is
        return (PLAIN_LABEL, text, "") if known else None
    return (PLAIN_LABEL, text, "") if _is_bare_label(text) else None


_INLINE = {Kind.PREREQUISITES, Kind.SYMPTOMS, Kind.ROLLBACK, Kind.VERIFICATION, Kind.ESCALATION}


def _is_bare_label(text: str) -> bool:
    """Whether a short line without a colon names a part: `Steps`, `Pasos operativos`."""
    short = len(text.split()) <= 3 and text[-1] not in ".!?,;。"  # noqa: PLR2004
    return short and text[0] == text[0].upper() and kind_of(text) is not Kind.UNKNOWN


def _worded(title: str) -> bool:
    step = numbered(title)
    return step is not None and step.worded


def _opens_list(block: Block | None) -> bool:
    return block is not None and block.kind in (BlockKind.ITEM, BlockKind.TABLE)


def _in_item(blocks: list[Block], at: int) -> bool:
    """Whether an indented paragraph goes on an item before it."""
    indent = blocks[at].indent
    for before in range(at - 1, max(-1, at - 30), -1):
        block = blocks[before]
        if block.kind is BlockKind.HEADING:
            return False
        if block.indent < indent:
            return block.kind is BlockKind.ITEM
    return False


def _resumed_lists(blocks: list[Block]) -> set[int]:
    """Return the blocks that cut an ordered list whose numbering goes on after them."""
    inside: set[int] = set()
    since: list[int] = []
    last: Block | None = None
    for at, block in enumerate(blocks):
        if block.kind is BlockKind.HEADING:
            since, last = [], None
        elif block.kind is BlockKind.ITEM and block.ordered and _tops(block, last):
            if last is not None and _follows(last, block):
                inside.update(since)
            since, last = [], block
        elif last is not None:
            since.append(at)
    return inside


def _tops(block: Block, last: Block | None) -> bool:
    return last is None or block.indent <= last.indent + 1


def _follows(last: Block, block: Block) -> bool:
    if block.number is None or last.number is None:
        return False
    return block.number == last.number + 1


def _nested(blocks: list[Block]) -> list[Block | Item]:
    """Put what belongs to an item into it."""
    top: list[Block | Item] = []
    stack: list[Item] = []
    resumed = _resumed_lists(blocks)
    for at, block in enumerate(blocks):
        if block.kind is BlockKind.ITEM:
            _place_item(Item(block), top, stack)
            continue
        holder = _holder(block, stack, inside=at in resumed)
        if holder is not None:
            holder.blocks.append(block)
        else:
            top.append(block)
            if block.kind is not BlockKind.MARKUP:
                stack.clear()
    return top


def _place_item(item: Item, top: list[Block | Item], stack: list[Item]) -> None:
    while stack and (len(stack) >= _DEEPEST or not _is_child(item.block, stack[-1].block)):
        stack.pop()
    if stack:
        stack[-1].items.append(item)
    else:
        top.append(item)
    stack.append(item)


def _is_child(block: Block, parent: Block) -> bool:
    if block.quoted != parent.quoted:
        return block.quoted
    deeper = block.indent - parent.indent
    if block.ordered and not parent.ordered:
        return deeper > 1
    if parent.ordered and not block.ordered:
        return deeper >= 0
    return deeper > 1


def _holder(block: Block, stack: list[Item], *, inside: bool) -> Item | None:
    """Return the item a block that is not an item belongs to, or None."""
    for item in reversed(stack):
        if block.indent > item.block.indent:
            return item
    if not stack:
        return None
    first = stack[0]
    if inside or (block.quoted and not first.block.quoted and not block.after_blank):
        return first
    if block.kind is BlockKind.FENCE and (
        not block.after_blank or first.text.endswith((":", "："))
    ):
        return first
    return None
