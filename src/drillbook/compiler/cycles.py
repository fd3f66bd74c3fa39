"""Runbooks that run themselves, found in a book without making a plan of it."""

from drillbook.compiler.call import calls_in, note_cycle
from drillbook.compiler.context import Context, Visit
from drillbook.compiler.document import Book, Runbook, Span
from drillbook.compiler.select import Selected, select
from drillbook.core.errors import NotFound, SettingsInvalid

Edge = tuple[Visit, Span]


def note_cycles(ctx: Context) -> None:
    """Note each call within the book that leads back to a runbook under way."""
    edges: dict[Visit, list[Edge]] = {}
    selections = {
        _visit(ctx.book, each): each
        for runbook in ctx.book.runbooks
        for each in selections_of(runbook)
    }
    waiting = list(selections.items())
    while waiting:
        visit, selected = waiting.pop()
        if visit in edges:
            continue
        edges[visit] = []
        for target, span in _targets(ctx, selected):
            target_visit = _visit(ctx.book, target)
            edges[visit].append((target_visit, span))
            waiting.append((target_visit, target))
    _walk(ctx, edges)


def selections_of(runbook: Runbook) -> list[Selected]:
    """Return every way to carry out a runbook: whole, or procedure by procedure."""
    try:
        return [select(runbook, None)]
    except SettingsInvalid:
        pass  # several procedures: each is compiled by itself
    return [select(runbook, each.alternative_of or each.title) for each in runbook.procedures]


def _visit(book: Book, selected: Selected) -> Visit:
    return book.name, selected.runbook.title, selected.procedure


def _targets(ctx: Context, selected: Selected) -> list[tuple[Selected, Span]]:
    found: list[tuple[Selected, Span]] = []
    for call, span in calls_in(selected):
        name, procedure = call.pair("name"), call.pair("procedure")
        if name is None:
            continue
        try:
            runbook = ctx.titles.find(name.value.text)
            chosen = procedure.value.text if procedure else None
            found.append((select(runbook, chosen), span))
        except (NotFound, SettingsInvalid):
            continue  # noted where the task is compiled
    return found


def _walk(ctx: Context, edges: dict[Visit, list[Edge]]) -> None:
    """Go through the calls depth first, without recursion, and note each that closes a circle."""
    done: set[Visit] = set()
    for start in edges:
        path: list[Visit] = []
        stack: list[tuple[Visit, int]] = [(start, 0)]
        while stack:
            visit, at = stack.pop()
            if at == 0:
                if visit in done:
                    continue
                path.append(visit)
            if at == len(edges[visit]):
                done.add(path.pop())
                continue
            stack.append((visit, at + 1))
            target, span = edges[visit][at]
            if target in path:
                place = Span(span.line, span.column + 1)
                note_cycle(ctx, [*path[path.index(target) :], target], place)
            elif target not in done:
                stack.append((target, 0))
