"""A task bound by a directive to an action of the catalog."""

import re
from dataclasses import dataclass
from typing import Any

from drillbook.compiler.context import Context
from drillbook.compiler.diagnostics import nearest_or_all
from drillbook.compiler.directive import Directive, Mistake, ValueKind, parse_directive
from drillbook.compiler.document import DirectiveText, Span, Task
from drillbook.compiler.task_options import Options, check_needs, read_options
from drillbook.compiler.values import argument_of, known_values, place
from drillbook.core.catalog import AnyAction
from drillbook.core.errors import DrillbookError
from drillbook.core.model import Risk
from drillbook.core.plan import Argument, Attached, Kind, PlannedTask, TakenBack
from drillbook.core.policy import Needs

ACTION_OPTIONS = ("needs", "when", "expect", "undo", "timeout", "retry", "evidence")
NOBODY = Needs()
# A mere check makes no tasks: of this stand-in only the risk counts.
CHECKED = {
    risk: PlannedTask(id="checked", text="", line=0, kind=Kind.ACTION, risk=risk) for risk in Risk
}
_AS = re.compile(r"\sas\s+([a-z_][a-z0-9_]*)\s*$")


@dataclass(frozen=True, slots=True)
class Bound:
    """An action with what a directive gives it."""

    action: AnyAction
    on: str
    arguments: dict[str, Argument]


def as_name_of(text: str) -> str:
    """Return the name a directive gives its result, even if the rest of it is wrong."""
    match = _AS.search(text)
    return match[1] if match else ""


def read_directive(ctx: Context, directive: DirectiveText) -> Directive | None:
    """Return the directive's pieces, or None after noting what is wrong."""
    try:
        return parse_directive(directive.text)
    except Mistake as mistake:
        ctx.mistake(directive.span, mistake, offset=1)
        return None


def bind_action(ctx: Context, task: Task, directive: DirectiveText, task_id: str) -> PlannedTask:
    """Return a task carried out by an action; mistakes are noted and leave a task without it."""
    options = read_options(ctx, task, ACTION_OPTIONS, "an action")
    if options.when is not None:
        ctx.check_expression(options.when.text, options.when.span)
    read = read_directive(ctx, directive)
    guarded = options.when is not None
    bound = _bound(ctx, read, directive, guarded=guarded) if read is not None else None
    name = as_name_of(directive.text)
    result: Any = bound.action.result if bound else Any  # Any: nothing is known of it
    if name:
        _define(ctx, name, result, directive, read)
    if bound is None:
        return human(ctx, task, task_id, Kind.ACTION)
    _check_result(ctx, options, bound.action, name)
    needs = _needs(ctx, bound, options, directive.span)
    undo_does = _undo(ctx, task, task_id, bound.action, options)
    if not ctx.planning:
        return CHECKED[bound.action.risk]
    return PlannedTask(
        **common(task, task_id),
        kind=Kind.ACTION,
        does=bound.action.name,
        on=bound.on,
        arguments=bound.arguments,
        name=name,
        risk=bound.action.risk,
        needs=needs,
        when=options.when.text if options.when else "",
        expect=options.expect.text if options.expect else "",
        timeout_seconds=options.timeout_seconds,
        retry=options.retry,
        evidence=options.evidence,
        way_back=_way_back(ctx, bound, options),
        undo_does=undo_does,
    )


def common(task: Task, task_id: str) -> dict[str, Any]:  # Any: fields of different types
    """Return what every planned task takes from its bullet."""
    return {
        "id": task_id,
        "text": "\n".join(part for part in (task.text, task.description) if part),
        "line": task.span.line,
        "optional": task.optional,
        "attachments": tuple(
            Attached(language=each.language, text=each.text) for each in task.attachments
        ),
    }


def human(ctx: Context, task: Task, task_id: str, kind: Kind = Kind.HUMAN) -> PlannedTask:
    """Return a task that a person carries out."""
    if not ctx.planning:
        return CHECKED[Risk.READ]
    return PlannedTask(**common(task, task_id), kind=kind)


