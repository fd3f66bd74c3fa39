"""Level 0: reads the runbooks in any Markdown file as a person reads them."""

from drillbook.compiler.document import Book
from drillbook.compiler.reader.book import read_book
from drillbook.compiler.reader.edits import Edit, apply_edits, explicit_edits
from drillbook.compiler.source import decode, encode, lines_of

__all__ = [
    "Edit",
    "apply_edits",
    "decode",
    "encode",
    "explicit_edits",
    "read_book",
    "unaccounted",
]


def unaccounted(text: str, book: Book) -> list[int]:
    """Return the non-blank lines (from 1) that are neither in the book nor listed as skipped."""
    known = {line.line for line in book.lines}
    for skipped in book.skipped:
        known.update(range(skipped.span.line, skipped.span.last_line + 1))
    return [at for at, line in enumerate(lines_of(text), 1) if line.strip() and at not in known]
