"""A plan of a single action: its values typed and checked exactly as those of a book."""

from drillbook.cli.catalog import find_action, load_catalog
from drillbook.cli.planning import files_beside, parse_pairs
from drillbook.cli.sending import now
from drillbook.compiler.diagnostics import BookRejected
from drillbook.compiler.document import Book, DirectiveText, Procedure, Runbook, Span, Step, Task
from drillbook.compiler.plans import compile_plan
from drillbook.core.errors import Refused, SettingsInvalid
from drillbook.core.plan import Plan
from drillbook.core.policy import Consent
from drillbook.engine.messages import Message, MessageKind
from drillbook.stack.stack import load_stack

RESULT = "outcome"
_ESCAPES = {"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\t": "\\t"}


def plan_for(name: str, pairs: list[str]) -> Plan:
    """Return the plan of one action with these values; wrong ones stop the start."""
    action = find_action(name)
    values = parse_pairs(pairs, what="value")
    written = "".join(f" {key}={_quoted(key, value)}" for key, value in values.items())
    at = Span(1)
    directive = DirectiveText(f"@{action.name}{written} as {RESULT}", at)
    task = Task(text=action.says or action.name, span=at, directive=directive)
    title = f"do {action.name}"
    step = Step(number=1, title=action.name, span=at, tasks=(task,))
    runbook = Runbook(
        title=title, span=at, form="one action", procedures=(Procedure("Steps", at, (step,)),)
    )
    try:
        return compile_plan(
            Book(name="the command line", runbooks=(runbook,)),
            title,
            text="",
            stack=load_stack().facts(),
            catalog=load_catalog,
            files=files_beside(None),
        )
    except BookRejected as error:
        first = error.diagnostics[0]
        hint = first.hint or f"See its values: drillbook actions {action.name}"
        raise SettingsInvalid(first.message, hint=hint) from error


def _quoted(key: str, value: str) -> str:
    """Return a value as a directive writes it: text in quotes, lists and `none` as they are."""
    if key == "on" or value == "none" or (value.startswith("[") and value.endswith("]")):
        return value
    return '"' + "".join(_ESCAPES.get(letter, letter) for letter in value) + '"'


def refuse_unconfirmed(plan: Plan) -> None:
    """Refuse a write that asks for a confirmation which nobody can type here."""
    task = plan.part.steps[0].tasks[0]
    if task.needs.consent is Consent.CONFIRM:
        raise Refused(
            f"{task.does} on {task.on} asks for a confirmation, and nobody is at a terminal",
            hint=f"Confirm it on the command line: --confirm {task.on}",
        )


def answers_for(plan: Plan, confirm: str, *, by: str) -> dict[str, Message]:
    """Return the requester's confirmation of a write; SettingsInvalid when none is asked for."""
    task = plan.part.steps[0].tasks[0]
    if task.needs.consent is not Consent.CONFIRM:
        raise SettingsInvalid(
            f"{task.does} asks for no confirmation here: {task.needs.says()}",
            hint="Leave --confirm out.",
        )
    if confirm != task.on:
        raise SettingsInvalid(
            f"the target's name is {task.on!r}, and --confirm says {confirm!r}",
            hint="Write the target's name exactly.",
        )
    yes = Message(kind=MessageKind.APPROVE, task=task.id, by=by, at=now(), says=confirm)
    return {task.id: yes}
