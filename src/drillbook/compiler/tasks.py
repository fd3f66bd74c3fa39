"""A bullet made into planned tasks: human, bound, a choice, a symptom, another runbook."""

from dataclasses import replace
from enum import StrEnum

from drillbook.compiler.bind import bind_action, common, human, read_directive
from drillbook.compiler.call import bind_runbook
from drillbook.compiler.context import Context
from drillbook.compiler.directive import Mistake, directive_name
from drillbook.compiler.document import DirectiveText, Task
from drillbook.compiler.names import Names
from drillbook.compiler.options import WhenText, parse_when
from drillbook.compiler.signal_check import check_signals
from drillbook.compiler.task_options import Options, check_needs, look_for_orphans, read_options
from drillbook.compiler.values import place as place_of
from drillbook.core.model import Risk
from drillbook.core.plan import Argument, Kind, PlannedTask

CHOICE_OPTIONS = ("needs", "when", "timeout")
DEEPEST = 12


class Place(StrEnum):
    """Where a task stands in its runbook."""

    GATE = "prerequisite"
    SYMPTOM = "symptom"
    FORWARD = "step"
    WAY_BACK = "rollback"
    AFTER = "post-mortem"


def planned_tasks(ctx: Context, task: Task, task_id: str, place: Place) -> tuple[PlannedTask, ...]:
    """Return the task and, after it, its sub-bullets as tasks `ID.1`, `ID.2`."""
    planned: list[PlannedTask] = []
    waiting = [(task, task_id)]
    while waiting:
        each, each_id = waiting.pop()
        planned.append(_one(ctx, each, each_id, place))
        if not is_choice(each):
            numbered = list(enumerate(each.children, start=1))
            waiting += [(child, f"{each_id}.{at}") for at, child in reversed(numbered)]
    return tuple(planned)


def is_choice(task: Task) -> bool:
    """Whether the sub-bullets of a task are options and no tasks of their own."""
    return task.directive is not None and directive_name(task.directive.text) == "choose"


def _one(ctx: Context, task: Task, task_id: str, place: Place) -> PlannedTask:
    if ctx.planning:
        ctx.budget.spend()
    if task.directive is None:
        look_for_orphans(ctx, task)
        return human(ctx, task, task_id)
    if is_choice(task):
        return _choice(ctx, task, task.directive, task_id, place)
    return _bound(ctx, task, task.directive, task_id, place)


def _bound(
    ctx: Context, task: Task, directive: DirectiveText, task_id: str, place: Place
) -> PlannedTask:
    name = directive_name(directive.text)
    if name == "when":
        return _symptom(ctx, task, directive, task_id, place)
    if place is Place.SYMPTOM:
        message = f"a symptom is bound by @when, and not by @{name}"
        hint = "Write @when CONDITION for 2m, or move the task into a step."
        ctx.notes.error(place_of(directive.span, 0), "DB110", message, hint)
        return human(ctx, task, task_id)
    if name == "runbook":
        return bind_runbook(ctx, task, directive, task_id)
    bound = bind_action(ctx, task, directive, task_id)
    if place is Place.GATE and bound.risk is not Risk.READ:
        message = f"{bound.does} changes something, and prerequisites are checks"
        hint = "Move it into a step, or check with an action that reads."
        ctx.notes.finding(place_of(directive.span, 0), "DB412", message, hint)
    return bound


def _symptom(
    ctx: Context, task: Task, directive: DirectiveText, task_id: str, place: Place
) -> PlannedTask:
    """Return a symptom with its condition; `for` and `severity` stand in its arguments."""
    if place is not Place.SYMPTOM:
        message = "@when binds a symptom, and this is none"
        hint = "Move it to ### Symptoms, or write a sub-bullet `when:` below an action."
        ctx.notes.error(place_of(directive.span, 0), "DB110", message, hint)
        return human(ctx, task, task_id)
    read_options(ctx, task, (), "@when")
    start = len(directive.text) - len(directive.text.removeprefix("@when").lstrip())
    try:
        when = parse_when(directive.text[start:], start)
    except Mistake as mistake:
        ctx.mistake(directive.span, mistake, offset=1)
        return human(ctx, task, task_id)
    # Symptoms are watched before there is a run: only measurements can be named.
    watching = ctx.with_names(Names({}))
    watching.check_expression(when.expression, place_of(directive.span, start), metrics=True)
    check_signals(ctx, when.expression, place_of(directive.span, start))
    return human(ctx, task, task_id).model_copy(
        update={"when": when.expression, "arguments": _watch_arguments(when)}
    )


def _watch_arguments(when: WhenText) -> dict[str, Argument]:
    given = {"for": when.hold, "severity": when.severity}
    return {key: Argument(literal=value) for key, value in given.items() if value}


def _choice(
    ctx: Context, task: Task, directive: DirectiveText, task_id: str, place: Place
) -> PlannedTask:
    """Return a decision: one of its nested bullets is carried out."""
    options = read_options(ctx, task, CHOICE_OPTIONS, "@choose")
    read = read_directive(ctx, directive)
    at = place_of(directive.span, 0)
    if read is not None and (read.pairs or read.as_name):
        ctx.notes.error(at, "DB202", "@choose takes no keys and no name", "Write only @choose.")
    if place is Place.SYMPTOM:
        ctx.notes.error(at, "DB110", "a symptom is no choice", "Move it into a step.")
    if not task.children:
        message = "@choose has no options"
        ctx.notes.error(at, "DB606", message, "Nest a bullet for each option below it.")
    if task_id.rpartition("/")[2].count(".") > DEEPEST:
        message = f"choices are nested more than {DEEPEST} deep"
        ctx.notes.error(at, "DB607", message, "Let an option run a runbook of its own.")
        return human(ctx, task, task_id)
    chosen = _options(ctx, task, task_id, place)
    worst = max((each.risk for each in chosen), key=lambda risk: risk.rank, default=Risk.READ)
    check_needs(ctx, options.needs, options.needs_at)
    return PlannedTask(
        **common(task, task_id),
        kind=Kind.CHOOSE,
        risk=worst,
        needs=options.needs,
        when=_checked_when(ctx, options),
        timeout_seconds=options.timeout_seconds,
        options=chosen,
    )


def _checked_when(ctx: Context, options: Options) -> str:
    if options.when is None:
        return ""
    ctx.check_expression(options.when.text, options.when.span)
    return options.when.text


def _options(ctx: Context, task: Task, task_id: str, place: Place) -> tuple[PlannedTask, ...]:
    """Compile each option with names of its own; afterwards the names of all are known."""
    before = ctx.names.copy()
    chosen: list[PlannedTask] = []
    for at, child in enumerate(task.children, start=1):
        inner = ctx.with_names(before.copy())
        alone = _as_one(child)
        option = planned_tasks(inner, alone, f"{task_id}.{at}", place)[0]
        if alone.children and not is_choice(alone):
            message = "an option of a choice is one task"
            hint = 'Let it run a runbook: @runbook name="…".'
            ctx.notes.error(alone.children[0].span, "DB110", message, hint)
        chosen.append(option)
        ctx.names.types |= inner.names.types
        ctx.names.lines |= inner.names.lines
    return tuple(chosen)


def _as_one(option: Task) -> Task:
    """Return an option with its plain sub-bullets as part of its text."""
    if is_choice(option):
        return option
    plain = [each for each in option.children if each.directive is None and not each.children]
    text = "\n".join([option.description, *(f"- {each.text}" for each in plain)]).strip()
    others = tuple(each for each in option.children if each not in plain)
    return replace(option, description=text, children=others)
