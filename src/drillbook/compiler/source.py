"""A file's bytes as text, its lines, and where fences and comments stand in it."""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass

from drillbook.core.errors import BookInvalid

BOM = "\ufeff"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_FENCE = re.compile(r"(?P<run>`{3,}|~{3,})[ \t]*(?P<info>[^\r\n]*)")
_PREFIX = re.compile(r"(?:[ \t]*>)*[ \t]*(?:(?:[-*+•]|\d{1,9}[.)])[ \t]+(?=[`~<]))?")
_YAML_KEY = re.compile(r"[A-Za-z_][\w -]*:|#")
_SECTION = re.compile(r"#{2,6}[ \t]+\S")


def decode(data: bytes, *, name: str) -> str:
    """Return the text of a file, its BOM and line ends kept, or raise `BookInvalid`."""
    if not data.strip(b" \t\r\n\xef\xbb\xbf"):
        raise BookInvalid(f"{name} is empty", hint="Write a runbook in it, or name another file.")
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return _decoded(data, "utf-16", name)
    if (nul := data.find(b"\0")) >= 0:
        raise BookInvalid(
            f"{name} is not text: a NUL byte stands at offset {nul}",
            hint="Name a Markdown file.",
        )
    return _decoded(data, "utf-8", name)


def _decoded(data: bytes, encoding: str, name: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BookInvalid(
            f"{name} is not {encoding.upper()}: a wrong byte at offset {error.start}, line {line}",
            hint="Save the file as UTF-8.",
        ) from error


def encode(text: str, *, like: bytes) -> bytes:
    """Return `text` in the encoding of the file it came from."""
    if like.startswith(BOM_UTF16_LE):
        return BOM_UTF16_LE + text.encode("utf-16-le")
    if like.startswith(BOM_UTF16_BE):
        return BOM_UTF16_BE + text.encode("utf-16-be")
    return text.encode("utf-8")


def lines_of(text: str) -> list[str]:
    """Return the lines without their ends; a BOM is not part of the first."""
    text = text.removeprefix(BOM)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.split("\n")


def lines_with_ends(text: str) -> list[str]:
    """Return the lines with their ends; joined they are the text again."""
    return _LINE.findall(text)


@dataclass(slots=True)
class Fence:
    """Lines `line` to `end` (from 0, end excluded), of which the body is shown as written."""

    line: int
    end: int
    indent: int
    info: str
    body: int
    body_end: int
    in_item: bool
    closed: bool


@dataclass(slots=True)
class Opaque:
    """What in a file is not Markdown to read: fences and comments, by their first line."""

    fences: dict[int, Fence]
    comments: dict[int, int]


def opaque_parts(lines: list[str]) -> Opaque:
    """Find fences and comments, the ones left open too, as a person sees them."""
    found = Opaque({}, {})
    unclosed: dict[str, int] = {}
    at = front_matter_end(lines)
    while at < len(lines):
        line = lines[at]
        if "```" in line or "~~~" in line:
            fence = _fence_at(lines, at, unclosed)
            if fence is not None:
                found.fences[at] = fence
                at = fence.end
                continue
        if "<!--" in line:
            end = _comment_end(lines, at)
            if end > at:
                found.comments[at] = end
                at = end
                continue
        at += 1
    return found


def front_matter_end(lines: list[str]) -> int:
    """Return the line after the front matter, or 0 where there is none."""
    if lines[0].rstrip() != "---":
        return 0
    first = next((line for line in lines[1:5] if line.strip()), "")
    if not _YAML_KEY.match(first):
        return 0
    for at in range(1, len(lines)):
        if lines[at].rstrip() in ("---", "..."):
            return at + 1
        if lines[at].startswith("#") and ":" not in lines[at]:
            return 0
    return 0


def _fence_at(lines: list[str], at: int, unclosed: dict[str, int]) -> Fence | None:
    prefix = _PREFIX.match(lines[at])
    start = prefix.end() if prefix else 0
    opened = _FENCE.match(lines[at], start)
    if opened is None or (opened["run"][0] == "`" and "`" in opened["info"]):
        return None
    run, info = opened["run"], opened["info"].strip()
    end, closed = _fence_end(lines, at, run, info, unclosed)
    lead = lines[at][:start]
    return Fence(
        line=at,
        end=end,
        indent=len(lead.expandtabs(4)),
        info=info,
        body=at + 1,
        body_end=end - 1 if closed else end,
        in_item=bool(lead.strip(" \t>")),
        closed=closed,
    )


def _fence_end(
    lines: list[str], at: int, run: str, info: str, unclosed: dict[str, int]
) -> tuple[int, bool]:
    """Return the line after the fence and whether it was closed."""
    # A writer who forgot to close a fence goes on with a heading and opens the next one.
    nests = info.casefold().split(" ")[0] in ("markdown", "md", "text", "txt")
    never_closed = len(run) >= unclosed.get(run[0], len(run) + 1)
    heading = 0
    for here in range(at + 1, len(lines)):
        line = lines[here]
        if not heading and line.startswith("##") and _SECTION.match(line):
            heading = here
            if never_closed:
                return heading, False
        if run[:3] not in line:
            continue
        bare = line.strip(" \t>")
        if not bare.startswith(run):
            continue
        if not bare.strip(run[0]):
            return here + 1, True
        if heading and not nests and "`" not in bare.lstrip("`"):
            return heading, False
    unclosed[run[0]] = min(len(run), unclosed.get(run[0], len(run)))
    return heading or len(lines), False


def _comment_end(lines: list[str], at: int) -> int:
    """Return the line after a comment that fills whole lines, or `at` when it does not."""
    if not lines[at].lstrip(" \t>-*+").startswith("<!--"):
        return at
    start = lines[at].index("<!--") + 4
    if lines[at].find("-->", start) >= 0:
        closing = lines[at].find("-->", start)
        return at if lines[at][closing + 3 :].strip() else at + 1
    for here in range(at + 1, len(lines)):
        if "-->" in lines[here]:
            return here + 1
    return len(lines)
