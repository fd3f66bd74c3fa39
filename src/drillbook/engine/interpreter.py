"""The one workflow: carries a plan out, step by step, and takes it back when it must."""

from collections.abc import Iterator

from drillbook.core.model import Risk
from drillbook.core.plan import Kind, Plan, PlannedStep, PlannedTask, PlanPart, Retry
from drillbook.core.record import EntryKind
from drillbook.engine.current import Current, How, LeavePath
from drillbook.engine.messages import Choice, Start
from drillbook.engine.outcome import RunOutcome, State, Status, TaskOutcome, Write
from drillbook.engine.people import ask, choose, consent, decide
from drillbook.engine.scope import Json, Scope
from drillbook.engine.steps import Steps
from drillbook.engine.wayback import UNDO_ATTEMPTS, go_back

AT_ONCE = 8
LOOKS = 5


async def interpret(steps: Steps, plan: Plan, start: Start) -> RunOutcome:
    """Run a plan to its end; the outcome says what is so, whatever happened."""
    current = Current(steps, Scope(plan, start, steps.catalog))
    await current.note(EntryKind.RUN_STARTED, "", {"plan": plan.hash, "runbook": plan.part.runbook})
    if start.undo is not None:
        outcome = await _undo(current, start.undo)
    else:
        outcome = await _forward(current, plan)
    told: Json = outcome.model_dump(mode="json", exclude={"writes", "results"})
    await current.note(EntryKind.RUN_ENDED, "", told)
    return outcome


async def _forward(current: Current, plan: Plan) -> RunOutcome:
    path = Path(current)
    try:
        await path.part(plan.part)
    except LeavePath as turn:
        return await _turned(current, turn)
    current.afterwards = True
    for step in plan.part.post_mortem:
        await path.step(step)
    return _outcome(current, State.DONE)


async def _turned(current: Current, turn: LeavePath) -> RunOutcome:
    if not current.writes:
        state = State.STOPPED if turn.how is How.STOP else State.REFUSED
        return _outcome(current, state, turn)
    if turn.how is How.STOP:
        kept = tuple(write.task for write in current.writes)
        return _outcome(current, State.STOPPED, turn).model_copy(update={"kept": kept})
    current.on_way_back = True
    kept_ids, stuck_ids = await go_back(current, turn.reason, Path(current).step)
    state = State.TAKEN_BACK
    if kept_ids or stuck_ids:
        state = State.STUCK if stuck_ids else State.PARTLY_TAKEN_BACK
    ended = _outcome(current, state, turn)
    return ended.model_copy(update={"kept": kept_ids, "stuck": stuck_ids, "writes": ()})


async def _undo(current: Current, before: RunOutcome) -> RunOutcome:
    for key, result in before.results.items():
        current.scope.restore(key, result)
    current.writes.extend(before.writes)
    current.parts.append(current.scope.plan.part)
    turn = LeavePath(How.WAY_BACK, f"{current.scope.start.by} asked to take the run back")
    return await _turned(current, turn)


def _outcome(current: Current, state: State, turn: LeavePath | None = None) -> RunOutcome:
    return RunOutcome(
        state=state,
        reason=turn.reason if turn else "",
        hint=turn.hint if turn else "",
        failed_task=turn.task if turn else "",
        writes=tuple(current.writes),
        results=current.scope.results,
    )


