"""The files a command is given by name: one, all of a folder, or standard input."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from drillbook.core.errors import NotFound

if TYPE_CHECKING:
    from drillbook.stack.books import BookFile

MARKDOWN = ("*.md", "*.markdown")
STDIN = "-"


def read_source(path: Path) -> "BookFile":
    """Read a Markdown file; `-` is standard input."""
    from drillbook.stack.books import BookFile, read_book_file

    if str(path) == STDIN:
        return BookFile("<stdin>", sys.stdin.buffer.read())
    return read_book_file(path)


def markdown_files(paths: list[Path]) -> list[Path]:
    """Return the files named, and those in the folders named."""
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted({file for pattern in MARKDOWN for file in path.rglob(pattern)})
        if not inside:
            raise NotFound(f"the folder {path} holds no .md file", hint="Name a file.")
        found += inside
    return found
