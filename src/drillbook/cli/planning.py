"""From a runbook's name and `name=value` words to a plan; shared by `plan` and `run`."""

from collections.abc import Callable, Iterable
from pathlib import Path

from drillbook.core.errors import SettingsInvalid
from drillbook.core.files import File, read_file
from drillbook.core.plan import Plan


def parse_pairs(pairs: Iterable[str], *, what: str) -> dict[str, str]:
    """Return `name=value` words as a mapping; a wrong or doubled one stops the start."""
    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.strip()
        if not equals or not name:
            raise SettingsInvalid(
                f"{pair!r} is not name=value", hint=f"Write each {what} as name=value."
            )
        if name in values:
            raise SettingsInvalid(f"the {what} {name} is given twice", hint="Give it once.")
        values[name] = value
    return values


def make_plan(
    runbook: str, *, inputs: Iterable[str], book: Path | None = None, procedure: str | None = None
) -> Plan:
    """Find the runbook, compile it for the inputs and the stack, and return the plan."""
    from drillbook.cli.catalog import load_catalog
    from drillbook.compiler.plans import compile_plan
    from drillbook.stack.books import find_books
    from drillbook.stack.stack import load_stack

    given = parse_pairs(inputs, what="input")
    books = find_books(book)
    found = books.find(runbook)
    return compile_plan(
        found.file.book,
        found.runbook.title,
        text=found.file.text,
        stack=load_stack().facts(),
        catalog=load_catalog,
        files=files_beside(found.file.path),
        procedure=procedure,
        inputs=given,
        library=books.library,
    )


def files_beside(book: Path | None) -> Callable[[str], File]:
    """Return how a file named in a plan is read: from here, else beside the book."""

    def read(name: str) -> File:
        path = Path(name).expanduser()
        if not path.is_absolute() and not path.exists() and book is not None:
            beside = book.resolve().parent / path
            if beside.exists():
                return read_file(beside)
        return read_file(path)

    return read