class Path:
    """Carries tasks out in order: reads of one step side by side, writes one at a time."""

    def __init__(self, current: Current) -> None:
        self._current = current

    async def part(self, part: PlanPart) -> None:
        """Carry out one runbook: the gate, then its steps."""
        for batch in _batches(part.gate):
            await self._batch(batch)
        self._current.parts.append(part)
        for step in part.steps:
            await self.step(step)

    async def step(self, step: PlannedStep) -> None:
        """Carry out one step."""
        for batch in _batches(step.tasks):
            await self._batch(batch)

    async def _batch(self, batch: tuple[PlannedTask, ...]) -> None:
        if len(batch) == 1:
            await self.task(batch[0])
            return
        outcomes = await self._current.read(*batch)
        for task, outcome in zip(batch, outcomes, strict=True):
            await self._settle(task, outcome)

    async def task(self, task: PlannedTask) -> None:
        """Carry one task out to an end: done, skipped, or off the forward path."""
        if task.kind is Kind.RUNBOOK and task.part is not None:
            self._current.scope.enter(task)
            await self.part(task.part)
            return
        if task.kind is Kind.CHOOSE:
            await self._choice(task)
            return
        await self._settle(task, await self._once(task))

    async def _choice(self, task: PlannedTask) -> None:
        chosen = await choose(self._current, task)
        if isinstance(chosen, TaskOutcome):
            await self._settle(task, chosen)
        elif chosen.kind is not Kind.HUMAN:
            await self.task(chosen)

    async def _settle(self, task: PlannedTask, outcome: TaskOutcome) -> None:
        attempt = 1
        while outcome.status in (Status.FAILED, Status.UNKNOWN):
            await self._current.leave_if_cancelled(outcome)
            retry = self._retry(task)
            if (
                outcome.status is Status.FAILED
                and outcome.again
                and retry
                and attempt <= retry.times
            ):
                attempt += 1
                spread = self._current.spread(task, attempt)
                seconds = retry.wait_before(attempt, spread=spread)
                told: Json = {
                    "attempt": attempt,
                    "of": retry.times + 1,
                    "in_seconds": round(seconds, 3),
                }
                await self._current.note(EntryKind.TASK_RETRY, task.id, told)
                await self._current.wait(seconds)
            elif not await self._decided_to_retry(task, outcome):
                return
            outcome = await self._once(task)
        if outcome.status is Status.DONE and outcome.result is not None and task.name:
            self._current.scope.add(task, outcome.result)
        await self._current.leave_if_cancelled(outcome)

    def _retry(self, task: PlannedTask) -> Retry | None:
        """Return how often to try again; a rollback step has the patience of an undo."""
        if task.retry is not None or not self._current.on_way_back or task.kind is not Kind.ACTION:
            return task.retry
        wait = self._current.scope.plan.undo_wait_seconds
        return Retry(times=UNDO_ATTEMPTS - 1, wait_seconds=wait, doubling=True)

    async def _decided_to_retry(self, task: PlannedTask, outcome: TaskOutcome) -> bool:
        current = self._current
        if current.afterwards:
            return False
        final = task.way_back is not None and not task.way_back.possible
        patient = outcome.status is Status.UNKNOWN and final
        else_do = Choice.SKIP if current.on_way_back else Choice.WAY_BACK
        choice = await decide(current, task, outcome, else_do=else_do, patient=patient)
        match choice:
            case Choice.RETRY | Choice.IT_DID_NOT:
                return True
            case Choice.SKIP:
                await current.note(EntryKind.TASK_SKIPPED, task.id, {"why": outcome.error})
                if current.on_way_back:
                    raise LeavePath(How.STOP, outcome.error, task=task.id, hint=outcome.hint)
                return False
            case Choice.IT_HAPPENED:
                self._mark_done(task)
                return False
            case Choice.WAY_BACK | Choice.STOP:
                how = How.STOP if choice is Choice.STOP else How.WAY_BACK
                says = f"task {task.id} failed: {outcome.error}"
                raise LeavePath(how, says, task=task.id, hint=outcome.hint)

    async def _once(self, task: PlannedTask) -> TaskOutcome:
        if task.kind is Kind.HUMAN:
            return await ask(self._current, task)
        if task.risk is Risk.READ:
            return (await self._current.read(task))[0]
        return await self._write(task)

    async def _write(self, task: PlannedTask) -> TaskOutcome:
        current = self._current
        if all(write.task != task.id for write in current.writes):
            remembered = await current.remember(task)
            if remembered.outcome.status is not Status.DONE:
                return remembered.outcome
            await current.leave_if_cancelled(remembered.outcome)
            remembered, refused = await consent(current, task, remembered)
            if refused is not None:
                return refused
            current.writes.append(Write(task=task.id, memory=remembered.memory))
        outcome = await self._known(task, await current.act(task))
        if outcome.status is not Status.DONE:
            self._mark(task, unknown=outcome.status is Status.UNKNOWN)
            return outcome
        self._mark_done(task, outcome.result)
        if not task.expect or outcome.result is None:
            return outcome
        return await current.check(task, outcome.result)

    async def _known(self, task: PlannedTask, outcome: TaskOutcome) -> TaskOutcome:
        """Look again at an outcome nobody can tell, for a while: servers come back."""
        for looks in range(LOOKS):
            if outcome.status is not Status.UNKNOWN:
                break
            await self._current.wait(self._current.scope.plan.undo_wait_seconds * 2**looks)
            outcome = await self._current.look_again(task, outcome)
        return outcome

    def _mark_done(self, task: PlannedTask, result: Json | None = None) -> None:
        self._change(task, {"done": True, "unknown": False, "result": result})

    def _mark(self, task: PlannedTask, *, unknown: bool) -> None:
        self._change(task, {"done": False, "unknown": unknown})

    def _change(self, task: PlannedTask, facts: dict[str, object]) -> None:
        writes = self._current.writes
        for place, write in enumerate(writes):
            if write.task == task.id:
                writes[place] = write.model_copy(update=facts)


def _batches(tasks: tuple[PlannedTask, ...]) -> Iterator[tuple[PlannedTask, ...]]:
    """Group reads that do not need one another; everything else stands alone, in order."""
    batch: list[PlannedTask] = []
    for task in tasks:
        reads = task.kind is Kind.ACTION and task.risk is Risk.READ
        names = {before.name for before in batch if before.name}
        if batch and (not reads or len(batch) == AT_ONCE or _uses(task, names)):
            yield tuple(batch)
            batch = []
        if reads:
            batch.append(task)
        else:
            yield (task,)
    if batch:
        yield tuple(batch)


def _uses(task: PlannedTask, names: set[str]) -> bool:
    paths = [path for argument in task.arguments.values() for path in argument.paths]
    if any(path.partition(".")[0] in names for path in paths):
        return True
    return any(name in f"{task.when} {task.expect}" for name in names)
