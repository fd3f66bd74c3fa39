"""Where a run needs a person: human tasks, choices, and decisions after a failure."""

from datetime import timedelta
from typing import TYPE_CHECKING

from drillbook.core.plan import PlannedTask
from drillbook.core.record import EntryKind
from drillbook.engine.current import Current
from drillbook.engine.messages import Answer, Choice, MessageKind
from drillbook.engine.outcome import Status, TaskOutcome

if TYPE_CHECKING:
    from pydantic import JsonValue

    from drillbook.engine.scope import Json


async def ask(current: Current, task: PlannedTask) -> TaskOutcome:
    """Put a human task to a person and wait, however long it takes."""
    if not current.attended and task.id not in current.scope.start.answers:
        return await _nobody(current, task, "task")
    data: Json = {"text": task.text, "optional": task.optional}
    now = await current.ask(EntryKind.TASK_ASKED, task.id, data)
    while True:
        message, now = await current.message(task, (MessageKind.ANSWER,), until=None, now=now)
        if message is None:
            return TaskOutcome(status=Status.FAILED, error="nobody answered")
        if message.says in set(Answer):
            break
        now = await current.ignored(message, f"{message.says!r} is no answer to a task")
    told: Json = {"answer": message.says, "note": message.note, "by": message.by}
    kept: list[JsonValue] = [file.model_dump(mode="json") for file in message.evidence]
    told |= {"evidence": kept} if kept else {}
    await current.note(EntryKind.TASK_ANSWERED, task.id, told)
    match Answer(message.says):
        case Answer.DONE:
            return TaskOutcome(status=Status.DONE)
        case Answer.NOT_NEEDED:
            return TaskOutcome(status=Status.SKIPPED)
        case Answer.COULD_NOT:
            note = f": {message.note}" if message.note else ""
            return TaskOutcome(status=Status.FAILED, error=f"{message.by} could not do it{note}")


async def choose(current: Current, task: PlannedTask) -> PlannedTask | TaskOutcome:
    """Let a person choose one of the options; the option, or the failure to get an answer."""
    if not current.attended and task.id not in current.scope.start.answers:
        return await _nobody(current, task, "choice")
    options: Json = {option.id: option.text for option in task.options}
    seconds = task.timeout_seconds
    data: Json = {"text": task.text, "options": options}
    data |= {"seconds": seconds} if seconds is not None else {}
    now = await current.ask(EntryKind.TASK_ASKED, task.id, data)
    until = now + timedelta(seconds=seconds) if seconds is not None else None
    while True:
        message, now = await current.message(task, (MessageKind.OPTION,), until=until, now=now)
        if message is None:
            said = f"nobody chose in {seconds:g} s" if seconds is not None else "nobody chose"
            return TaskOutcome(status=Status.FAILED, error=said)
        chosen = next((option for option in task.options if option.id == message.says), None)
        if chosen is not None:
            told: Json = {
                "option": chosen.id,
                "text": chosen.text,
                "note": message.note,
                "by": message.by,
            }
            await current.note(EntryKind.TASK_ANSWERED, task.id, told)
            return chosen
        now = await current.ignored(message, f"task {task.id} has no option {message.says!r}")


async def _nobody(current: Current, task: PlannedTask, what: str) -> TaskOutcome:
    says = f"this {what} needs a person, and the run is unattended: {task.text}"
    hint = f"Read what was found (drillbook report {current.run}), and go on by hand."
    if not current.afterwards:  # what is left to do when all is over holds nothing up
        told: Json = {"error": says, "hint": hint, "seconds": 0.0}
        await current.note(EntryKind.TASK_FAILED, task.id, told)
    return TaskOutcome(status=Status.FAILED, error=says, hint=hint, again=False, nobody=True)


def choices(task: PlannedTask, outcome: TaskOutcome, *, changed: bool) -> tuple[Choice, ...]:
    """Return what can be decided about a task that did not succeed."""
    if outcome.status is Status.UNKNOWN:
        return (Choice.IT_HAPPENED, Choice.IT_DID_NOT, Choice.WAY_BACK, Choice.STOP)
    way_back = (Choice.WAY_BACK,) if changed else ()
    return (Choice.RETRY, Choice.SKIP, *way_back, Choice.STOP)


async def decide(
    current: Current,
    task: PlannedTask,
    outcome: TaskOutcome,
    *,
    else_do: Choice,
    patient: bool = False,
) -> Choice:
    """Ask what to do about a failure; when nobody answers in time, `else_do` is done."""
    if not current.attended and current.prepared(task, (MessageKind.CHOICE,)) is None:
        return else_do
    seconds = current.scope.plan.decision_seconds if current.attended else 0.0
    offered = choices(task, outcome, changed=bool(current.writes) and not current.on_way_back)
    waits = not (patient and current.attended)
    data: Json = {
        "error": outcome.error,
        "hint": outcome.hint,
        "choices": [str(choice) for choice in offered],
        "otherwise": str(else_do),
        "seconds": seconds if waits else None,
    }
    now = await current.ask(EntryKind.DECISION_ASKED, task.id, data)
    until = now + timedelta(seconds=seconds) if waits else None
    while True:
        message, now = await current.message(task, (MessageKind.CHOICE,), until=until, now=now)
        if message is None:
            told: Json = {
                "choice": str(else_do),
                "by": "",
                "why": f"nobody answered in {seconds:g} s",
            }
            await current.note(EntryKind.DECISION_MADE, task.id, told)
            return else_do
        if message.says in offered:
            told = {"choice": message.says, "by": message.by, "note": message.note}
            await current.note(EntryKind.DECISION_MADE, task.id, told)
            return Choice(message.says)
        now = await current.ignored(
            message, f"task {task.id} can be decided by {', '.join(offered)}"
        )
