"""The one workflow: carries a plan out, step by step, and takes it back when it must."""

from sqlalchemy.exc import SQLAlchemyError

from drillbook.core.model import Risk
from drillbook.core.plan import Kind, Plan
from drillbook.core.record import EntryKind
from drillbook.engine.current import Current, How, LeavePath
from drillbook.engine.ending import unforeseen
from drillbook.engine.messages import Start
from drillbook.engine.outcome import RunOutcome, State
from drillbook.engine.path import Path
from drillbook.engine.scope import Json, Scope
from drillbook.engine.steps import Steps
from drillbook.engine.wayback import go_back


async def interpret(steps: Steps, plan: Plan, start: Start) -> RunOutcome:
    """Run a plan to its end; the outcome says what is so, whatever happened."""
    try:
        current = Current(steps, Scope(plan, start, steps.catalog))
        await current.note(
            EntryKind.RUN_STARTED, "", {"plan": plan.hash, "runbook": plan.part.runbook}
        )
        outcome = await _carried_out(current, plan, start)
        told: Json = outcome.model_dump(mode="json", exclude={"writes", "results", "entered"})
        await current.note(EntryKind.RUN_ENDED, "", told)
    except SQLAlchemyError as error:
        # The store failed in the middle of a step: to return anything would record an end.
        steps.give_up(f"the store failed in the middle of run {start.run}", error)
        raise
    return outcome


async def _carried_out(current: Current, plan: Plan, start: Start) -> RunOutcome:
    try:
        if start.undo is not None:
            return await _undo(current, start.undo)
        return await _forward(current, plan)
    except SQLAlchemyError:
        raise
    except Exception as error:
        if current.steps.stopping():
            raise  # the engine is being taken down, and with it whatever this waited for
        # Whatever it was, the run shall end in words, and in such a way that `undo` still works.
        remaining = tuple(write.task for write in current.writes)
        ended = _outcome(current, State.STUCK, LeavePath(How.STOP, unforeseen(error)))
        return ended.model_copy(update={"stuck": remaining})


async def _forward(current: Current, plan: Plan) -> RunOutcome:
    path = Path(current)
    try:
        await path.part(plan.part)
        current.afterwards = True
        for part in tuple(current.parts):
            for step in part.post_mortem:
                await path.step(step)
    except LeavePath as turn:
        current.afterwards = False
        ended = await _turned(current, turn)
        if turn.nobody:
            return await _written_up(current, ended)
        return ended
    return _outcome(current, State.DONE)


async def _written_up(current: Current, ended: RunOutcome) -> RunOutcome:
    """Carry out what the post-mortem only reads: whoever comes to it finds it drafted."""
    current.on_way_back = current.scope.going_back = False
    current.afterwards = True
    path = Path(current)
    try:
        for step in [step for part in current.parts for step in part.post_mortem]:
            reads = [
                each for each in step.tasks if each.kind is Kind.ACTION and each.risk is Risk.READ
            ]
            await path.step(step.model_copy(update={"tasks": tuple(reads)}))
    except LeavePath:
        return ended  # the run is at its end: a wish to cancel it changes nothing
    except SQLAlchemyError:
        raise
    except Exception as error:
        if current.steps.stopping():
            raise
        # How the run ended is told as it was, whatever becomes of what is written about it.
        says = f"{ended.reason}; its post-mortem was not drafted: {unforeseen(error)}"
        return ended.model_copy(update={"reason": says})
    return ended


async def _turned(current: Current, turn: LeavePath) -> RunOutcome:
    if not current.writes:
        state = State.STOPPED if turn.how is How.STOP else State.REFUSED
        return _outcome(current, state, turn)
    if turn.how is How.STOP:
        kept = tuple(write.task for write in current.writes)
        return _outcome(current, State.STOPPED, turn).model_copy(update={"kept": kept})
    current.on_way_back = current.scope.going_back = True
    forward = {write.task for write in current.writes}
    kept_ids, stuck_ids = await go_back(current, turn.reason, Path(current).step)
    state = State.TAKEN_BACK
    if kept_ids or stuck_ids:
        state = State.STUCK if stuck_ids else State.PARTLY_TAKEN_BACK
    ended = _outcome(current, state, turn)
    left = forward & {*kept_ids, *stuck_ids}
    remaining = tuple(write for write in current.writes if write.task in left)
    return ended.model_copy(update={"kept": kept_ids, "stuck": stuck_ids, "writes": remaining})


async def _undo(current: Current, before: RunOutcome) -> RunOutcome:
    for key, result in before.results.items():
        current.scope.restore(key, result)
    current.writes.extend(before.writes)
    current.parts.append(current.scope.plan.part)
    for task_id in before.entered:
        if (task := current.scope.plan.task(task_id)) is not None and task.part is not None:
            current.scope.enter(task)
            current.parts.append(task.part)
            current.entered.append(task_id)
    turn = LeavePath(How.WAY_BACK, f"{current.scope.start.by} asked to take the run back")
    return await _turned(current, turn)


def _outcome(current: Current, state: State, turn: LeavePath | None = None) -> RunOutcome:
    return RunOutcome(
        state=state,
        reason=turn.reason if turn else "",
        hint=turn.hint if turn else "",
        failed_task=turn.task if turn else "",
        writes=tuple(current.writes),
        entered=tuple(current.entered),
        results=current.scope.results,
    )
