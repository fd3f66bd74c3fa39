"""Where each key of a TOML text stands, so that a wrong setting is named by its line."""

import re
from dataclasses import dataclass, field

KeyPath = tuple[str, ...]
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"[ \t]*")
_SPACE = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_STRINGS = (
    re.compile(r'"""(?:\\.|[^\\])*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:\\.|[^"\\\n])*"'),
    re.compile(r"'[^'\n]*'"),
)
_PLAIN = re.compile(r"[^,\]}#\n]*")


def key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line of every table and key of a text that `tomllib` accepts."""
    reader = _Reader(text)
    reader.read_all()
    return reader.lines


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int:
    """Return the line of a key, or of the nearest table around it."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return 1


@dataclass
class _Reader:
    text: str
    at: int = 0
    table: KeyPath = ()
    lines: dict[KeyPath, int] = field(default_factory=dict[KeyPath, int])
    counts: dict[KeyPath, int] = field(default_factory=dict[KeyPath, int])

    def read_all(self) -> None:
        self._skip(_SPACE)
        while self.at < len(self.text):
            before = self.at
            if self._next_is("["):
                self._header()
            else:
                self._pair(self.table)
            self._skip(_SPACE)
            if self.at == before:  # not TOML after all: the caller heard so from tomllib
                return

    def _header(self) -> None:
        array = self.text.startswith("[[", self.at)
        self.at += 2 if array else 1
        path = self._key()
        if array:
            number = self.counts.get(path, 0)
            self.counts[path] = number + 1
            self._note(path)
            path = (*path, str(number))
        self.table = path
        self._note(path)
        self.at = min(len(self.text), self.at + (2 if array else 1))

    def _pair(self, table: KeyPath) -> None:
        start = self.at
        path = (*table, *self._key())
        for length in range(len(table) + 1, len(path) + 1):
            self._note(path[:length], start)
        if self._next_is("="):
            self.at += 1
            self._skip(_BLANK)
            self._value(path)

    def _key(self) -> KeyPath:
        parts: list[str] = []
        while True:
            self._skip(_BLANK)
            parts.append(self._key_part())
            self._skip(_BLANK)
            if not self._next_is("."):
                return tuple(parts)
            self.at += 1

    def _key_part(self) -> str:
        for pattern in (*_STRINGS[2:], _BARE):
            if match := pattern.match(self.text, self.at):
                self.at = match.end()
                return match[0].strip("\"'") if pattern is not _BARE else match[0]
        return ""

    def _value(self, path: KeyPath) -> None:
        if self._next_is("{"):
            self._inside("}", path)
        elif self._next_is("["):
            self._inside("]", path)
        else:
            self._skip_scalar()

    def _inside(self, end: str, path: KeyPath) -> None:
        self.at += 1
        number = 0
        while True:
            self._skip(_SPACE)
            before = self.at
            if self.at >= len(self.text):
                return
            if self._next_is(end):
                self.at += 1
                return
            if self._next_is(","):
                self.at += 1
                continue
            if end == "}":
                self._pair(path)
            else:
                self._note((*path, str(number)))
                self._value((*path, str(number)))
                number += 1
            if self.at == before:
                return

    def _skip_scalar(self) -> None:
        for pattern in _STRINGS:
            if match := pattern.match(self.text, self.at):
                self.at = match.end()
                return
        self._skip(_PLAIN)

    def _note(self, path: KeyPath, at: int | None = None) -> None:
        place = self.at if at is None else at
        self.lines.setdefault(path, self.text.count("\n", 0, place) + 1)

    def _next_is(self, character: str) -> bool:
        return self.text.startswith(character, self.at)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at
