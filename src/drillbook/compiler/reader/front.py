"""Front matter: what its keys say, and its lists as sections of the runbook."""

import re
from dataclasses import dataclass, field

from drillbook.compiler.document import LineKind
from drillbook.compiler.reader.outline import Item, Section
from drillbook.compiler.reader.scan import Block, BlockKind
from drillbook.compiler.reader.tasks import Page
from drillbook.compiler.reader.words import Kind, kind_of

_KEY = re.compile(r"(?P<key>[A-Za-z_][\w .-]*?)[ \t]*:(?:[ \t]+(?P<value>.*))?$")
_DASH = re.compile(r"-(?:[ \t]+(?P<rest>.*))?$")
_NAMES = ("title", "name", "step", "action", "task", "description", "text", "do", "summary")
_COMMANDS = ("command", "commands", "run", "cmd", "script", "code")
_BLOCK_SIGNS = ("|", ">", "|-", ">-", "|+", ">+")
_READ = frozenset(
    {Kind.SYMPTOMS, Kind.PREREQUISITES, Kind.ACTION, Kind.VERIFICATION, Kind.ROLLBACK,
     Kind.POST_MORTEM, Kind.ESCALATION, Kind.CONTACTS}
)  # fmt: skip


@dataclass(slots=True)
class Front:
    """The values of a front matter, and its lists as sections."""

    metadata: dict[str, str] = field(default_factory=dict[str, str])
    sections: list[Section] = field(default_factory=list[Section])

    @property
    def title(self) -> str:
        """The title it gives, or nothing."""
        return self.metadata.get("title") or self.metadata.get("name") or ""


def read_front(block: Block, page: Page) -> Front:
    """Return what a front matter says; it never fails on wrong YAML."""
    front = Front()
    page.ledger.take(block.line, block.line + 1, LineKind.MARKUP)
    page.ledger.take(block.end - 1, block.end, LineKind.MARKUP)
    entries = _entries(block)
    for line, key, value, below in entries:
        section = _section(key, line, below)
        if section is not None:
            front.sections.append(section)
            page.ledger.take(line, line + 1, LineKind.HEADING)
            continue
        texts = [_bare(value)] if value and value not in _BLOCK_SIGNS else []
        texts += [_bare(text.strip().removeprefix("- ")) for _, text in below]
        front.metadata[key] = ", ".join(text for text in texts if text)
        page.ledger.take(line, line + 1, LineKind.METADATA)
        for at, _ in below:
            page.ledger.take(at, at + 1, LineKind.METADATA)
    return front


_Lines = list[tuple[int, str]]


def _entries(block: Block) -> list[tuple[int, str, str, _Lines]]:
    """Return the top keys with their line (from 0), value, and the lines below."""
    found: list[tuple[int, str, str, _Lines]] = []
    for at, text in enumerate(block.body, block.line + 1):
        top = _KEY.match(text) if text[:1].strip() and not text.startswith("#") else None
        if top:
            found.append((at, top["key"].strip(), (top["value"] or "").strip(), []))
        elif found and text.strip():
            found[-1][3].append((at, text))
    return found


def _section(key: str, line: int, below: _Lines) -> Section | None:
    """Return a list of steps, symptoms or the like as a section."""
    title = key.replace("_", " ").replace("-", " ")
    kind = kind_of(title)
    listed = any(text.lstrip().startswith("-") for _, text in below)
    if not listed or kind not in _READ:
        return None
    section = Section(title.capitalize(), 2, line, line + 1, kind=kind)
    acting = kind not in (Kind.SYMPTOMS, Kind.PREREQUISITES, Kind.CONTACTS)
    section.content = list(_items(below, ordered=acting))
    return section


def _items(below: _Lines, *, ordered: bool) -> list[Item]:
    found: list[Item] = []
    top = min(_indent(text) for _, text in below)
    for line, text in below:
        dash = _DASH.match(text.strip())
        if dash and _indent(text) == top:
            found.append(_item(line, dash["rest"] or "", ordered=ordered))
        elif found:
            _put(found[-1], line, text)
    return found


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _item(line: int, rest: str, *, ordered: bool) -> Item:
    pair = _KEY.match(rest)
    named = pair and pair["key"].casefold() in _NAMES
    text = _bare(pair["value"] or "") if pair and named else _bare(rest)
    block = Block(BlockKind.ITEM, line, line + 1, text=text, ordered=ordered, body=[text])
    return Item(block)


def _put(item: Item, line: int, text: str) -> None:
    """Put a line below a list entry into it: a command, a nested bullet, or text."""
    inner = text.strip()
    pair = _KEY.match(inner.removeprefix("- "))
    key = pair["key"].casefold() if pair else ""
    value = _bare((pair["value"] or "") if pair else inner.removeprefix("- "))
    if key in _NAMES and not item.block.text:
        item.block.text, item.block.body = value, [value]
        item.block.end = line + 1
    elif key in _COMMANDS and value and value not in _BLOCK_SIGNS:
        item.blocks.append(Block(BlockKind.FENCE, line, line + 1, body=[value]))
    elif inner.startswith("- "):
        nested = Block(BlockKind.ITEM, line, line + 1, 2, value, body=[value])
        item.items.append(Item(nested))
    else:
        item.blocks.append(
            Block(BlockKind.PARAGRAPH, line, line + 1, 2, _bare(inner), body=[inner])
        )


def _bare(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value
