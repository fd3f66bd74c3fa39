"""Where a run needs a person: human tasks, choices, decisions after a failure, and consent."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from drillbook.core.plan import Kind, PlannedTask
from drillbook.core.policy import Consent, Needs
from drillbook.core.record import EntryKind
from drillbook.engine.current import Current
from drillbook.engine.messages import Answer, Choice, Message, MessageKind
from drillbook.engine.outcome import Remembered, Status, TaskOutcome

if TYPE_CHECKING:
    from pydantic import JsonValue

    from drillbook.engine.scope import Json


async def ask(current: Current, task: PlannedTask) -> TaskOutcome:
    """Put a human task to a person and wait, however long it takes."""
    if not current.attended and task.id not in current.scope.start.answers:
        return TaskOutcome(
            status=Status.FAILED, error="this task needs a person, and the run is unattended"
        )
    data: Json = {"text": task.text, "optional": task.optional}
    now = await current.note(EntryKind.TASK_ASKED, task.id, data)
    message, _ = await current.message(task, (MessageKind.ANSWER,), until=None, now=now)
    if message is None:
        return TaskOutcome(status=Status.FAILED, error="nobody answered")
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
        return TaskOutcome(
            status=Status.FAILED, error="this choice needs a person, and the run is unattended"
        )
    options: Json = {option.id: option.text for option in task.options}
    now = await current.note(EntryKind.TASK_ASKED, task.id, {"text": task.text, "options": options})
    while True:
        message, now = await current.message(task, (MessageKind.OPTION,), until=None, now=now)
        if message is None:
            return TaskOutcome(status=Status.FAILED, error="nobody chose")
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
    if not current.attended:
        return else_do
    seconds = current.scope.plan.decision_seconds
    offered = choices(task, outcome, changed=bool(current.writes) and not current.on_way_back)
    data: Json = {
        "error": outcome.error,
        "hint": outcome.hint,
        "choices": [str(choice) for choice in offered],
        "otherwise": str(else_do),
        "seconds": None if patient else seconds,
    }
    now = await current.note(EntryKind.DECISION_ASKED, task.id, data)
    until = None if patient else now + timedelta(seconds=seconds)
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


async def consent(
    current: Current, task: PlannedTask, remembered: Remembered
) -> tuple[Remembered, TaskOutcome | None]:
    """Get the approvals a write needs, bound to plan and memory; a failure when declined."""
    if task.needs.consent is Consent.AUTO:
        return remembered, None
    while True:
        given, declined = await _collect(current, task, remembered)
        if declined is not None:
            return remembered, declined
        again = await current.remember(task)
        if again.outcome.status is not Status.DONE:
            return again, again.outcome
        why = _void(task.needs, given, remembered, again)
        if not why:
            return again, None
        await current.note(EntryKind.APPROVAL_VOID, task.id, {"why": why})
        remembered = again


async def _collect(
    current: Current, task: PlannedTask, remembered: Remembered
) -> tuple[dict[str, datetime], TaskOutcome | None]:
    plan_hash = current.scope.plan.hash
    asked: Json = {
        "needs": task.needs.says(),
        "target": task.on,
        "plan": plan_hash,
        "digest": remembered.digest,
        "memory": remembered.memory,
    }
    now = await current.note(EntryKind.APPROVAL_ASKED, task.id, asked)
    given: dict[str, datetime] = {}
    enough = max(1, task.needs.approvals)
    kinds = (MessageKind.APPROVE, MessageKind.DECLINE)
    while len(given) < enough:
        message, now = await current.message(task, kinds, until=None, now=now)
        if message is None:
            return given, TaskOutcome(status=Status.FAILED, error="nobody approved")
        told: Json = {"by": message.by, "note": message.note}
        if message.kind is MessageKind.DECLINE:
            await current.note(EntryKind.APPROVAL_DECLINED, task.id, told)
            note = f": {message.note}" if message.note else ""
            return given, TaskOutcome(
                status=Status.FAILED, error=f"{message.by} declined{note}", again=False
            )
        why = _unfit(current, task, message, remembered, plan_hash, given)
        if why:
            now = await current.ignored(message, why)
            continue
        told |= {"plan": plan_hash, "digest": remembered.digest}
        now = await current.note(EntryKind.APPROVAL_GIVEN, task.id, told)
        given[message.by] = now
    return given, None


def _unfit(  # noqa: PLR0911 - one sentence for each way an approval can be unfit
    current: Current,
    task: PlannedTask,
    message: Message,
    remembered: Remembered,
    plan_hash: str,
    given: dict[str, datetime],
) -> str:
    needs, start, roles = task.needs, current.scope.start, current.scope.plan.roles
    if needs.consent is Consent.CONFIRM:
        if message.says != task.on:
            return f"the target's name is {task.on!r}, and {message.says!r} was typed"
        return (
            "" if message.by == start.by else f"{start.by} requested this run and must confirm it"
        )
    if message.by == start.by:
        return f"{message.by} requested this run and cannot approve it"
    if message.by in given:
        return f"{message.by} has approved already"
    if message.plan_hash != plan_hash:
        return "the approval names another plan"
    if message.digest != remembered.digest:
        return "the approval names another state of the target"
    if needs.roles and not any(message.by in roles.get(role, ()) for role in needs.roles):
        return f"{message.by} holds none of the roles {', '.join(needs.roles)}"
    return ""


def _void(needs: Needs, given: dict[str, datetime], before: Remembered, now: Remembered) -> str:
    if now.digest != before.digest:
        return "the state of the target changed after the approval"
    if now.at is None or needs.consent is Consent.CONFIRM:
        return ""
    late = [by for by, at in given.items() if (now.at - at).total_seconds() > needs.valid_seconds]
    return f"the approval of {', '.join(late)} expired" if late else ""


def needs_person(task: PlannedTask) -> bool:
    """Whether a task cannot be carried out without somebody."""
    return task.kind in (Kind.HUMAN, Kind.CHOOSE)
