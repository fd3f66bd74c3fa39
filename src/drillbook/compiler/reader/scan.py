"""A file's lines as blocks: headings, items, paragraphs, fences, tables, read as people write."""

# ruff: noqa: RUF001  # full-width and long signs are what people type

import re
from dataclasses import dataclass, field
from enum import StrEnum

from drillbook.compiler.source import Opaque, front_matter_end, opaque_parts


class BlockKind(StrEnum):
    """What a block is."""

    HEADING = "heading"
    ITEM = "item"
    PARAGRAPH = "paragraph"
    FENCE = "fence"
    TABLE = "table"
    COMMENT = "comment"
    RULE = "rule"
    MARKUP = "markup"
    FRONT = "front matter"


@dataclass(slots=True, eq=False)
class Block:
    """Lines `line` to `end` (from 0, end excluded) that belong together."""

    kind: BlockKind
    line: int
    end: int
    indent: int = 0
    text: str = ""
    level: int = 0
    number: int | None = None
    ordered: bool = False
    box: bool = False
    quoted: bool = False
    after_blank: bool = True
    body: list[str] = field(default_factory=list[str])


_QUOTE = re.compile(r"(?:[ \t]*>)+ ?")
_HEADING = re.compile(r"(#{1,6})(?:[ \t]+|$|(?=[^\s#!\d-]))")
_ORDERED = re.compile(
    r"\(?(\d{1,9}(?:\.\d{1,3})*)(?:[.)](?:[ \t]+|$)|[．）、][ \t]*(?=\S)|\\\.[ \t]+)"
    r"|([①-⑳]|\d\ufe0f?\u20e3)[ \t]*|(?:\*\*)(\d{1,3})[.)](?:\*\*)[ \t]+"
)
_LETTERED = re.compile(r"([a-zA-Z]|[ivx]{1,4})[.)][ \t]+(?=\S)")
_BULLET = re.compile(r"(?:[-*+•◦▪‣●○·・–—✅☑✔☐□■➡👉]️?)(?:[ \t]+|$)")
_BOX = re.compile(r"\\?\[([ xX✓✔-]?)\\?\](?:[ \t]+|$)|[☐☑✅□■][ \t]*")
_RULE = re.compile(r"(?:-[ \t]*){3,}$|(?:\*[ \t]*){3,}$|(?:_[ \t]*){3,}$")
_UNDERLINE = re.compile(r"=+[ \t]*$|-{2,}[ \t]*$")
_TABLE_RULE = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?$")
_HTML_HEADING = re.compile(r"<h([1-6])[^>]*>(.*?)</h[1-6]>$", re.IGNORECASE)
_HTML_LINE = re.compile(r"(?:</?[a-zA-Z][^>]*>[ \t]*)+$|</?(?:details|summary|div|p|br|img)\b.*$")
_LABEL = re.compile(r"(?:\*\*|__)[^*_]+(?:\*\*|__)[ \t]*[:：]?$")
_SMALL = 100
_LONGEST = 20_000  # a longer line is data
MOST_BLOCKS = 50_000  # more are data: no one reads, let alone carries out, so many
MOST_HEADINGS = 15_000


