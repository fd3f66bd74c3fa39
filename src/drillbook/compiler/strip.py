"""Directives in a file: where they stand, and the file without them."""

# ruff: noqa: RUF001  # full-width and long signs are what people type

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from drillbook.compiler.document import DirectiveText, Span
from drillbook.compiler.source import (
    BOM,
    lines_of,
    lines_with_ends,
    opaque_parts,
)

OPTION_KEYS = ("needs", "when", "expect", "undo", "timeout", "retry", "evidence")

_NAME = r"[a-z][\w-]*\.[a-z][\w-]*"
_DIRECTIVE = re.compile(
    rf"(?<!`)`(@(?:(?:when|runbook)[ \t][^`\r\n]*|choose(?:[ \t][^`\r\n]*)?"
    rf"|{_NAME}(?:[ \t][^`\r\n]*)?))`(?!`)"
)
_OPEN = re.compile(rf"(?<!`)`(@(?:when|runbook|{_NAME})[ \t][^`\r\n]*)$")
_OPTION = re.compile(
    rf"(?P<lead>(?:[ \t]*>)*[ \t]*)[-*+][ \t]+(?P<key>{'|'.join(OPTION_KEYS)}):"
    r"(?P<value>(?:[ \t][^\r\n]*)?)$"
)
_ITEM = re.compile(
    r"(?P<lead>(?:[ \t]*>)*[ \t]*)"
    r"(?:[-*+•◦▪‣●○・][ \t]|[-*+][ \t]*$|\(?\d{1,9}[.)．）、]|[①-⑳]|[A-Za-z][.)][ \t])"
)
_LONG_CODE = re.compile(r"(?<!`)(``+)(?!`)(.+?)(?<!`)\1(?!`)")
_LONGEST_LINE = 20_000  # a bullet longer than this is data, and stays as it is
_COMMENT = re.compile(r"<!--.*?-->")
# A mail or host name in a code span (`@example.com`) is not an action.
_HOST_ENDINGS = frozenset(
    [
        "com",
        "org",
        "net",
        "io",
        "dev",
        "edu",
        "gov",
        "local",
        "internal",
        "test",
        "co",
        "example",
        "eu",
    ]
)


@dataclass(frozen=True, slots=True)
class Stray:
    """A directive that binds nothing, because of where or how it stands."""

    text: str
    span: Span
    reason: str


def strip(text: str) -> str:
    """Return the text without its directives and directive sub-bullets."""
    if "`@" not in text:
        return text
    body = text.removeprefix(BOM)
    kept = [text[: len(text) - len(body)]]
    found = _bullets(lines_of(body))
    for at, line in enumerate(lines_with_ends(body)):
        if at in found.options:
            continue
        kept.append(_without(line, found.directives[at]) if at in found.directives else line)
    return "".join(kept)


def directives_in(line: str) -> tuple[tuple[int, int], ...]:
    """Return where the directives of one bullet's line start and end, backticks included."""
    if "`@" not in line or len(line) > _LONGEST_LINE:
        return ()
    return _directives_in(line)


@lru_cache(maxsize=256)  # a line is asked about several times in a row
def _directives_in(line: str) -> tuple[tuple[int, int], ...]:
    masked = _mask(line)
    found: list[tuple[int, int]] = []
    end = len(masked)
    for match in reversed(list(_DIRECTIVE.finditer(masked))):
        ends_text = not masked[match.end() : end].strip()
        if _is_directive(match[1], ends_text=ends_text):
            found.append(match.span())
        if ends_text:
            end = match.start()
    return tuple(reversed(found))


def without_directives(line: str) -> str:
    """Return one bullet's line without its directives and the one space before each."""
    return _without(line, directives_in(line))


def option_in(line: str) -> tuple[str, str, int] | None:
    """Return key, value and column (from 1) of a directive sub-bullet, or None."""
    match = _OPTION.match(line)
    if match is None:
        return None
    return match["key"], match["value"].strip(), match.start("key") + 1


def directives_in_comments(text: str) -> tuple[DirectiveText, ...]:
    """Return the directives that stand in HTML comments, where nothing runs them."""
    return tuple(
        DirectiveText(stray.text, stray.span)
        for stray in stray_directives(text)
        if stray.reason == "in a comment"
    )


