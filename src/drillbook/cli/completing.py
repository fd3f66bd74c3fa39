"""What the shell may complete: actions, runs and runbooks; never an error, only silence."""

from collections.abc import Callable, Iterator

from drillbook.core.errors import DrillbookError

MOST = 50


def complete_action(incomplete: str) -> list[tuple[str, str]]:
    """Return the actions that begin so."""

    def found() -> Iterator[tuple[str, str]]:
        from drillbook.cli.catalog import load_catalog

        for name, action in sorted(load_catalog().items()):
            yield name, action.says

    return _beginning(incomplete, found)


def complete_run(incomplete: str) -> list[tuple[str, str]]:
    """Return the newest runs that begin so."""

    def found() -> Iterator[tuple[str, str]]:
        from drillbook.cli.session import opened_runs

        with opened_runs() as runs:
            for each in runs.list(limit=MOST):
                yield each.run, f"{each.runbook} ({each.state})"

    return _beginning(incomplete, found)


def complete_answer(incomplete: str) -> list[tuple[str, str]]:
    """Return the words a question may be answered with."""

    def found() -> Iterator[tuple[str, str]]:
        from drillbook.cli.sending import MEANINGS

        yield from MEANINGS.items()

    return _beginning(incomplete, found)


def complete_runbook(incomplete: str) -> list[tuple[str, str]]:
    """Return the runbooks of the books found from here that begin so."""

    def found() -> Iterator[tuple[str, str]]:
        from drillbook.compiler.select import slug
        from drillbook.stack.books import find_books

        for found in find_books().runbooks():
            yield slug(found.runbook.title), found.runbook.title

    return _beginning(incomplete, found)


def _beginning(
    incomplete: str, found: Callable[[], Iterator[tuple[str, str]]]
) -> list[tuple[str, str]]:
    try:
        return [each for each in found() if each[0].startswith(incomplete)]
    except DrillbookError:
        return []  # a shell that asks for names shall not be told of errors
