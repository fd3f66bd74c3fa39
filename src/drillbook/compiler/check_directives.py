"""The directives of a book checked, runbook by runbook, without making a plan."""

from collections.abc import Callable

from drillbook.compiler.assemble import part_of
from drillbook.compiler.context import Context
from drillbook.compiler.cycles import note_cycles, selections_of
from drillbook.compiler.diagnostics import Notes
from drillbook.compiler.document import Book
from drillbook.compiler.select import titles_of
from drillbook.core.catalog import Catalog
from drillbook.core.policy import StackFacts


def check_directives(
    book: Book,
    notes: Notes,
    *,
    catalog: Callable[[], Catalog] | None,
    stack: StackFacts | None,
) -> None:
    """Compile every runbook for its diagnostics only."""
    titles = titles_of(book)
    for runbook in book.runbooks:
        for selected in selections_of(runbook):
            part_of(Context(titles, catalog=catalog, stack=stack, notes=notes), selected)
    note_cycles(Context(titles, catalog=catalog, stack=stack, notes=notes))