def stray_directives(text: str) -> tuple[Stray, ...]:
    """Return directives in comments, outside bullets, doubled on a bullet, or not closed."""
    if "`@" not in text:
        return ()
    lines = lines_of(text)
    opaque = opaque_parts(lines)
    hidden = {n for start, end in opaque.comments.items() for n in range(start, end)}
    fenced = {n for fence in opaque.fences.values() for n in range(fence.line, fence.end)}
    bullets = _bullets(lines).of_bullet
    strays: list[Stray] = []
    for at, line in enumerate(lines):
        if "`@" in line and at not in fenced:
            strays += _strays_of(line, at, hidden=at in hidden, bullet=at in bullets)
    return tuple(strays)


def _strays_of(line: str, at: int, *, hidden: bool, bullet: bool) -> list[Stray]:
    spans = [m.span() for m in _DIRECTIVE.finditer(line)]
    good = directives_in(line)
    strays: list[Stray] = []
    for start, end in spans:
        text = line[start + 1 : end - 1]
        where = Span(at + 1, start + 1)
        in_comment = any(c.start() < start < c.end() for c in _COMMENT.finditer(line))
        if hidden or in_comment:
            strays.append(Stray(text, where, "in a comment"))
        elif not bullet and "=" in text:
            strays.append(Stray(text, where, "outside a bullet"))
        elif bullet and (start, end) in good[1:]:
            strays.append(Stray(text, where, "second on its bullet"))
    if bullet and not hidden and (left_open := _OPEN.search(line)):
        where = Span(at + 1, left_open.start() + 1)
        strays.append(Stray(left_open[1], where, "not closed by a backtick"))
    return strays


@dataclass(slots=True)
class _Bullets:
    directives: dict[int, tuple[tuple[int, int], ...]]
    options: set[int]
    of_bullet: set[int]


def _bullets(lines: list[str]) -> _Bullets:
    """Find the lines that carry directives, and the sub-bullets that belong to them."""
    found = _Bullets({}, set(), set())
    opaque = opaque_parts(lines)
    stack: list[tuple[int, bool]] = []
    at, in_item = 0, False
    while at < len(lines):
        if at in opaque.fences or at in opaque.comments:
            at = opaque.fences[at].end if at in opaque.fences else opaque.comments[at]
            in_item = False
            continue
        in_item = _take_line(lines[at], at, stack, found, in_item=in_item)
        at += 1
    return found


def _take_line(
    line: str, at: int, stack: list[tuple[int, bool]], found: _Bullets, *, in_item: bool
) -> bool:
    """Note what this line is, and return whether the next may go on its bullet's text."""
    item = _ITEM.match(line)
    if item is None:
        if not line.strip() or not in_item or line.lstrip().startswith("#"):
            if line.startswith("#"):
                stack.clear()
            return False
        found.of_bullet.add(at)
        if spans := directives_in(line):
            found.directives[at] = spans
            stack[-1] = (stack[-1][0], True)
        return True
    indent = len(item["lead"].expandtabs(4))
    while stack and stack[-1][0] >= indent:
        stack.pop()
    if stack and stack[-1][1] and _OPTION.match(line):
        found.options.add(at)
        return False
    spans = directives_in(line)
    found.of_bullet.add(at)
    stack.append((indent, bool(spans)))
    if spans:
        found.directives[at] = spans
    return True


def _mask(line: str) -> str:
    """Blank out longer code spans and comments: what stands in them binds nothing."""
    if "``" in line:
        line = _LONG_CODE.sub(lambda m: "\0" * len(m[0]), line)
    if "<!--" in line:
        line = _COMMENT.sub(lambda m: " " * len(m[0]), line)
    return line


def _is_directive(text: str, *, ends_text: bool) -> bool:
    """Whether a span in a bullet binds it: it ends the text, or has arguments."""
    word = text.split(None, 1)[0]
    if "." not in word or "=" in text:
        return True
    host = word == text and word.rpartition(".")[2] in _HOST_ENDINGS
    return ends_text and not host


def _without(line: str, spans: tuple[tuple[int, int], ...]) -> str:
    kept: list[str] = []
    bounds = [(0, 0), *spans, (len(line), len(line))]
    for (_, left), (right, _) in pairwise(bounds):
        part = line[left:right]
        kept.append(part[:-1] if right < len(line) and part.endswith(" ") else part)
    return "".join(kept)
