"""The yes a task needs: bound to the plan and to what was remembered, expiring, never one's own."""

from datetime import datetime
from typing import TYPE_CHECKING

from drillbook.core.plan import PlannedTask
from drillbook.core.policy import Consent, Needs, same_person
from drillbook.core.record import EntryKind
from drillbook.engine.current import Agreement, Current
from drillbook.engine.messages import Message, MessageKind
from drillbook.engine.outcome import Remembered, Status, TaskOutcome

if TYPE_CHECKING:
    from drillbook.engine.scope import Json

Given = dict[str, datetime]
DONE = TaskOutcome(status=Status.DONE)


async def agreed(current: Current, task: PlannedTask) -> TaskOutcome:
    """
    Remember what the undo needs and get the yes a task needs; another outcome when it may not act.

    For another try the state is looked at again: the yes of before holds only while nothing
    changed and it has not expired.
    """
    auto = task.needs.consent is Consent.AUTO
    before = current.agreements.get(task.id)
    if before is not None and auto:
        return DONE
    found = await current.remember(task)
    if found.outcome.status is not Status.DONE:
        return found.outcome
    await current.leave_if_cancelled(found.outcome)
    given: Given | None = {} if auto else None
    if before is not None and not await _is_void(current, task, before, found):
        given = before.given
    while given is None:
        collected, refused = await _collect(current, task, found)
        if refused is not None:
            current.agreements.pop(task.id, None)
            return refused
        again = await current.remember(task)
        if again.outcome.status is not Status.DONE:
            return again.outcome
        if not await _is_void(current, task, Agreement(found, collected), again):
            given = collected
        found = again
    current.agreements[task.id] = Agreement(found, given, None if auto else found.at)
    return DONE


async def _is_void(
    current: Current, task: PlannedTask, agreement: Agreement, now: Remembered
) -> bool:
    why = _void(task.needs, agreement.given, agreement.remembered, now)
    if why:
        await current.note(EntryKind.APPROVAL_VOID, task.id, {"why": why})
    return bool(why)


async def _collect(
    current: Current, task: PlannedTask, remembered: Remembered
) -> tuple[Given, TaskOutcome | None]:
    plan_hash = current.scope.plan.hash
    asked: Json = {
        "needs": task.needs.says(),
        "target": target(task),
        "plan": plan_hash,
        "digest": remembered.digest,
        "memory": remembered.memory,
    }
    now = await current.ask(EntryKind.APPROVAL_ASKED, task.id, asked)
    given: Given = {}
    enough = max(1, task.needs.approvals)
    kinds = (MessageKind.APPROVE, MessageKind.DECLINE)
    while len(given) < enough:
        message, now = await current.message(task, kinds, until=None, now=now)
        if message is None:
            return given, TaskOutcome(status=Status.FAILED, error="nobody approved", again=False)
        told: Json = {"by": message.by, "note": message.note}
        if message.kind is MessageKind.DECLINE:
            await current.note(EntryKind.APPROVAL_DECLINED, task.id, told)
            note = f": {message.note}" if message.note else ""
            return given, TaskOutcome(
                status=Status.FAILED, error=f"{message.by} declined{note}", again=False
            )
        why = _unfit(current, task, message, remembered, given)
        if why:
            now = await current.ignored(message, why)
            continue
        told |= {"plan": plan_hash, "digest": remembered.digest}
        now = await current.note(EntryKind.APPROVAL_GIVEN, task.id, told)
        given[message.by] = min(now, message.at)  # as old as the word, not as its arrival
    return given, None


def target(task: PlannedTask) -> str:
    """Return what a requester types to confirm: the environment, or the task where it has none."""
    return task.on or task.id


def _unfit(
    current: Current, task: PlannedTask, message: Message, remembered: Remembered, given: Given
) -> str:
    needs, start = task.needs, current.scope.start
    if needs.consent is Consent.CONFIRM:
        if message.says != target(task):
            return f"the target's name is {target(task)!r}, and {message.says!r} was typed"
        is_own = bool(start.incident) or same_person(message.by, start.by)
        return "" if is_own else f"{start.by} requested this run and must confirm it"
    if same_person(message.by, start.by):
        return f"{message.by} requested this run and cannot approve it"
    if any(same_person(message.by, by) for by in given):
        return f"{message.by} has approved already"
    return _unbound(current, message, remembered) or _without_role(current, needs, message)


def _unbound(current: Current, message: Message, remembered: Remembered) -> str:
    if message.plan_hash != current.scope.plan.hash:
        return "the approval names another plan"
    if message.digest != remembered.digest:
        return "the approval names another state of the target"
    return ""


def _without_role(current: Current, needs: Needs, message: Message) -> str:
    roles = current.scope.plan.roles
    people = {person for role in needs.roles for person in roles.get(role, ())}
    if not needs.roles or any(same_person(message.by, person) for person in people):
        return ""
    return f"{message.by} holds none of the roles {', '.join(needs.roles)}"


def _void(needs: Needs, given: Given, before: Remembered, now: Remembered) -> str:
    if now.digest != before.digest:
        return "the state of the target changed after the approval"
    if now.at is None or needs.consent is Consent.CONFIRM:
        return ""
    late = [by for by, at in given.items() if (now.at - at).total_seconds() > needs.valid_seconds]
    return f"the approval of {', '.join(late)} expired" if late else ""
