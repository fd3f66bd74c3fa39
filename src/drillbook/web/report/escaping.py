"""Values as Markdown: whatever they hold, they read as text in any renderer."""

import re
from collections.abc import Sequence

from drillbook.web.report.wording import visible

# Entities where a backslash is read differently by renderers, or not at all inside tables.
_ENTITIES = {
    "&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "\\": "&#92;", "`": "&#96;",
    "*": "&#42;", "_": "&#95;", "[": "&#91;", "]": "&#93;", "~": "&#126;", "!": "&#33;",
}  # fmt: skip
_SPECIAL = re.compile("[" + re.escape("".join(_ENTITIES)) + "]")
_WORD_UNDERSCORE = re.compile(r"(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])")
_LINK = re.compile(r"(?i)(?<=[a-z]):(?=//)|(?<=www)\.|@(?=\S+\.)")
_LINE_START = re.compile(r"^([#=+-]+|\d+[.)])(?=\s|$)")
_CLOSING = re.compile(r"#+$")
_TAME = re.compile(
    r"[A-Za-z0-9 ._:=,;()+*/<>!&%$@'\"?{}\[\]-]*[A-Za-z0-9._:=,;()+*/<>!&%$@'\"?{}\[\]-]"
)
_TICKS = re.compile(r"`+")
KEPT = "\0"


def inline(text: str) -> str:
    """Return text for inside a line, a heading or a cell: no markup, no links, one line."""
    flat = visible(text).replace("\n", " ↵ ").replace("\t", " ").strip()
    flat = _WORD_UNDERSCORE.sub(KEPT, flat)
    safe = _SPECIAL.sub(lambda hit: _ENTITIES[hit[0]], flat).replace(KEPT, "_")
    safe = _LINK.sub(lambda hit: _entities(hit[0]), safe)
    return _CLOSING.sub(lambda hit: _entities(hit[0]), safe)


def escaped(text: str) -> str:
    """Return text for the beginning of a line: as `inline`, and no list or heading either."""
    return _LINE_START.sub(lambda hit: _entities(hit[0]), inline(text))


def _entities(text: str) -> str:
    return "".join(f"&#{ord(character)};" for character in text)


def code(text: str) -> str:
    """Return text as code where every renderer agrees on it, else escaped."""
    return f"`{text}`" if _TAME.fullmatch(text) and text == text.strip() else inline(text)


def fenced(text: str, language: str = "") -> str:
    """Return text as a fence that nothing in it can close."""
    longest = max((len(ticks) for ticks in _TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{visible(text)}\n{fence}"


def table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the lines of a table; its cells are Markdown already."""
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]
