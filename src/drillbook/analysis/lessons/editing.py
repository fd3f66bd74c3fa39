"""Small edits of a book's text, and their unified diff, such that `git apply` takes it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import unified_diff

_BULLET = re.compile(r"^(\s*)([-*+]|\d+[.)])(\s+)")
_HEADING = re.compile(r"^(#{1,6})\s+\S")
_NO_END = "\\ No newline at end of file\n"


@dataclass(frozen=True, slots=True)
class Edit:
    """Lines put in behind line `after` (0: at the top), and lines taken out, from 1 on."""

    after: int
    lines: tuple[str, ...]
    removed: tuple[int, int] | None = None  # the first and the last


@dataclass(frozen=True, slots=True)
class Bullet:
    """How a bullet is written: what stands before its text, and before a bullet under it."""

    before: str
    under: str

    def of(self, text: str, *under: str) -> tuple[str, ...]:
        """Return the lines of one more bullet like it."""
        return (f"{self.before}{text}", *(f"{self.under}- {each}" for each in under))


def lines_of(text: str) -> list[str]:
    """Return the lines with their ends, split at line feeds only."""
    return text.splitlines(keepends=True) if "\r" not in text else _split(text)


def _split(text: str) -> list[str]:
    return [line for line in re.split(r"(?<=\n)", text) if line]


def bullet_at(lines: Sequence[str], line: int) -> Bullet | None:
    """Return how the bullet in a line is written, None when there is none."""
    found = _BULLET.match(lines[line - 1]) if 0 < line <= len(lines) else None
    if found is None or found[2] not in {"-", "*", "+"}:
        return None
    return Bullet(found[0], " " * len(found[0]))


def end_of(lines: Sequence[str], line: int) -> int:
    """Return the last line of the bullet that begins in a line: what is deeper belongs to it."""
    found = _BULLET.match(lines[line - 1])
    depth = len(found[1]) if found else 0
    last = line
    for number in range(line + 1, len(lines) + 1):
        written = lines[number - 1]
        if not written.strip():
            continue
        if len(written) - len(written.lstrip()) <= depth:
            break
        last = number
    return last


def heading_before(lines: Sequence[str], line: int) -> tuple[int, str] | None:
    """Return the line and the hashes of the nearest heading above a line."""
    for number in range(line - 1, 0, -1):
        found = _HEADING.match(lines[number - 1])
        if found:
            return number, found[1]
    return None


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Return the text with the edits made; their lines are those of the text as it is."""
    lines = lines_of(text)
    end = "\r\n" if any(line.endswith("\r\n") for line in lines) else "\n"
    put: dict[int, list[str]] = {}
    gone: set[int] = set()
    for edit in edits:
        put.setdefault(edit.after, []).extend(f"{line}{end}" for line in edit.lines)
        if edit.removed:
            gone |= set(range(edit.removed[0], edit.removed[1] + 1))
    made = list(put.get(0, []))
    for number, line in enumerate(lines, start=1):
        if number not in gone:
            made.append(line)
        if number in put:
            if made and not made[-1].endswith("\n"):
                made[-1] += end
            made += put[number]
    return "".join(made)


def diff_of(path: str, before: str | None, after: str) -> str:
    """Return the unified diff for `git apply`; `before` is None where there is no file yet."""
    old = "/dev/null" if before is None else f"a/{path}"
    rows = unified_diff(lines_of(before or ""), lines_of(after), _named(old), _named(f"b/{path}"))
    return "".join(row if row.endswith("\n") else f"{row}\n{_NO_END}" for row in rows)


def _named(path: str) -> str:
    # Behind a tab a name ends: git reads one with a space in it only so.
    return f"{path}\t" if " " in path else path
