"""A plan: one runbook compiled for given inputs and a given stack."""

import hashlib
from collections.abc import Callable, Iterator, Mapping

from pydantic import JsonValue

from drillbook.analysis.inputs import typed_inputs
from drillbook.analysis.scope import as_json
from drillbook.compiler.assemble import part_of
from drillbook.compiler.call import needed
from drillbook.compiler.check import lines_of_runbook, note_strays
from drillbook.compiler.context import Context, Files, Library
from drillbook.compiler.diagnostics import BookRejected, Notes
from drillbook.compiler.document import Book
from drillbook.compiler.inputs import declared_inputs
from drillbook.compiler.names import Names
from drillbook.compiler.select import Selected, select, titles_of
from drillbook.core.catalog import Catalog
from drillbook.core.errors import BookInvalid
from drillbook.core.plan import InputType, Plan, PlannedInput, PlannedTask, PlanPart
from drillbook.core.policy import Consent, StackFacts


def compile_plan(
    book: Book,
    runbook: str,
    *,
    text: str,
    stack: StackFacts,
    catalog: Callable[[], Catalog],
    files: Files,
    procedure: str | None = None,
    inputs: Mapping[str, str] | None = None,
    library: Library | None = None,
) -> Plan:
    """
    Compile a runbook; `text` is the file the book was read from.

    Raises NotFound for an unknown runbook or procedure, SettingsInvalid for wrong inputs or a
    missing choice, and BookRejected, which carries the diagnostics, when the book has errors.
    """
    digest = _digest(book, text)
    titles = titles_of(book)
    selected = select(titles.find(runbook), procedure)
    notes = Notes()
    note_strays(text, book, notes, lines=lines_of_runbook(book, selected.runbook))
    ctx = Context(titles, catalog=catalog, stack=stack, notes=notes, library=library)
    _reject_wrong(ctx, selected)
    known = _known_inputs(ctx, selected, inputs or {}, files)
    part = part_of(
        Context(
            titles,
            catalog=catalog,
            stack=stack,
            notes=notes,
            known=known,
            expand=part_of,
            files=files,
            library=library,
            trail=((book.name, selected.runbook.title, selected.procedure),),
        ),
        selected,
    )
    if notes.errors:
        raise BookRejected(book.name, notes.errors)
    return _plan(book, digest, stack, {name: as_json(value) for name, value in known.items()}, part)


def _reject_wrong(ctx: Context, selected: Selected) -> None:
    """Refuse a wrong book before asking for inputs: they could not make it right."""
    part_of(ctx, selected)
    if ctx.notes.errors:
        raise BookRejected(ctx.book.name, ctx.notes.errors)


def _known_inputs(
    ctx: Context, selected: Selected, given: Mapping[str, str], files: Files
) -> dict[str, object]:
    inner = Context(ctx.titles, ctx.catalog, ctx.stack, Notes(), Names(), files=files)
    declared = declared_inputs(inner, selected.runbook)
    if inner.notes.errors:
        raise BookRejected(ctx.book.name, inner.notes.errors)
    part = PlanPart(runbook=selected.runbook.title, inputs=needed(selected, declared))
    by_name = {each.name: each for each in declared}
    values = {
        name: _read(by_name[name], value, files) if name in by_name else value
        for name, value in given.items()
    }
    return typed_inputs(part, values)


def _read(declared: PlannedInput, value: str, files: Files) -> object:
    if value == "none" and not declared.required and declared.default is None:
        return None
    return files(value) if declared.type is InputType.FILE else value


def _plan(
    book: Book, digest: str, stack: StackFacts, inputs: dict[str, JsonValue], part: PlanPart
) -> Plan:
    used = {task.on for task in every_task(part) if task.on}
    return Plan(
        book=book.name,
        book_sha256=digest,
        inputs=inputs,
        environments={name: stack.environments[name] for name in sorted(used)},
        roles=_roles(stack, part),
        part=part,
    )


def _digest(book: Book, text: str) -> str:
    try:
        return hashlib.sha256(text.encode()).hexdigest()
    except UnicodeEncodeError as error:
        raise BookInvalid(
            f"{book.name} holds characters that are no Unicode text", hint="Save it as UTF-8."
        ) from error


def every_task(part: PlanPart) -> Iterator[PlannedTask]:
    """Yield every task of a part, and the actions that undo them."""
    for task in part.all_tasks():
        yield task
        if task.undo_does is not None:
            yield task.undo_does


def _roles(stack: StackFacts, part: PlanPart) -> dict[str, tuple[str, ...]]:
    """Return the roles that may have to approve: those named, or all where none is named."""
    asked = [each.needs for each in every_task(part) if each.needs.consent is Consent.APPROVALS]
    if any(not needs.roles for needs in asked):
        return stack.roles
    named = {role for needs in asked for role in needs.roles}
    return {role: people for role, people in stack.roles.items() if role in named}