def _define(
    ctx: Context, name: str, result: object, directive: DirectiveText, read: Directive | None
) -> None:
    trouble = ctx.names.define(name, result, directive.span.line)
    if trouble is not None:
        at = place(directive.span, read.as_at) if read else directive.span
        ctx.notes.error(at, trouble.code, trouble.message, trouble.hint)


def _bound(
    ctx: Context, read: Directive, directive: DirectiveText, *, guarded: bool = False
) -> Bound | None:
    if ctx.catalog is None:
        return None
    catalog = ctx.catalog()
    action = catalog.get(read.name)
    span = directive.span
    if action is None:
        hint = nearest_or_all(read.name, catalog, are="Drillbook actions lists them:")
        if "Did you mean" not in hint:
            hint = "`drillbook actions` lists what there is."
        ctx.notes.error(place(span, 0), "DB201", f"there is no action {read.name}", hint)
        return None
    unknown = _unknown_keys(ctx, action, read, span)
    on = _environment(ctx, action, read, span, told=unknown, guarded=guarded)
    arguments: dict[str, Argument] = {}
    for pair in read.pairs:
        if pair.key == "on" or pair.key not in action.params.model_fields:
            continue
        if (argument := argument_of(ctx, pair, action.params, span, guarded=guarded)) is not None:
            arguments[pair.key] = argument
    given = {pair.key for pair in read.pairs}
    fields = action.params.model_fields.items()
    missing = [key for key, field in fields if field.is_required() and key not in given]
    if missing and not unknown:
        message = f"{action.name} needs {' and '.join(f'{key}=' for key in missing)}"
        ctx.notes.error(place(span, 0), "DB203", message, f"It {_does(action)}")
    return Bound(action, on, arguments)


def _does(action: AnyAction) -> str:
    says = action.says.rstrip(".")
    return f"does this: {says}." if says else "cannot act without."


def _unknown_keys(ctx: Context, action: AnyAction, read: Directive, span: Span) -> bool:
    """Note the keys the action does not have; what is missing is then most likely one of them."""
    fields = action.params.model_fields
    keys = [*fields, *(["on"] if action.takes_environment else [])]
    unknown = [pair for pair in read.pairs if pair.key not in fields and pair.key != "on"]
    for pair in unknown:
        hint = nearest_or_all(pair.key, keys, are="It has") or "It takes no keys."
        message = f"{action.name} has no key {pair.key}"
        ctx.notes.error(place(span, pair.at), "DB202", message, hint)
    return bool(unknown)


def _environment(
    ctx: Context, action: AnyAction, read: Directive, span: Span, *, told: bool, guarded: bool
) -> str:
    """
    Return where the action acts, after noting what is wrong with `on=`, unless that is told.

    Under a `when` it may need a system that is not there: a book that knows many repairs holds for
    stacks that have only some of the systems, and a task that is reached all the same fails.
    """
    pair, stack = read.pair("on"), ctx.stack
    if not action.takes_environment:
        if pair is not None:
            message = f"{action.name} acts on no environment"
            ctx.notes.error(place(span, pair.at), "DB207", message, "Remove on=.")
        return ""
    known = sorted(stack.environments) if stack else []
    if pair is None:
        if len(known) == 1:
            return known[0]
        if stack is not None and not told:
            hint = f"Write on= and one of {', '.join(known)}." if known else "The stack has none."
            message = f"{action.name} needs on=: where does it act?"
            ctx.notes.error(place(span, 0), "DB206", message, hint)
        return ""
    value = pair.value
    if value.kind is ValueKind.LIST or any(piece.path for piece in value.pieces):
        message = "on= is the name of an environment, and no computed value"
        ctx.notes.error(place(span, value.at), "DB205", message, "Write it out: on=production.")
        return ""
    if stack is not None and value.text not in stack.environments:
        hint = (
            nearest_or_all(value.text, known) or "It has none yet: write one with drillbook init."
        )
        message = f"the stack has no environment {value.text}"
        ctx.notes.error(place(span, value.at), "DB205", message, hint)
    elif stack and not guarded and (lacking := stack.lacking(value.text, action.ports)):
        system, _, provider = lacking[0].partition(" from ")
        means = f' with provider = "{provider}"' if provider else ""
        hint = f"Add [environments.{value.text}.{system}]{means} to stack.toml."
        message = f"{value.text} has no {' and no '.join(lacking)}, which {action.name} needs"
        ctx.notes.error(place(span, value.at), "DB208", message, hint)
    return value.text


