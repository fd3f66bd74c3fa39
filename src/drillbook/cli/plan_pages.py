"""A plan in words: every task, what it does, who must say yes, and how it is taken back."""

from collections.abc import Iterator
from datetime import timedelta

from drillbook.cli.telling import paint, visible
from drillbook.core.files import File
from drillbook.core.model import Risk
from drillbook.core.plan import Argument, Kind, Plan, PlannedStep, PlannedTask, PlanPart
from drillbook.core.policy import Consent
from drillbook.core.quantities import show_duration

RISKS = {Risk.READ: "dim", Risk.WRITE: "yellow", Risk.DESTROY: "red"}


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield a plan as lines for people."""
    part = plan.part
    procedure = f", {part.procedure}" if part.procedure else ""
    yield paint(f"{visible(part.runbook)}{visible(procedure)}", "bold")
    yield f"plan {plan.hash}"
    yield f"book {visible(plan.book)}, sha256 {plan.book_sha256[:12]}"
    if plan.inputs:
        yield ""
        yield paint("Inputs", "bold")
    for name, value in plan.inputs.items():
        yield f"  {name} = {visible(shown_value(value))}"
    yield from _environments(plan)
    yield from part_lines(part)
    yield ""
    yield summary_of(plan)


def _environments(plan: Plan) -> Iterator[str]:
    if plan.environments:
        yield ""
        yield paint("Acts on", "bold")
    for name, facts in plan.environments.items():
        systems = ", ".join(f"{system} ({provider})" for system, provider in facts.systems.items())
        yield f"  {name}: {systems or 'no systems'}, settings {facts.digest[:12]}"


def part_lines(part: PlanPart, indent: str = "") -> Iterator[str]:
    """Yield one runbook of a plan: symptoms, gate, steps, way back, what comes after."""
    if part.symptoms:
        yield from ("", f"{indent}{paint('Symptoms: is this it?', 'bold')}")
        for task in part.symptoms:
            yield f"{indent}  {task.id:<5} {visible(task.text)}{_condition(task)}"
    if part.gate:
        yield from ("", f"{indent}{paint('Before step 1, all of this must hold', 'bold')}")
        for task in part.gate:
            yield from _task(task, f"{indent}  ")
    for step in part.steps:
        yield from _step(step, indent, "")
    for step in part.rollback:
        yield from _step(step, indent, "way back: only after a failure or `undo`")
    for step in part.post_mortem:
        yield from _step(step, indent, "after the resolution")


def _condition(task: PlannedTask) -> str:
    return f"   when {visible(task.when)}" if task.when else ""


def _step(step: PlannedStep, indent: str, remark: str) -> Iterator[str]:
    yield ""
    words = ", ".join(filter(None, (remark, "if needed" if step.optional else "")))
    tail = paint(f"  ({words})", "dim") if words else ""
    yield f"{indent}{paint(f'{step.id}. {visible(step.title)}', 'bold')}{tail}"
    for task in step.tasks:
        yield from _task(task, f"{indent}  ")


def _task(task: PlannedTask, indent: str) -> Iterator[str]:
    word = task.kind.value if task.kind is not Kind.ACTION else task.risk.value
    mark = paint(f"{word:<7}", RISKS[task.risk] if task.kind is Kind.ACTION else "cyan")
    optional = paint("  (if needed)", "dim") if task.optional else ""
    yield f"{indent}{task.id:<5} {mark} {visible(task.text)}{optional}"
    inner = f"{indent}      "
    for line in task_facts(task):
        yield f"{inner}{line}"
    for option in task.options:
        yield from _task(option, f"{inner}or ")
    if task.part is not None:
        yield from part_lines(task.part, inner)


def task_facts(task: PlannedTask) -> Iterator[str]:
    """Yield what there is to know about one task before it starts."""
    if task.kind is Kind.CHOOSE:
        yield "a person chooses one:"
    if task.kind is Kind.ACTION:
        yield f"does {does_words(task)}"
    elif task.arguments:
        yield f"with {_arguments(task)}"
    if task.when:
        yield f"only when {visible(task.when)}"
    if task.expect:
        yield f"expects {visible(task.expect)}"
    limits = list(_limits(task))
    if limits:
        yield "; ".join(limits)
    if task.needs.consent is not Consent.AUTO:
        yield f"needs {task.needs.says()}"
    if task.risk is not Risk.READ and task.kind is Kind.ACTION:
        yield way_back_words(task)


def does_words(task: PlannedTask) -> str:
    """Return the action as a book writes it, with its values."""
    on = f" on={task.on}" if task.on else ""
    name = f" as {task.name}" if task.name else ""
    arguments = _arguments(task)
    return f"{task.does}{on}{' ' if arguments else ''}{arguments}{name}"


def way_back_words(task: PlannedTask) -> str:
    """Return how a write is taken back, or why it is not, and what going back costs."""
    if task.undo_does is not None:
        return f"taken back by {does_words(task.undo_does)}"
    back = task.way_back
    if back is None:
        return "taken back by its own undo"
    price = f" (price: {visible(back.price)})" if back.price else ""
    if back.possible:
        return f"taken back: {visible(back.says)}{price}"
    return paint(f"NOT taken back: {visible(back.says)}{price}", "red")


def _limits(task: PlannedTask) -> Iterator[str]:
    if task.timeout_seconds is not None:
        yield f"at most {show_duration(timedelta(seconds=task.timeout_seconds))}"
    if task.retry is not None:
        wait = show_duration(timedelta(seconds=task.retry.wait_seconds))
        growing = ", doubling" if task.retry.doubling else ""
        yield f"tries again {task.retry.times} times, from {wait} on{growing}"
    if task.evidence:
        yield f"keeps {', '.join(task.evidence)} as evidence"


def _arguments(task: PlannedTask) -> str:
    return " ".join(f"{name}={_argument(value)}" for name, value in task.arguments.items())


def _argument(argument: Argument) -> str:
    if not argument.parts:
        return visible(shown_value(argument.literal))
    return visible("".join(part.text or f"${{{part.path}}}" for part in argument.parts))


def shown_value(value: object) -> str:
    """Return a value of a plan in a few words; a file by its name, size and digest."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict) and value.keys() == File.model_fields.keys():
        return File.model_validate(value).says
    return str(value)


def summary_of(plan: Plan) -> str:
    """Return in one line what a run of this plan will ask of people and change."""
    tasks = list(plan.part.all_tasks())
    writes = [task for task in tasks if task.risk is not Risk.READ and task.kind is Kind.ACTION]
    final = [task for task in writes if task.way_back and not task.way_back.possible]
    people = [task for task in tasks if task.kind in (Kind.HUMAN, Kind.CHOOSE)]
    asked = [task for task in tasks if task.needs.consent is not Consent.AUTO]
    return (
        f"{len(tasks)} tasks: {len(writes)} write, {len(final)} of them cannot be taken back; "
        f"{len(people)} wait for a person (human: answered done, not-needed or could-not), "
        f"{len(asked)} need a yes first. Nothing was changed."
    )
