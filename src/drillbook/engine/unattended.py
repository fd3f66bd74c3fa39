"""Runs without anybody: what would have to be asked is known, and answered, before the start."""

from collections.abc import Mapping

from drillbook.core.errors import Refused
from drillbook.core.plan import Kind, Plan
from drillbook.core.policy import Consent
from drillbook.engine.messages import Message


def refuse_unanswerable(plan: Plan, answers: Mapping[str, Message]) -> None:
    """Refuse a run without people that would have to ask one, before it begins."""
    after = {task.id for step in plan.part.post_mortem for task in step.tasks}
    back = {task.id for step in plan.part.rollback for task in step.tasks}
    missing = [
        task.id
        for task in plan.part.all_tasks()
        if task.id not in {*answers, *after, *back}
        and (task.kind in (Kind.HUMAN, Kind.CHOOSE) or task.needs.consent is Consent.CONFIRM)
    ]
    if missing:
        raise Refused(
            f"{len(missing)} tasks need a person, and the run is unattended: {', '.join(missing)}",
            hint="Give their answers with --answers FILE, or run it attended.",
        )
