"""A runbook made into a part of a plan: gate, steps, way back, and what comes after."""

from collections.abc import Iterable, Iterator

from drillbook.compiler.bind import as_name_of
from drillbook.compiler.call import needed, worst_risk
from drillbook.compiler.context import Context
from drillbook.compiler.document import Attachment, Procedure, Role, Step, Task
from drillbook.compiler.inputs import declared_inputs
from drillbook.compiler.select import Selected
from drillbook.compiler.tasks import Place, planned_tasks
from drillbook.core.model import Risk
from drillbook.core.plan import (
    Argument,
    Attached,
    Kind,
    Part,
    PlannedInput,
    PlannedStep,
    PlannedTask,
    PlanPart,
)


def part_of(ctx: Context, selected: Selected, ids: str = "") -> PlanPart:
    """Compile what was selected; task ids start with `ids`."""
    runbook = selected.runbook
    inputs = needed(selected, declared_inputs(ctx, runbook))
    forward = [step for step in selected.steps if _is_forward(selected, step)]
    rollback = [step for step in selected.steps if not _is_forward(selected, step)]
    after = [step for step in rollback if step.role is Role.POST_MORTEM]
    rollback = [step for step in rollback if step.role is Role.ROLLBACK]
    _look_ahead(ctx, selected, forward, rollback)
    numbers = {id(step): str(at) for at, step in enumerate(selected.steps, start=1)}

    def planned(inner: Context, steps: Iterable[Step], place: Place) -> tuple[PlannedStep, ...]:
        return tuple(
            _planned_step(inner, step, f"{ids}{numbers[id(step)]}", place) for step in steps
        )

    gate = _listed(ctx, selected.gate, f"{ids}0", Place.GATE)
    symptoms = _listed(ctx, selected.symptoms, f"{ids}s", Place.SYMPTOM)
    steps = planned(ctx, forward, Place.FORWARD)
    if selected.alternatives:
        steps = (_choice_of(ctx, selected, inputs, ids),)
    return PlanPart(
        runbook=runbook.title,
        procedure=selected.procedure,
        description=runbook.description,
        inputs=inputs,
        gate=gate,
        symptoms=symptoms,
        steps=steps,
        post_mortem=planned(ctx.with_names(ctx.names.copy()), after, Place.AFTER),
        rollback=planned(ctx.with_names(ctx.names.copy()), rollback, Place.WAY_BACK),
        attachments=attached(runbook.attachments),
    )


def _is_forward(selected: Selected, step: Step) -> bool:
    return step.role is Role.FORWARD or selected.only_way_back


def attached(attachments: Iterable[Attachment]) -> tuple[Attached, ...]:
    """Return fences as the plan shows them."""
    return tuple(Attached(language=each.language, text=each.text) for each in attachments)


def _look_ahead(
    ctx: Context, selected: Selected, forward: list[Step], rollback: list[Step]
) -> None:
    """Note all names given later, so that a use before the definition can say where it is."""
    before = dict(_names_in(selected.gate))
    for step in forward:
        before |= dict(_names_in(step.tasks))
    back: dict[str, int] = {}
    for step in rollback:
        back |= dict(_names_in(step.tasks))
    ctx.names.later = back | before
    ctx.names.way_back = frozenset(back.keys() - before.keys())


def _names_in(tasks: Iterable[Task]) -> Iterator[tuple[str, int]]:
    for task in tasks:
        if task.directive is not None and (name := as_name_of(task.directive.text)):
            yield name, task.directive.span.line
        yield from _names_in(task.children)


def _listed(
    ctx: Context, tasks: tuple[Task, ...], prefix: str, place: Place
) -> tuple[PlannedTask, ...]:
    return tuple(
        planned
        for at, task in enumerate(tasks, start=1)
        for planned in planned_tasks(ctx, task, f"{prefix}.{at}", place)
    )


def _planned_step(ctx: Context, step: Step, step_id: str, place: Place) -> PlannedStep:
    return PlannedStep(
        id=step_id,
        title=step.title,
        optional=step.optional,
        description=step.description,
        tasks=_listed(ctx, tasks_of(step), step_id, place),
        attachments=attached(step.attachments),
    )


def tasks_of(step: Step) -> tuple[Task, ...]:
    """Return the tasks of a step; a step without bullets is its own single task."""
    return step.tasks or (Task(step.title, step.span, step.optional),)


def _choice_of(
    ctx: Context, selected: Selected, inputs: tuple[PlannedInput, ...], ids: str
) -> PlannedStep:
    """Return a step in which a person chooses among alternatives; each is a part of its own."""
    given = {each.name: Argument(parts=(Part(path=each.name),)) for each in inputs}
    options = tuple(
        _alternative(ctx, selected, each, given, f"{ids}1.1.{at}")
        for at, each in enumerate(selected.alternatives, start=1)
    )
    title = selected.procedure or selected.runbook.title
    worst = max((each.risk for each in options), key=lambda risk: risk.rank, default=Risk.READ)
    line = selected.alternatives[0].span.line
    task = PlannedTask(
        id=f"{ids}1.1",
        text=f"Choose how to go on: {title}",
        line=line,
        kind=Kind.CHOOSE,
        risk=worst,
        options=options,
    )
    return PlannedStep(id=f"{ids}1", title=title, tasks=(task,))


def _alternative(
    ctx: Context, selected: Selected, each: Procedure, given: dict[str, Argument], task_id: str
) -> PlannedTask:
    inner = Selected(selected.runbook, each.title, steps=each.steps)
    names = type(ctx.names)()
    part = part_of(ctx.with_names(names), inner, f"{task_id}/")
    return PlannedTask(
        id=task_id,
        text=each.title,
        line=each.span.line,
        kind=Kind.RUNBOOK,
        arguments=given,
        risk=worst_risk(part),
        part=part,
    )
