"""The way back: every write undone in reverse order, then the runbook's own rollback step."""

from collections.abc import Awaitable, Callable

from drillbook.core.model import Risk
from drillbook.core.plan import Kind, PlannedStep, PlannedTask
from drillbook.core.record import EntryKind
from drillbook.engine.current import Current, How, LeavePath
from drillbook.engine.messages import Choice
from drillbook.engine.outcome import Status, TaskOutcome, Write
from drillbook.engine.people import decide

UNDO_ATTEMPTS = 5

Ids = tuple[str, ...]
RunStep = Callable[[PlannedStep], Awaitable[None]]


async def go_back(current: Current, reason: str, run_step: RunStep) -> tuple[Ids, Ids]:
    """Take everything back; return the ids of the writes kept and of those stuck."""
    writes = tuple(reversed(current.writes))
    begun: list[str] = [write.task for write in writes]
    await current.note(EntryKind.WAY_BACK_STARTED, "", {"reason": reason, "writes": list(begun)})
    kept: list[str] = []
    stuck: list[str] = []
    left: list[str] = []
    try:
        for at, write in enumerate(writes):
            left = begun[at:]
            task = current.scope.plan.task(write.task)
            match "stuck" if task is None else await _one(current, write, task):
                case "kept":
                    kept.append(write.task)
                case "stuck":
                    stuck.append(write.task)
        left = []
        kept, stuck = await _roll_back(current, run_step, kept, stuck)
    except LeavePath:
        kept += left  # a person ended the way back here: what was not taken back yet is kept
    await current.note(EntryKind.WAY_BACK_ENDED, "", {"kept": [*kept], "stuck": [*stuck]})
    return tuple(kept), tuple(stuck)


async def _one(current: Current, write: Write, task: PlannedTask) -> str:
    action = current.scope.catalog.get(task.does)
    if action is None:
        return "stuck"  # this version of Drillbook does not know how it is undone
    if action.undo is None and task.undo_does is None:
        if action.harmless or not (write.done or write.unknown):
            return "undone"
        return "stuck" if write.unknown else "kept"
    outcome = await current.take_back(write, task)
    for waits in range(UNDO_ATTEMPTS - 1):
        if outcome.status is Status.DONE or not outcome.again:
            break
        await current.wait(current.scope.plan.undo_wait_seconds * 2**waits)
        outcome = await current.take_back(write, task)
    if outcome.status is Status.DONE:
        return "undone"
    return await _ask_about(current, write, task, outcome) if outcome.again else "kept"


async def _ask_about(
    current: Current, write: Write, task: PlannedTask, outcome: TaskOutcome
) -> str:
    while True:
        choice = await decide(current, task, outcome, else_do=Choice.SKIP)
        if choice is Choice.STOP:
            raise LeavePath(How.STOP, outcome.error, task=task.id)
        if choice is not Choice.RETRY:
            return "stuck"
        outcome = await current.take_back(write, task)
        if outcome.status is Status.DONE:
            return "undone"


async def _roll_back(
    current: Current, run_step: RunStep, kept: list[str], stuck: list[str]
) -> tuple[list[str], list[str]]:
    """Run the rollback steps; what a step has restored is no longer kept or stuck."""
    for part in reversed(tuple(current.parts)):
        for step in part.rollback:
            doable = await _without_unknown_values(current, step)
            needed = bool(_remaining(current, step.tasks, (*kept, *stuck))) or not step.optional
            if not needed:
                await _note_not_needed(current, doable)
            chosen = doable if needed else _only_reads(doable)
            try:
                await run_step(chosen)
            except LeavePath as turn:
                stuck.append(turn.task or chosen.tasks[0].id)
                return kept, stuck
            done = tuple(task for task in chosen.tasks if task.id in current.done)
            restored = _restored(current, done, (*kept, *stuck))
            kept = [task for task in kept if task not in restored]
            stuck = [task for task in stuck if task not in restored]
    return kept, stuck


def _restored(current: Current, done: tuple[PlannedTask, ...], remaining: Ids) -> Ids:
    """Return what rollback tasks have taken back: not what stays whatever is done, as a merge."""
    plan, catalog = current.scope.plan, current.scope.catalog
    found = ((task_id, plan.task(task_id)) for task_id in _remaining(current, done, remaining))
    actions = ((task_id, catalog.get(task.does) if task else None) for task_id, task in found)
    return tuple(task_id for task_id, action in actions if action is None or not action.lasts)


def _remaining(current: Current, tasks: tuple[PlannedTask, ...], remaining: Ids) -> Ids:
    """Return the writes that remain and that these tasks take back: those of their environments."""
    places = {task.on for task in tasks if _changes(task)}
    by_hand = any(task.kind is not Kind.ACTION for task in tasks)
    plan = current.scope.plan
    found = ((task_id, plan.task(task_id)) for task_id in remaining)
    return tuple(
        task_id for task_id, task in found if by_hand or (task is not None and task.on in places)
    )


async def _without_unknown_values(current: Current, step: PlannedStep) -> PlannedStep:
    """Leave out what needs the result of a task that never came to be done; say so."""
    doable: list[PlannedTask] = []
    for task in step.tasks:
        path = current.scope.missing(task)
        comes = {before.name for before in doable if before.name}  # known once that one is done
        if path.partition(".")[0] in comes or not await current.leave_out(task):
            doable.append(task)
    return step.model_copy(update={"tasks": tuple(doable)})


def _only_reads(step: PlannedStep) -> PlannedStep:
    reads = tuple(task for task in step.tasks if not _changes(task))
    return step.model_copy(update={"tasks": reads})


def _changes(task: PlannedTask) -> bool:
    return task.kind is not Kind.ACTION or task.risk is not Risk.READ


async def _note_not_needed(current: Current, step: PlannedStep) -> None:
    for task in step.tasks:
        if _changes(task):
            why = "not needed: nothing remains that this would take back"
            await current.note(EntryKind.TASK_SKIPPED, task.id, {"why": why})
