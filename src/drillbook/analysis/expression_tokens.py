"""The words of an expression: which paths it reads, which functions it calls, how it is widened."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from drillbook.core.quantities import parse_duration

Key = str | int
MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
COUNTS = frozenset(
    {
        "size", "int", "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek",
        "getDayOfYear", "getHours", "getMinutes", "getSeconds", "getMilliseconds",
    }
)  # fmt: skip
FUNCTIONS = (
    MACROS
    | COUNTS
    | frozenset(
        {
            "has", "contains", "startsWith", "endsWith", "matches", "duration", "timestamp",
            "string", "uint", "double", "bytes", "type", "dyn",
        }
    )
)  # fmt: skip
WORDS = frozenset({"true", "false", "null", "in"})
WIDEST = 2**53  # beyond it a double no longer holds every whole number
_TOKEN = re.compile(
    r"(?P<skip>\s+|//[^\n]*)"
    r"|(?P<string>[bBrR]{0,2}(?:\"\"\"(?:\\.|.)*?\"\"\"|'''(?:\\.|.)*?'''"
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'))"
    r"|(?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)"
    r"|(?P<int>0[xX][0-9a-fA-F]+[uU]?|\d+[uU]?)"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<op>&&|\|\||[<>=!]=|.)",
    re.DOTALL,
)
_OWN_UNITS = re.compile(r"-?(?:\d+(?:\.\d+)?(?:h|ms|us|ns|m|s))+")


@dataclass(frozen=True, slots=True)
class Token:
    """One word of an expression and where it starts, from 0."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A value the expression reads, such as `connections.used`, and where it stands, from 0."""

    keys: tuple[Key, ...]
    at: int

    @property
    def path(self) -> str:
        """The path as it is written."""
        return show_path(self.keys)


@dataclass(frozen=True, slots=True)
class Call:
    """A function the expression calls; `owner` is what stands before the dot, if it is a path."""

    name: str
    at: int
    owner: Reference | None = None


def show_path(keys: tuple[Key, ...]) -> str:
    """Return keys as people write them: `backup.files[0].name`."""
    shown = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return shown.removeprefix(".")


@lru_cache(maxsize=512)
def tokens(text: str) -> tuple[Token, ...]:
    """Return the words of an expression, without spaces and comments."""
    return tuple(
        Token(match.lastgroup or "op", match[0], match.start())
        for match in _TOKEN.finditer(text)
        if match.lastgroup != "skip"
    )


def paths_and_calls(text: str) -> tuple[tuple[Reference, ...], tuple[Call, ...]]:
    """Return the paths an expression reads (not the names its macros bind) and what it calls."""
    words = tokens(text)
    bound = _bound(words)
    references: list[Reference] = []
    calls: list[Call] = []
    for at, word in enumerate(words):
        if word.kind != "name" or word.text in WORDS:
            continue
        member = _is(words, at - 1, ".")
        if _is(words, at + 1, "("):
            if not member:
                calls.append(Call(word.text, word.at))
        elif not member and not any(
            word.text == name and start <= at < end for name, start, end in bound
        ):
            references.append(_reference(words, at))
        if member and _is(words, at + 1, "("):
            calls.append(Call(word.text, word.at, _owner(references, words, at)))
    return tuple(references), tuple(calls)


def _reference(words: tuple[Token, ...], at: int) -> Reference:
    keys: list[Key] = [words[at].text]
    here = at + 1
    while True:
        if _is(words, here, ".") and _kind(words, here + 1) == "name":
            if _is(words, here + 2, "("):
                break
            keys.append(words[here + 1].text)
            here += 2
        elif _is(words, here, "[") and _is(words, here + 2, "]"):
            key = _literal_key(words[here + 1])
            if key is None:
                break
            keys.append(key)
            here += 3
        else:
            break
    return Reference(tuple(keys), words[at].at)


def _literal_key(word: Token) -> Key | None:
    if word.kind == "int" and word.text.isdecimal():
        return int(word.text)
    plain = word.kind == "string" and word.text[0] in "\"'" and "\\" not in word.text
    return word.text.strip("\"'") if plain else None


def _owner(references: list[Reference], words: tuple[Token, ...], at: int) -> Reference | None:
    """Return the path that ends right before the dot at `at - 1`."""
    if not references:
        return None
    start = next(i for i, word in enumerate(words) if word.at == references[-1].at)
    length = 1 + sum(3 if isinstance(key, int) else 2 for key in references[-1].keys[1:])
    return references[-1] if start + length == at - 1 else None