class Scanner:
    """Turns lines into blocks, one pass, without recursion."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.opaque: Opaque = opaque_parts(lines)
        self.blocks: list[Block] = []
        self.open: Block | None = None
        self.blank = True
        self.headings = 0
        self.too_many = False  # more than anyone can carry out: not read to the end
        self.last_number: int | None = None

    def run(self) -> list[Block]:
        """Return the blocks of the file."""
        at = front_matter_end(self.lines)
        if at:
            body = self.lines[1 : at - 1]
            self.blocks.append(Block(BlockKind.FRONT, 0, at, body=body))
        while at < len(self.lines) and not self.too_many:
            at = self._step(at)
        for block in self.blocks:
            if block.kind in (BlockKind.ITEM, BlockKind.PARAGRAPH, BlockKind.HEADING):
                block.text = "\n".join(block.body) if len(block.body) > 1 else block.text
        return self.blocks

    def _step(self, at: int) -> int:
        """Take the block or line at `at` and return where to go on."""
        if at in self.opaque.fences:
            return self._fence(at)
        if at in self.opaque.comments:
            end = self.opaque.comments[at]
            self._add(Block(BlockKind.COMMENT, at, end))
            return end
        raw = self.lines[at]
        if not raw or raw.isspace():
            self.open, self.blank = None, True
            return at + 1
        quote = _QUOTE.match(raw) if ">" in raw else None
        if quote:
            raw = raw[quote.end() :]
        text = raw.strip()
        if not text:
            self.open, self.blank = None, True
            return at + 1
        indent = _indent(raw)
        after = self._text(at, text, indent, quoted=quote is not None)
        self.blank = False
        return after

    def _fence(self, at: int) -> int:
        fence = self.opaque.fences[at]
        indent = fence.indent
        if fence.in_item:
            self._item(at, self.lines[at].partition("`")[0].partition("~")[0].strip(), 0)
        body = self.lines[fence.body : fence.body_end]
        quoted = self.lines[at].lstrip().startswith(">")
        if quoted:
            body = [line[sign.end() :] if (sign := _QUOTE.match(line)) else line for line in body]
        block = Block(BlockKind.FENCE, at, fence.end, indent, fence.info, quoted=quoted, body=body)
        self._add(block)
        self.blank = False
        return fence.end

    def _text(self, at: int, text: str, indent: int, *, quoted: bool) -> int:
        """Take one line that is neither blank nor opaque."""
        first = text[0]
        if len(text) > _LONGEST:
            self._paragraph(at, text, indent)
            return at + 1
        if first == "#" and self._heading(at, text, indent):
            return at + 1
        if first == "<" and self._html(at, text):
            return at + 1
        if first in "-*_=" and self._rule(at, text):
            return at + 1
        if "|" in text and (end := self._table(at, text, indent)):
            return end
        block = self._item(at, text, indent)
        if block is None:
            block = self._paragraph(at, text, indent)
        block.quoted = block.quoted or quoted
        return at + 1

    def _add(self, block: Block) -> Block:
        block.after_blank = self.blank
        self.blocks.append(block)
        if block.kind is BlockKind.HEADING:
            self.headings += 1
        if len(self.blocks) > MOST_BLOCKS or self.headings > MOST_HEADINGS:
            self.too_many = True
        self.open = None
        return block

    def _heading(self, at: int, text: str, indent: int) -> bool:
        match = _HEADING.match(text)
        if match is None or indent > 8:  # noqa: PLR2004  # deeper is code
            return False
        title = text[match.end() :]
        closed = title.rstrip("#")
        title = closed.rstrip() if not closed or closed[-1].isspace() else title
        self._add(Block(BlockKind.HEADING, at, at + 1, text=title, level=len(match[1])))
        self.last_number = None
        return True

    def _html(self, at: int, text: str) -> bool:
        if match := _HTML_HEADING.match(text):
            level = int(match[1])
            self._add(Block(BlockKind.HEADING, at, at + 1, text=match[2].strip(), level=level))
            return True
        if _HTML_LINE.match(text) or text.startswith(("<!--", "<!")):
            self._add(Block(BlockKind.MARKUP, at, at + 1, text=text))
            return True
        return False

    def _rule(self, at: int, text: str) -> bool:
        before = self.open
        if before and _UNDERLINE.match(text) and _may_be_title(before, at):
            before.kind, before.end = BlockKind.HEADING, at + 1
            self.headings += 1
            before.level = 1 if text[0] == "=" else 2
            self.open = None
            return True
        if _RULE.match(text):
            self._add(Block(BlockKind.RULE, at, at + 1))
            return True
        return False

    def _table(self, at: int, text: str, indent: int) -> int:
        """Return the line after a table that starts here, or 0."""
        following = self.lines[at + 1].strip(" \t>") if at + 1 < len(self.lines) else ""
        if "-" not in following or "|" not in following + text[:1]:
            return 0
        if not _TABLE_RULE.match(following):
            return 0
        end = at + 2
        while end < len(self.lines) and "|" in self.lines[end]:
            end += 1
        rows = [line.strip(" \t>") for line in self.lines[at:end]]
        self._add(Block(BlockKind.TABLE, at, end, indent, body=rows))
        return end

    def _item(self, at: int, text: str, indent: int) -> Block | None:
        marker = self._marker(text, indent)
        if marker is None:
            return None
        end, number, ordered = marker
        rest = text[end:].strip()
        if rest[:1] == "#" and self._heading(at, rest, 0):
            return self.blocks[-1]
        box = _BOX.match(rest)
        if text[0] in "☐☑✅□■":
            box = _BOX.match(text)
        elif box:
            rest = rest[box.end() :]
        block = Block(BlockKind.ITEM, at, at + 1, indent, rest, number=number, ordered=ordered)
        block.box, block.body = box is not None, [rest]
        self._add(block)
        self.open = block
        if ordered:
            self.last_number = number
        return block

    def _marker(self, text: str, indent: int) -> tuple[int, int | None, bool] | None:
        """Return where the marker of an item ends, its number, and whether it is ordered."""
        if match := _ORDERED.match(text):
            number = _number(match)
            wraps = self.open is not None and not self.blank
            if wraps and self.open and self.open.kind is BlockKind.PARAGRAPH and number != 1:
                expected = (self.last_number or 0) + 1
                if number != expected:
                    return None
            return match.end(), number, True
        if match := _BULLET.match(text):
            return match.end(), None, False
        if text[:1].isalpha() and (match := _LETTERED.match(text)):
            number = ord(match[1][0].lower()) - ord("a") + 1
            if (indent and self.last_number) or number == 1 or self.last_number == number - 1:
                return match.end(), number, True
        return None

    def _paragraph(self, at: int, text: str, indent: int) -> Block:
        """Add a line to the open block, or begin a paragraph."""
        before = self.open
        if before is not None and not (indent <= before.indent and _begins_label(text, before)):
            before.body.append(text)
            before.end = at + 1
            return before
        block = Block(BlockKind.PARAGRAPH, at, at + 1, indent, text, body=[text])
        self._add(block)
        self.open = block
        return block


def _begins_label(text: str, before: Block) -> bool:
    """Whether a line is a label and not the next line of a wrapped sentence."""
    if _LABEL.match(text):
        return True
    if text[-1] not in ":：" or len(text) > _SMALL or not (text[0].isupper() or text[0] > "~"):
        return False
    ended = before.body[-1].rstrip()[-1:] in tuple(".!?:：。`)")
    return before.kind is BlockKind.ITEM or ended


def _may_be_title(block: Block, at: int) -> bool:
    """Whether an underlined block is one line of text, and so a heading."""
    one_line = block.end == at and at - block.line == 1
    return block.kind is BlockKind.PARAGRAPH and one_line and not block.indent


def _number(match: re.Match[str]) -> int:
    if match[1]:
        return int(match[1].rpartition(".")[2])
    if match[2]:
        return int(match[2][0]) if match[2][0] in "0123456789" else ord(match[2]) - ord("①") + 1
    return int(match[3])


def _indent(raw: str) -> int:
    lead = raw[: len(raw) - len(raw.lstrip())]
    return len(lead.expandtabs(4)) if "\t" in lead else len(lead)
