"""Runs without anybody: what would have to be asked is known, and answered, before the start."""

from collections.abc import Iterator, Mapping

from drillbook.core.errors import Refused
from drillbook.core.plan import Kind, Plan, PlannedTask, PlanPart
from drillbook.core.policy import Consent
from drillbook.engine.messages import Message


def refuse_unanswerable(plan: Plan, answers: Mapping[str, Message]) -> None:
    """
    Refuse a run without people that would have to ask one, before it begins.

    What only a condition leads to is not asked for: a run that gets there ends there, as it does
    when a task fails.
    """
    missing = [
        task.id
        for task in _surely(plan.part)
        if task.id not in answers
        and (task.kind in (Kind.HUMAN, Kind.CHOOSE) or task.needs.consent is Consent.CONFIRM)
    ]
    if missing:
        raise Refused(
            f"{len(missing)} tasks need a person, and the run is unattended: {', '.join(missing)}",
            hint="Give their answers with --answers FILE, or run it attended.",
        )


def _surely(part: PlanPart) -> Iterator[PlannedTask]:
    """Yield the tasks of the forward path, without runbooks that are called under a condition."""
    steps = (task for step in part.steps for task in step.tasks)
    for task in (*part.gate, *steps):
        yield from _nested(task)


def _nested(task: PlannedTask) -> Iterator[PlannedTask]:
    if task.when and task.kind in (Kind.CHOOSE, Kind.RUNBOOK):
        return
    yield task
    for option in task.options:
        yield from _nested(option)
    if task.part is not None:
        yield from _surely(task.part)
