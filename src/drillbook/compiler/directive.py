"""Directives as text: `@domain.verb key=value … as name`, read into their pieces."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from drillbook.analysis.expression_tokens import show_path
from drillbook.analysis.scope import parse_path

_NAME = re.compile(r"@[A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)*")
_SPACE = re.compile(r"\s*")
_KEY = re.compile(r"([A-Za-z_][\w-]*)(\s*)=(\s*)")
_AS = re.compile(r"as(?=\s|$)\s*(\S*)\s*")
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")
_WORD = re.compile(r"[^\s\"'\[\]$]+")
_ITEM = re.compile(r"[^\s,\"'\[\]$]+")
_PLAIN = re.compile(r'[^"\\$]+')
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


class Mistake(Exception):
    """What is wrong at an offset of the text being read."""

    def __init__(self, at: int, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.at = at
        self.code = code
        self.message = message
        self.hint = hint


class ValueKind(StrEnum):
    """How a value is written."""

    WORD = "word"
    TEXT = "text"
    PATH = "path"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of a quoted value, or a path in it; `at` is its offset."""

    text: str = ""
    path: str = ""
    at: int = 0


@dataclass(frozen=True, slots=True)
class Value:
    """A value as written; `pieces` are the text and the paths in it."""

    kind: ValueKind
    at: int
    text: str = ""
    pieces: tuple[Piece, ...] = ()
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """One `key=value`."""

    key: str
    value: Value
    at: int


@dataclass(frozen=True, slots=True)
class Directive:
    """A directive, read: its name without the @, its pairs, the name of its result."""

    name: str
    pairs: tuple[Pair, ...] = ()
    as_name: str = ""
    as_at: int = 0

    def pair(self, key: str) -> Pair | None:
        """Return the pair with this key."""
        return next((pair for pair in self.pairs if pair.key == key), None)


def directive_name(text: str) -> str:
    """Return the name a directive starts with, without the @."""
    match = _NAME.match(text)
    return match[0][1:] if match else ""


@lru_cache(maxsize=4096)
def parse_directive(text: str) -> Directive:
    """Read a directive; Mistake says what is wrong and at which offset."""
    match = _NAME.match(text)
    if match is None:
        raise Mistake(0, "DB101", "a directive starts with @domain.verb", "Write @backup.create.")
    at = match.end()
    pairs: list[Pair] = []
    while at < len(text):
        start = _after_space(text, at)
        if start == len(text):
            break
        if start == at:
            raise Mistake(at, "DB101", f"{_next_word(text, at)!r} cannot follow here without space")
        if named := _AS.match(text, start):
            return Directive(match[0][1:], tuple(pairs), *_as_name(text, named))
        pair, at = _pair(text, start)
        if any(pair.key == other.key for other in pairs):
            raise Mistake(start, "DB104", f"the key {pair.key} is given twice", "Keep one of them.")
        pairs.append(pair)
    return Directive(match[0][1:], tuple(pairs))


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _next_word(text: str, at: int) -> str:
    return text[at:].split(None, 1)[0] if text[at:].strip() else ""


def _as_name(text: str, named: re.Match[str]) -> tuple[str, int]:
    at = named.start(1)
    if not named[1]:
        raise Mistake(at, "DB105", "a name must follow `as`", "Write as backup.")
    if not _IDENTIFIER.fullmatch(named[1]):
        raise Mistake(
            at,
            "DB105",
            f"{named[1]!r} is not a name",
            "Use small letters, digits and _, such as last_backup.",
        )
    if named.end() < len(text):
        raise Mistake(
            named.end(),
            "DB101",
            f"{_next_word(text, named.end())!r} follows the name after `as`",
            "Put `as name` at the end of the directive.",
        )
    return named[1], at


def _pair(text: str, at: int) -> tuple[Pair, int]:
    match = _KEY.match(text, at)
    if match is None:
        word = _next_word(text, at)
        raise Mistake(at, "DB101", f"{word!r} is not key=value", "Write key=value, or as name.")
    if match[2] or match[3]:
        raise Mistake(
            match.end(1),
            "DB101" if match.end() < len(text) else "DB103",
            f"space stands around the = of {match[1]}",
            f"Write {match[1]}=value without spaces.",
        )
    if match.end() == len(text):
        raise Mistake(match.end(), "DB103", f"the key {match[1]} has no value")
    value, end = _value(text, match.end())
    if end < len(text) and not text[end].isspace():
        raise Mistake(
            end,
            "DB101",
            f"{_next_word(text, end)!r} follows the value of {match[1]}",
            'Put text together with ${…} in quotes: "before-${run.id}"; separate keys by spaces.',
        )
    return Pair(match[1], value, at), end


