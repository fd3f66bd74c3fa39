"""Patches: what somebody changed in some files, put onto a tree of files or taken off it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.parser import HeaderParser

from drillbook.core.errors import Refused

Tree = dict[str, str]
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@.*")
_CUT = "---\n"


@dataclass(frozen=True, slots=True)
class Hunk:
    """Some lines of a file, before and after, and about where they are."""

    line: int
    before: tuple[str, ...]
    after: tuple[str, ...]

    def turned(self) -> "Hunk":
        """Return the hunk that takes this one back."""
        return Hunk(self.line, self.after, self.before)


@dataclass(frozen=True, slots=True)
class FileChange:
    """What changes in one file; it may be a new one, or go."""

    path: str
    hunks: tuple[Hunk, ...]
    new: bool = False
    gone: bool = False

    def turned(self) -> "FileChange":
        """Return the change that takes this one back."""
        hunks = tuple(hunk.turned() for hunk in self.hunks)
        return FileChange(self.path, hunks, new=self.gone, gone=self.new)


@dataclass(frozen=True, slots=True)
class Patch:
    """What one commit changes, and what is said about it."""

    headers: Mapping[str, str]
    body: str
    files: tuple[FileChange, ...] = field(repr=False)

    @property
    def message(self) -> str:
        """The message of the commit."""
        return f"{self.headers['Subject']}\n" + (f"\n{self.body}\n" if self.body else "")

    def put_on(self, tree: Tree) -> Tree:
        """Return a tree with this change; Refused where it does not fit."""
        return _changed(tree, self.files)

    def take_off(self, tree: Tree) -> Tree:
        """Return a tree without this change; Refused where it does not fit."""
        return _changed(tree, tuple(file.turned() for file in self.files))


def read_patch(text: str) -> Patch:
    """Read a patch: headers, a body, a line of three dashes and a unified diff."""
    said, _, diff = text.partition(_CUT)
    letter = HeaderParser().parsestr(said)
    parts = re.split(r"(?m)^diff --git .*\n", diff)[1:]
    files = tuple(_file(_lines(part)) for part in parts)
    return Patch(dict(letter.items()), str(letter.get_payload()).strip(), files)


def _file(lines: list[str]) -> FileChange:
    old, new = (
        next(line[4:] for line in lines if line.startswith(f"{mark} ")) for mark in ("---", "+++")
    )
    hunks: list[tuple[int, list[str], list[str]]] = []
    for line in lines:
        found = _HUNK.fullmatch(line)
        if found:
            hunks.append((int(found[1]), [], []))
        elif hunks:
            _, before, after = hunks[-1]
            before += [line[1:]] if line[:1] != "+" else []
            after += [line[1:]] if line[:1] != "-" else []
    made = tuple(Hunk(line, tuple(before), tuple(after)) for line, before, after in hunks)
    path = (old if new == "/dev/null" else new).partition("/")[2]
    return FileChange(path, made, new=old == "/dev/null", gone=new == "/dev/null")


def _changed(tree: Tree, files: tuple[FileChange, ...]) -> Tree:
    changed = dict(tree)
    for file in files:
        if file.new == (file.path in tree):
            raise _unfit(file.path, "is there already" if file.new else "is not there")
        lines = _lines(tree.get(file.path, ""))
        for hunk in file.hunks:
            at = _place(file.path, lines, hunk)
            lines[at : at + len(hunk.before)] = hunk.after
        if file.gone:
            del changed[file.path]
        else:
            changed[file.path] = "".join(f"{line}\n" for line in lines)
    return changed


def _lines(text: str) -> list[str]:
    """Split where git does: a form feed ends no line."""
    return text.removesuffix("\n").split("\n") if text else []


def _place(path: str, lines: list[str], hunk: Hunk) -> int:
    """Return where a hunk's lines are: other changes may have moved them."""
    size, before = len(hunk.before), list(hunk.before)
    fits = [at for at in range(len(lines) - size + 1) if lines[at : at + size] == before]
    if not fits:
        raise _unfit(path, f"no longer has the lines it had at {hunk.line}")
    return min(fits, key=lambda at: abs(at + 1 - hunk.line))


def _unfit(path: str, why: str) -> Refused:
    return Refused(
        f"the change does not fit: {path} {why}", hint="Was it merged before? See git log."
    )