def _bound(words: tuple[Token, ...]) -> list[tuple[str, int, int]]:
    """Return the names that macros bind, with the range of words they hold in."""
    found: list[tuple[str, int, int]] = []
    for at, word in enumerate(words):
        macro = word.text in MACROS and _is(words, at - 1, ".") and _is(words, at + 1, "(")
        if macro and _kind(words, at + 2) == "name" and _is(words, at + 3, ","):
            found.append((words[at + 2].text, at + 2, closing(words, at + 1)))
    return found


def closing(words: tuple[Token, ...], at: int) -> int:
    """Return the index of the bracket that closes the one at `at`, or the end."""
    depth = 0
    for here in range(at, len(words)):
        if words[here].kind != "op":
            continue
        depth += (words[here].text in "([{") - (words[here].text in ")]}")
        if depth == 0:
            return here
    return len(words) - 1


def _is(words: tuple[Token, ...], at: int, text: str) -> bool:
    return 0 <= at < len(words) and words[at].kind == "op" and words[at].text == text


def _kind(words: tuple[Token, ...], at: int) -> str:
    return words[at].kind if 0 <= at < len(words) else ""


def has_fraction(text: str) -> bool:
    """Whether a literal with a fraction, or `double(`, stands in the expression."""
    return any(w.kind == "float" or (w.kind, w.text) == ("name", "double") for w in tokens(text))


def has_division(text: str) -> bool:
    """Whether the expression divides."""
    return any((w.kind, w.text) == ("op", "/") for w in tokens(text))


def durations(text: str) -> Iterator[tuple[Token, str]]:
    """Yield each literal duration: its token, and its text without quotes."""
    words = tokens(text)
    for at, word in enumerate(words):
        named = word.kind == "string" and at > 1 and words[at - 2].text == "duration"
        if named and _is(words, at - 1, "(") and word.text[0] in "\"'":
            yield word, word.text[1:-1]


def with_plain_durations(text: str) -> str:
    """Return the expression with `duration("1d")` written in the units the library knows."""
    for word, inside in reversed(list(durations(text))):
        if not _OWN_UNITS.fullmatch(inside):
            seconds = f'"{parse_duration(inside).total_seconds():.6f}s"'
            text = text[: word.at] + seconds + text[word.at + len(word.text) :]
    return text


def is_duration(inside: str) -> bool:
    """Whether this is a duration in an expression: ours, or one of the library's units."""
    if _OWN_UNITS.fullmatch(inside):
        return True
    try:
        parse_duration(inside)
    except ValueError:
        return False
    return True


def widened(text: str) -> str:
    """Return the expression with its whole numbers written as doubles; indexes stay as they are."""
    words = tokens(text)
    edits: list[tuple[int, int, str]] = []
    for at, word in enumerate(words):
        if word.kind == "int" and not _is_index(words, at):
            edits.append((word.at, word.at + len(word.text), _as_double(word.text)))
        elif word.kind == "name" and word.text in COUNTS and _is(words, at + 1, "("):
            first, last = words[_start(words, at)], words[closing(words, at + 1)]
            edits.append((first.at, first.at, "double("))
            edits.append((last.at + 1, last.at + 1, ")"))
    for start, end, new in sorted(edits, key=lambda edit: edit[:2], reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _as_double(literal: str) -> str:
    number = int(literal.rstrip("uU"), 16 if literal[:2] in ("0x", "0X") else 10)
    if number > WIDEST:
        raise OverflowError(literal)
    return f"{number}.0"


def _is_index(words: tuple[Token, ...], at: int) -> bool:
    """Whether this word alone stands in the brackets of an index."""
    if not (_is(words, at - 1, "[") and _is(words, at + 1, "]")):
        return False
    before = at - 2
    return _kind(words, before) in ("name", "string") or any(
        _is(words, before, bracket) for bracket in (")", "]", "}")
    )


def _start(words: tuple[Token, ...], at: int) -> int:
    """Return where the operand starts whose last call is named at `at`: `a.b[0].size(`."""
    while _is(words, at - 1, "."):
        at -= 2
        while at > 0 and words[at].text in (")", "]") and words[at].kind == "op":
            at = _opening(words, at) - 1
    # A bracket without a name before it, such as `(a + b).size()`, starts the operand itself.
    return at if _kind(words, at) in ("name", "string") else at + 1


def _opening(words: tuple[Token, ...], at: int) -> int:
    depth = 0
    for here in range(at, -1, -1):
        if words[here].kind == "op":
            depth += (words[here].text in ")]}") - (words[here].text in "([{")
        if depth == 0:
            return here
    return 0
