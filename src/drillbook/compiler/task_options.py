"""The sub-bullets of one task, read and checked against what may stand there."""

import re
from dataclasses import dataclass

from drillbook.compiler.context import Context
from drillbook.compiler.diagnostics import did_you_mean
from drillbook.compiler.directive import Mistake
from drillbook.compiler.document import OptionText, Span, Task
from drillbook.compiler.options import (
    OPTION_KEYS,
    bare,
    parse_evidence,
    parse_needs,
    parse_retry,
    parse_timeout,
    undo_reason,
)
from drillbook.core.plan import Retry
from drillbook.core.policy import Consent, Needs, StackFacts

_LIKE_OPTION = re.compile(r"([A-Za-z]{3,12})\s*[:=](?=\s|$)")


@dataclass(frozen=True, slots=True)
class Text:
    """An option's value without backticks, and where it starts in the file."""

    text: str
    span: Span


@dataclass(slots=True)
class Options:
    """What the sub-bullets of a task say."""

    needs: Needs
    needs_at: Span
    when: Text | None = None
    expect: Text | None = None
    undo: Text | None = None
    no_undo_because: str | None = None
    timeout_seconds: float | None = None
    retry: Retry | None = None
    evidence: tuple[str, ...] = ()
    evidence_at: Span | None = None


def value_text(option: OptionText) -> Text:
    """Return an option's value and its place: after `key:`, a space and the backticks."""
    text, ticks = bare(option.value)
    column = option.span.column + len(option.key) + 2 + ticks
    return Text(text, Span(option.span.line, column))


def read_options(ctx: Context, task: Task, allowed: tuple[str, ...], what: str) -> Options:
    """Read a task's sub-bullets; `what` names the kind of task for messages."""
    options = Options(Needs(), task.span)
    seen: dict[str, int] = {}
    for option in task.options:
        if option.key in seen:
            ctx.notes.error(
                option.span,
                "DB402",
                f"{option.key} is given twice (line {seen[option.key]})",
                "Keep one of them.",
            )
            continue
        seen[option.key] = option.span.line
        if option.key not in allowed:
            _refuse(ctx, option, allowed, what)
            continue
        try:
            _read(options, option)
        except Mistake as mistake:
            ctx.notes.error(value_text(option).span, mistake.code, mistake.message, mistake.hint)
    _look_for_slips(ctx, task)
    return options


def _refuse(ctx: Context, option: OptionText, allowed: tuple[str, ...], what: str) -> None:
    if option.key not in OPTION_KEYS:
        hint = did_you_mean(option.key, OPTION_KEYS)
        ctx.notes.error(option.span, "DB401", f"there is no option {option.key}", hint)
        return
    hint = f"It takes {', '.join(allowed)}." if allowed else "It takes no options."
    ctx.notes.error(option.span, "DB404", f"{what} takes no {option.key}", hint)


def _read(options: Options, option: OptionText) -> None:
    text = value_text(option)
    if not text.text:
        raise Mistake(0, "DB403", f"{option.key} has no value", "Write it behind the colon.")
    match option.key:
        case "needs":
            options.needs, options.needs_at = parse_needs(option.value), text.span
        case "when":
            options.when = text
        case "expect":
            options.expect = text
        case "timeout":
            options.timeout_seconds = parse_timeout(option.value)
        case "retry":
            options.retry = parse_retry(option.value)
        case "evidence":
            options.evidence, options.evidence_at = parse_evidence(option.value), text.span
        case _:
            options.no_undo_because = undo_reason(option.value)
            options.undo = text


def _look_for_slips(ctx: Context, task: Task) -> None:
    """Note a sub-bullet that looks like a misspelt option: it would silently be a human task."""
    for child in task.children:
        word = _LIKE_OPTION.match(child.text)
        if word is None or word[1] in OPTION_KEYS or child.directive is not None:
            continue
        near = did_you_mean(word[1].casefold(), OPTION_KEYS)
        if near:
            message = f"there is no option {word[1]}"
            ctx.notes.error(child.span, "DB401", message, near)


def look_for_orphans(ctx: Context, task: Task) -> None:
    """Note sub-bullets written like options below a task that has no directive."""
    for child in task.children:
        word = _LIKE_OPTION.match(child.text)
        if word is not None and word[1] in OPTION_KEYS:
            ctx.notes.finding(
                child.span,
                "DB411",
                f"`{word[1]}:` stands below a task without a directive and is only text",
                "Bind the task with a directive, or write the sentence differently.",
            )


def check_needs(ctx: Context, needs: Needs, span: Span) -> None:
    """Note roles the stack does not have, and needs nobody could fulfil."""
    stack = ctx.stack
    if stack is None or needs.consent is not Consent.APPROVALS:
        return
    for role in needs.roles:
        if role not in stack.roles:
            hint = did_you_mean(role, stack.roles)
            known = f"There are {', '.join(stack.roles)}." if stack.roles else "It has no roles."
            ctx.notes.error(span, "DB408", f"the stack has no role {role}", hint or known)
            return
    people = approvers(stack, needs)
    if needs.roles and len(people) < needs.approvals:
        who = " or ".join(needs.roles)
        ctx.notes.finding(
            span,
            "DB409",
            f"{needs.approvals} approvals are needed and {who} has {len(people)} people",
            "Add people to the role in stack.toml, or ask for less.",
        )


def approvers(stack: StackFacts, needs: Needs) -> frozenset[str]:
    """Return who may approve: the people of the roles named, or of all roles."""
    roles = needs.roles or tuple(stack.roles)
    return frozenset(person for role in roles for person in stack.roles.get(role, ()))