def _check_result(ctx: Context, options: Options, action: AnyAction, name: str) -> None:
    if options.expect is not None:
        ctx.check_expression(
            options.expect.text, options.expect.span, result=action.result, own=name
        )
    fields = [*action.result.model_fields, *action.result.model_computed_fields]
    for field in options.evidence:
        if field not in fields and options.evidence_at is not None:
            hint = nearest_or_all(field, fields, are="It has")
            message = f"the result of {action.name} has no `{field}`"
            ctx.notes.error(options.evidence_at, "DB407", message, hint)


def _needs(ctx: Context, bound: Bound, options: Options, span: Span) -> Needs:
    """Return what the policy and the file ask together: a file can only ask for more."""
    if ctx.stack is None:
        return options.needs
    policy = ctx.stack.needs(bound.on, bound.action.risk)
    check_needs(ctx, options.needs, options.needs_at)
    check_needs(ctx, policy, span)
    if options.needs == NOBODY:
        return policy
    asked, ruled = options.needs.roles, policy.roles
    if asked and ruled and not set(asked) & set(ruled):
        message = f"the policy asks {' or '.join(ruled)}, and this task asks {' or '.join(asked)}"
        hint = "Name a role that the policy names too, or change the policy."
        ctx.notes.error(options.needs_at or span, "DB413", message, hint)
    return policy.joined(options.needs)


def _way_back(ctx: Context, bound: Bound, options: Options) -> TakenBack | None:
    if not ctx.planning or bound.action.risk is Risk.READ:
        return None
    if options.no_undo_because is not None:
        return TakenBack(possible=bound.action.harmless, says=options.no_undo_because)
    if options.undo is not None:
        return TakenBack(possible=True, says=options.undo.text)
    values = known_values(ctx, bound.arguments, bound.action.params)
    try:
        told = bound.action.way_back(values)
    except DrillbookError as error:
        return TakenBack(possible=False, says=str(error))
    return TakenBack(possible=told.possible, says=told.says, price=told.price)


def _undo(
    ctx: Context, task: Task, task_id: str, action: AnyAction, options: Options
) -> PlannedTask | None:
    """Return the action that takes this one back, when the file names one."""
    if options.undo is None:
        return None
    text, at = options.undo.text, options.undo.span
    if action.risk is Risk.READ:
        message = f"{action.name} changes nothing, so nothing is undone"
        ctx.notes.error(at, "DB406", message, "Remove undo.")
        return None
    if action.undo is not None:
        message = f"{action.name} has its own undo, and a file cannot replace it"
        ctx.notes.error(at, "DB406", message, "Remove undo.")
        return None
    if options.no_undo_because is not None:
        return None
    if not text.startswith("@"):
        hint = "Write undo: `@domain.verb …`, or undo: none, because …."
        ctx.notes.error(at, "DB403", f"{text!r} is no directive", hint)
        return None
    return _bind_undo(ctx.with_names(_with_result(ctx, action)), task, task_id, text, at)


def _with_result(ctx: Context, action: AnyAction) -> Any:
    names = ctx.names.copy()
    names.types["result"] = action.result
    return names


def _bind_undo(ctx: Context, task: Task, task_id: str, text: str, at: Span) -> PlannedTask | None:
    directive = DirectiveText(text, Span(at.line, at.column - 1))
    read = read_directive(ctx, directive)
    if read is None:
        return None
    if read.as_name:
        message = "an undo gives no name to its result"
        ctx.notes.error(place(directive.span, read.as_at), "DB406", message, "Remove `as …`.")
    bound = _bound(ctx, read, directive)
    if bound is None:
        return None
    return PlannedTask(
        id=f"{task_id}.undo",
        text=f"Undo: {task.text}",
        line=at.line,
        kind=Kind.ACTION,
        does=bound.action.name,
        on=bound.on,
        arguments=bound.arguments,
        risk=bound.action.risk,
        needs=_needs(ctx, bound, Options(Needs(), at), directive.span),
    )
