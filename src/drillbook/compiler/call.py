"""A task that runs another runbook, inline: its part becomes part of the plan."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from drillbook.analysis.inputs import typed_input
from drillbook.analysis.scope import as_json, resolve
from drillbook.compiler.bind import common, human, read_directive
from drillbook.compiler.context import Context, Visit
from drillbook.compiler.diagnostics import Notes, nearest_or_all
from drillbook.compiler.directive import Directive, Mistake, Pair, ValueKind, parse_directive
from drillbook.compiler.document import DirectiveText, Runbook, Span, Task
from drillbook.compiler.inputs import declared_inputs
from drillbook.compiler.names import Names
from drillbook.compiler.select import Selected, Titles, nearest_title, select, titles_of
from drillbook.compiler.task_options import check_needs, read_options
from drillbook.compiler.values import place
from drillbook.core.errors import DrillbookError, Failed, NotFound, SettingsInvalid
from drillbook.core.model import Risk
from drillbook.core.plan import Argument, InputType, Kind, Part, PlannedInput, PlannedTask, PlanPart

CALL_OPTIONS = ("needs", "when")
OWN_KEYS = ("name", "procedure")
DEEPEST = 12


def bind_runbook(ctx: Context, task: Task, directive: DirectiveText, task_id: str) -> PlannedTask:
    """Return a task that runs a runbook; mistakes are noted and leave it without a part."""
    options = read_options(ctx, task, CALL_OPTIONS, "@runbook")
    if options.when is not None:
        ctx.check_expression(options.when.text, options.when.span)
    check_needs(ctx, options.needs, options.needs_at)
    read = read_directive(ctx, directive)
    found = _called(ctx, read, directive.span) if read is not None else None
    if read is None or found is None:
        return human(ctx, task, task_id, Kind.RUNBOOK)
    titles, selected = found
    arguments, known = _arguments(ctx, selected, read, directive.span)
    part = _part(ctx, titles, selected, known, directive.span, task_id)
    return PlannedTask(
        **common(task, task_id),
        kind=Kind.RUNBOOK,
        does=f"runbook {selected.runbook.title}",
        arguments=arguments,
        risk=worst_risk(part) if part else Risk.READ,
        needs=options.needs,
        when=options.when.text if options.when else "",
        part=part,
    )


def worst_risk(part: PlanPart) -> Risk:
    """Return the most dangerous risk of the forward path."""
    risks = [task.risk for step in part.steps for task in step.tasks]
    return max(risks, key=lambda risk: risk.rank, default=Risk.READ)


def _called(ctx: Context, read: Directive, span: Span) -> tuple[Titles, Selected] | None:
    """Return the book and the pieces that are run, or None after noting what is wrong."""
    if read.as_name:
        message = "a runbook gives no result that could have a name"
        ctx.notes.error(place(span, read.as_at), "DB202", message, "Remove `as …`.")
    texts: dict[str, Pair] = {}
    for key in OWN_KEYS:
        pair = read.pair(key)
        if pair is not None and _is_plain(ctx, pair, span):
            texts[key] = pair
    if "name" not in texts:
        if read.pair("name") is None:
            hint = 'Write @runbook name="…".'
            ctx.notes.error(place(span, 0), "DB203", "@runbook needs name=", hint)
        return None
    found = _find(ctx, texts["name"], span)
    if found is None:
        return None
    titles, runbook = found
    procedure = texts["procedure"].value.text if "procedure" in texts else None
    try:
        return titles, select(runbook, procedure)
    except (NotFound, SettingsInvalid) as error:
        at = texts["procedure"].value.at if procedure is not None else texts["name"].value.at
        hint = error.hint.replace("--procedure ", "procedure=")
        ctx.notes.error(place(span, at), "DB602", str(error), hint)
        return None


def _is_plain(ctx: Context, pair: Pair, span: Span) -> bool:
    value = pair.value
    if value.kind is ValueKind.LIST or any(piece.path for piece in value.pieces):
        message = f"{pair.key}= is written out, and no computed value"
        ctx.notes.error(place(span, value.at), "DB204", message, "What runs is known beforehand.")
        return False
    return True


def _find(ctx: Context, pair: Pair, span: Span) -> tuple[Titles, Runbook] | None:
    title = pair.value.text
    try:
        try:
            return ctx.titles, ctx.titles.find(title)
        except NotFound:
            book = ctx.library(title) if ctx.library else None
            if book is None:
                raise
            titles = titles_of(book)
            return titles, titles.find(title)
    except (NotFound, SettingsInvalid) as error:
        hint = nearest_title(title, [each.title for each in ctx.book.runbooks])
        ctx.notes.error(place(span, pair.value.at), "DB601", str(error), hint or error.hint)
        return None


def _arguments(
    ctx: Context, selected: Selected, read: Directive, span: Span
) -> tuple[dict[str, Argument], dict[str, object]]:
    """Return what the called runbook is given, and what of that is known before the run."""
    declared = needed(selected, _inputs_of(ctx, selected.runbook))
    inputs = {each.name: each for each in declared}
    arguments: dict[str, Argument] = {}
    for pair in read.pairs:
        if pair.key in OWN_KEYS:
            continue
        if pair.key not in inputs:
            hint = nearest_or_all(pair.key, inputs, are="It takes") or "It takes no inputs."
            message = f"runbook {selected.runbook.title} has no input {pair.key}"
            ctx.notes.error(place(span, pair.at), "DB604", message, hint)
            continue
        argument = _argument(ctx, inputs[pair.key], pair, span)
        if argument is not None:
            arguments[pair.key] = argument
    given = {pair.key for pair in read.pairs}
    missing = [each.name for each in inputs.values() if each.required and each.name not in given]
    if missing:
        needs = " and ".join(f"{name}=" for name in missing)
        message = f"runbook {selected.runbook.title} needs {needs}"
        ctx.notes.error(place(span, 0), "DB605", message, f"Pass one on: {missing[0]}=${{…}}.")
    return arguments, _known(ctx, inputs.values(), arguments)


def _inputs_of(ctx: Context, runbook: Runbook) -> tuple[PlannedInput, ...]:
    # Its own mistakes are noted where the runbook itself is compiled.
    return declared_inputs(replace(ctx, notes=Notes(), names=Names()), runbook)


def needed(selected: Selected, declared: tuple[PlannedInput, ...]) -> tuple[PlannedInput, ...]:
    """Return the inputs; those that a mere way back does not use need not be given."""
    return tuple(
        each if _is_used(selected, each.name) else each.model_copy(update={"required": False})
        for each in declared
    )


def _is_used(selected: Selected, name: str) -> bool:
    if not selected.only_way_back:
        return True
    word = re.compile(rf"\b{re.escape(name)}\b")
    for task in _tasks_in(selected):
        texts = [task.directive.text] if task.directive else []
        texts += [option.value for option in task.options]
        if any(word.search(text) for text in texts):
            return True
    return False


def _argument(ctx: Context, declared: PlannedInput, pair: Pair, span: Span) -> Argument | None:
    value = pair.value
    if paths := [piece for piece in value.pieces if piece.path]:
        for piece in paths:
            ctx.check_path(piece.path, place(span, piece.at))
        return Argument(parts=tuple(Part(text=p.text, path=p.path) for p in value.pieces))
    if value.kind is ValueKind.WORD and value.text == "none" and not declared.required:
        return Argument(literal=None)
    try:
        raw: object = value.text
        if declared.type is InputType.FILE:
            if ctx.files is None:
                return Argument(literal=value.text)
            raw = ctx.files(value.text)
        return Argument(literal=as_json(typed_input(declared, raw)))
    except DrillbookError as error:
        ctx.notes.error(place(span, value.at), "DB204", str(error), error.hint)
        return None


def _known(
    ctx: Context, inputs: Iterable[PlannedInput], arguments: Mapping[str, Argument]
) -> dict[str, object]:
    known: dict[str, object] = {}
    for each in inputs if ctx.known is not None else ():
        argument = arguments.get(each.name, Argument())
        try:
            known[each.name] = typed_input(each, resolve(argument, ctx.known or {}))
        except (Failed, SettingsInvalid):
            continue  # known only in the run
    return known


def _part(
    ctx: Context,
    titles: Titles,
    selected: Selected,
    known: dict[str, object],
    span: Span,
    task_id: str,
) -> PlanPart | None:
    """Return the compiled part in a plan; a mere check looks at each runbook once, by itself."""
    if ctx.expand is None or not ctx.planning:
        return None
    visit: Visit = (titles.book.name, selected.runbook.title, selected.procedure)
    at = place(span, 0)
    if visit in ctx.trail:
        note_cycle(ctx, [*ctx.trail[ctx.trail.index(visit) :], visit], at)
        return None
    if len(ctx.trail) > DEEPEST:
        message = f"runbooks run one another more than {DEEPEST} deep"
        ctx.notes.error(at, "DB607", message, "Run the inner ones as runs of their own.")
        return None
    notes = ctx.notes if titles is ctx.titles else Notes()
    inner = replace(
        ctx, titles=titles, notes=notes, names=Names(), known=known, trail=(*ctx.trail, visit)
    )
    part = ctx.expand(inner, selected, f"{task_id}/")
    if notes is not ctx.notes and notes.errors:
        first = notes.errors[0]
        name = titles.book.name
        plural = "s" if len(notes.errors) > 1 else ""
        message = f"{name} has {len(notes.errors)} error{plural}, first: {first.message}"
        ctx.notes.error(at, "DB608", message, f"See drillbook check {name}.")
    return part


def note_cycle(ctx: Context, visits: list[Visit], at: Span) -> None:
    """Note that a runbook runs itself, with the way it takes."""
    parts = {(title, part) for _, title, part in visits}
    plain = len(parts) == len({title for title, _ in parts})
    names = " → ".join(title if plain else f"{title} ({part})" for _, title, part in visits)
    ctx.notes.error(at, "DB603", f"a runbook runs itself: {names}", "Break the circle.")


def _tasks_in(selected: Selected) -> Iterator[Task]:
    steps = [*selected.steps, *(step for each in selected.alternatives for step in each.steps)]
    waiting = [task for step in reversed(steps) for task in reversed(step.tasks)]
    while waiting:
        task = waiting.pop()
        yield task
        waiting += reversed(task.children)


def calls_in(selected: Selected) -> Iterator[tuple[Directive, Span]]:
    """Yield the calls of other runbooks, as far as they can be read."""
    for task in _tasks_in(selected):
        if task.directive is None or not task.directive.text.startswith("@runbook"):
            continue
        try:
            yield parse_directive(task.directive.text), task.directive.span
        except Mistake:
            continue  # noted where the task is compiled