def _value(text: str, at: int) -> tuple[Value, int]:
    if text.startswith("${", at):
        path, end = _path(text, at)
        return Value(ValueKind.PATH, at, pieces=(Piece(path=path, at=at + 2),)), end
    if text[at] == '"':
        pieces, end = _quoted(text, at)
        plain = "".join(piece.text for piece in pieces)
        return Value(ValueKind.TEXT, at, plain, pieces), end
    if text[at] == "[":
        return _list(text, at)
    if text[at] == "'":
        raise Mistake(at, "DB101", "texts stand in double quotes", "Write \"…\" instead of '…'.")
    word = _WORD.match(text, at)
    if word is None:
        raise Mistake(at, "DB101", f"{text[at]!r} cannot start a value", 'Put it in quotes: "…".')
    if word[0].endswith(","):
        raise Mistake(word.end() - 1, "DB101", "keys are separated by spaces, not by commas")
    return Value(ValueKind.WORD, at, word[0], (Piece(word[0], at=at),)), word.end()


def _path(text: str, at: int) -> tuple[str, int]:
    end = text.find("}", at)
    if end < 0:
        raise Mistake(at, "DB102", "${ is not closed", "Write ${name.field}.")
    inside = text[at + 2 : end].strip()
    keys = parse_path(inside)
    if keys is None:
        raise Mistake(
            at + 2,
            "DB307",
            f"{inside!r} is not the path of a value",
            "Write ${name.field}: names and dots, no computing.",
        )
    return show_path(keys), end + 1


def _quoted(text: str, at: int) -> tuple[tuple[Piece, ...], int]:
    """Read a text in double quotes: escapes, and ${…} inside."""
    pieces: list[Piece] = []
    plain, start, here = "", at + 1, at + 1
    while here < len(text) and text[here] != '"':
        if text[here] == "\\":
            plain += _escape(text, here)
            here += 2
        elif text.startswith("${", here):
            pieces += [Piece(plain, at=start)] if plain else []
            path, end = _path(text, here)
            pieces.append(Piece(path=path, at=here + 2))
            plain, start, here = "", end, end
        else:
            chunk = _PLAIN.match(text, here)
            end = chunk.end() if chunk else here + 1
            plain, here = plain + text[here:end], end
    if here >= len(text):
        raise Mistake(at, "DB102", "the text is not closed", 'Close it with ".')
    if plain or not pieces:
        pieces.append(Piece(plain, at=start))
    return tuple(pieces), here + 1


def _escape(text: str, at: int) -> str:
    letter = text[at + 1 : at + 2]
    if letter not in _ESCAPES:
        raise Mistake(
            at, "DB101", f"{text[at : at + 2]!r} is no escape", r"There are \" \\ \n \t \$."
        )
    return _ESCAPES[letter]


def _list(text: str, at: int) -> tuple[Value, int]:
    items: list[str] = []
    here = _after_space(text, at + 1)
    while here < len(text) and text[here] != "]":
        if text[here] == '"':
            pieces, end = _quoted(text, here)
            if any(piece.path for piece in pieces):
                raise Mistake(here, "DB101", "a list holds no ${…}", "Pass the whole list as ${…}.")
            items.append(pieces[0].text)
        else:
            item = _ITEM.match(text, here)
            if item is None:
                raise Mistake(here, "DB101", f"{text[here]!r} cannot stand in a list")
            items.append(item[0])
            end = item.end()
        here = _after_space(text, end)
        if here < len(text) and text[here] == ",":
            here = _after_space(text, here + 1)
        elif here < len(text) and text[here] != "]":
            raise Mistake(here, "DB101", "the items of a list are separated by commas")
    if here >= len(text):
        raise Mistake(at, "DB102", "the list is not closed", "Close it with ].")
    return Value(ValueKind.LIST, at, items=tuple(items)), here + 1
