"""`--answers FILE`: what a machine answers, by task id or by a task's exact text."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from drillbook.cli.sending import now
from drillbook.compiler.diagnostics import did_you_mean, nearest_or_all
from drillbook.core.errors import SettingsInvalid
from drillbook.core.files import read_file
from drillbook.core.plan import Kind, Plan, PlannedTask
from drillbook.core.policy import Consent
from drillbook.engine.messages import Answer, Choice, Message, MessageKind

KEYS = ("answer", "confirm", "note")
CONFIRM = "confirm"


def read_answers(path: Path, plan: Plan, *, by: str) -> dict[str, Message]:
    """Return the answers for the tasks of a plan; what is unknown or does not fit is named."""
    told = _parsed(path)
    confirmed = told.pop(CONFIRM, "")
    answers = dict(_confirmations(path, str(confirmed), plan, by)) if confirmed else {}
    for name, values in told.items():
        task = _task(path, name, plan)
        answers[task.id] = _message(f"{path}: {name!r}", values, task, by)
    return answers


def _parsed(path: Path) -> dict[str, Any]:  # Any: TOML
    try:
        return tomllib.loads(read_file(path).text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsInvalid(
            f"{path} is not TOML: {error}",
            hint='Write ["2.3"], and below it answer = "done".',
        ) from error


def _confirmations(path: Path, target: str, plan: Plan, by: str) -> Iterator[tuple[str, Message]]:
    """Yield the yes of the requester to every write on one environment."""
    asked = [task for task in plan.part.all_tasks() if task.needs.consent is Consent.CONFIRM]
    fitting = [task for task in asked if task.on == target]
    if not fitting:
        targets = sorted({task.on for task in asked})
        raise SettingsInvalid(
            f"{path}: nothing of this plan on {target!r} asks for a confirmation",
            hint=nearest_or_all(target, targets) or "Remove `confirm`.",
        )
    for task in fitting:
        yield task.id, _yes(task, target, "", by)


def _task(path: Path, name: str, plan: Plan) -> PlannedTask:
    tasks = list(plan.part.all_tasks())
    by_id = {task.id: task for task in tasks}
    if name in by_id:
        return by_id[name]
    same = [task for task in tasks if task.text == name]
    if len(same) == 1:
        return same[0]
    if same:
        raise SettingsInvalid(
            f"{path}: {len(same)} tasks read {name!r}",
            hint=f"Name one by its id: {', '.join(task.id for task in same)}.",
        )
    near = did_you_mean(name, [*by_id, *(task.text for task in tasks)]).capitalize()
    raise SettingsInvalid(
        f"{path}: the plan has no task {name!r}",
        hint=near or f"See its ids: drillbook plan {plan.part.runbook!r}",
    )


def _message(place: str, values: object, task: PlannedTask, by: str) -> Message:
    if not isinstance(values, dict):
        raise SettingsInvalid(
            f"{place} is not a table", hint='Write ["2.3"], and below it answer = "done".'
        )
    for key, value in values.items():
        if key not in KEYS or not isinstance(value, str):
            raise SettingsInvalid(
                f"{place}: {key} is not a text that can stand here",
                hint=f"Allowed are {', '.join(KEYS)}, each a text in quotes.",
            )
    note = values.get("note", "")
    if CONFIRM in values:
        return _confirmed(place, values[CONFIRM], task, note, by)
    if "answer" not in values:
        raise SettingsInvalid(f"{place} has no answer", hint='Add answer = "done".')
    kind, says = _answer(place, values["answer"], task)
    return Message(kind=kind, task=task.id, by=by, at=now(), says=says, note=note)


def _confirmed(place: str, typed: str, task: PlannedTask, note: str, by: str) -> Message:
    if task.needs.consent is Consent.APPROVALS:
        raise SettingsInvalid(
            f"{place} needs {task.needs.says()}, which the requester cannot give",
            hint=f"A colleague types: drillbook approve RUN {task.id}",
        )
    target = task.on or task.id
    if task.needs.consent is not Consent.CONFIRM or typed != target:
        is_asked = task.needs.consent is Consent.CONFIRM
        raise SettingsInvalid(
            f"{place}: confirm is {typed!r}, and the task "
            + (f"is on {target!r}" if is_asked else "asks for no confirmation"),
            hint="Write the target's name exactly, or remove it.",
        )
    return _yes(task, typed, note, by)


def _yes(task: PlannedTask, target: str, note: str, by: str) -> Message:
    return Message(kind=MessageKind.APPROVE, task=task.id, by=by, at=now(), says=target, note=note)


def _answer(place: str, says: str, task: PlannedTask) -> tuple[MessageKind, str]:
    if task.kind is Kind.HUMAN:
        allowed, kind = {str(answer): str(answer) for answer in Answer}, MessageKind.ANSWER
    elif task.kind is Kind.CHOOSE:
        allowed = {option.id: option.id for option in task.options}
        allowed |= {option.text: option.id for option in task.options}
        kind = MessageKind.OPTION
    else:
        allowed, kind = {str(choice): str(choice) for choice in Choice}, MessageKind.CHOICE
    if says not in allowed:
        raise SettingsInvalid(
            f"{place}: {says!r} is no answer to this task",
            hint=f"Write one of {', '.join(allowed)}.",
        )
    return kind, allowed[says]
