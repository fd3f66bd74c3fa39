"""The forward path: tasks carried out in order, each to an end, or off the path."""

from collections.abc import Iterator

from drillbook.core.errors import DrillbookError
from drillbook.core.model import Risk
from drillbook.core.plan import Kind, PlannedStep, PlannedTask, PlanPart, Retry
from drillbook.core.policy import Consent
from drillbook.core.record import EntryKind
from drillbook.engine.consent import agreed
from drillbook.engine.current import Current, How, LeavePath
from drillbook.engine.messages import Choice
from drillbook.engine.outcome import Status, TaskOutcome, Write
from drillbook.engine.people import ask, choose, decide
from drillbook.engine.scope import Json
from drillbook.engine.wayback import UNDO_ATTEMPTS

AT_ONCE = 8
LOOKS = 5


class Path:
    """Carries tasks out in order: reads of one step side by side, writes one at a time."""

    def __init__(self, current: Current) -> None:
        self._current = current
        self._chosen: dict[str, PlannedTask] = {}

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
            known = await self._with_known_values(batch) if self._current.on_way_back else batch
            if known:
                await self._batch(known)

    async def _with_known_values(self, batch: tuple[PlannedTask, ...]) -> tuple[PlannedTask, ...]:
        return tuple([task for task in batch if not await self._current.leave_out(task)])

    async def _batch(self, batch: tuple[PlannedTask, ...]) -> None:
        if len(batch) == 1:
            await self.task(batch[0])
            return
        outcomes = await self._current.read(*batch)
        for task, outcome in zip(batch, outcomes, strict=True):
            await self._settle(task, outcome)

    async def task(self, task: PlannedTask) -> None:
        """Carry one task out to an end: done, skipped, or off the forward path."""
        if await self._settle(task, await self._once(task)) is not Status.DONE:
            return
        if task.kind is Kind.RUNBOOK and task.part is not None:
            self._current.entered.append(task.id)
            await self.part(task.part)
        elif (chosen := self._chosen.pop(task.id, None)) and chosen.kind is not Kind.HUMAN:
            await self.task(chosen)

    async def _settle(self, task: PlannedTask, outcome: TaskOutcome) -> Status:
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
                await self._wait_before(task, retry, attempt)
            else:
                decided = await self._decided(task, outcome)
                if decided is not None:
                    return decided
            outcome = await self._once(task)
        if outcome.status is Status.DONE:
            self._current.done.add(task.id)
            if outcome.result is not None and task.name:
                self._current.scope.add(task, outcome.result)
        await self._current.leave_if_cancelled(outcome)
        return outcome.status

    def _retry(self, task: PlannedTask) -> Retry | None:
        """Return how often to try again; a rollback step has the patience of an undo."""
        if task.retry is not None or not self._current.on_way_back or task.kind is not Kind.ACTION:
            return task.retry
        wait = self._current.scope.plan.undo_wait_seconds
        return Retry(times=UNDO_ATTEMPTS - 1, wait_seconds=wait, doubling=True)

    async def _wait_before(self, task: PlannedTask, retry: Retry, attempt: int) -> None:
        spread = self._current.spread(task, attempt)
        seconds = retry.wait_before(attempt, spread=spread)
        told: Json = {
            "attempt": attempt,
            "of": retry.times + 1,
            "in_seconds": round(seconds, 3),
        }
        await self._current.note(EntryKind.TASK_RETRY, task.id, told)
        await self._current.wait_or_leave(seconds)

    async def _decided(self, task: PlannedTask, outcome: TaskOutcome) -> Status | None:
        """Return how a task that did not succeed ends here; None when it is tried again."""
        current = self._current
        if current.afterwards:
            return Status.SKIPPED
        final = task.way_back is not None and not task.way_back.possible
        patient = outcome.status is Status.UNKNOWN and final
        else_do = Choice.SKIP if current.on_way_back else Choice.WAY_BACK
        choice = await decide(current, task, outcome, else_do=else_do, patient=patient)
        match choice:
            case Choice.RETRY | Choice.IT_DID_NOT:
                return None
            case Choice.SKIP:
                await current.note(EntryKind.TASK_SKIPPED, task.id, {"why": outcome.error})
                if current.on_way_back:
                    raise LeavePath(How.STOP, outcome.error, task=task.id, hint=outcome.hint)
                return Status.SKIPPED
            case Choice.IT_HAPPENED:
                self._mark_done(task)
                current.done.add(task.id)
                return Status.DONE
            case Choice.WAY_BACK | Choice.STOP:
                how = How.STOP if choice is Choice.STOP else How.WAY_BACK
                says = f"task {task.id} failed: {outcome.error}"
                raise LeavePath(how, says, task=task.id, hint=outcome.hint, nobody=outcome.nobody)

    async def _once(self, task: PlannedTask) -> TaskOutcome:
        if task.kind is Kind.HUMAN:
            return await ask(self._current, task)
        if task.kind is Kind.ACTION and task.risk is not Risk.READ:
            return await self._write(task)
        if (refused := await self._not_now(task)) is not None:
            return refused
        if task.kind is Kind.RUNBOOK:
            return await self._enter(task)
        if task.kind is Kind.CHOOSE:
            return await self._choose(task)
        return (await self._current.read(task))[0]

    async def _not_now(self, task: PlannedTask) -> TaskOutcome | None:
        """Hold a call, a choice or a read against its `when` and `needs`; None when it may be."""
        is_asked_first = task.kind is not Kind.ACTION and task.when
        if not is_asked_first and task.needs.consent is Consent.AUTO:
            return None
        found = await agreed(self._current, task)
        return None if found.status is Status.DONE else found

    async def _enter(self, task: PlannedTask) -> TaskOutcome:
        try:
            self._current.scope.enter(task)
        except DrillbookError as error:
            told: Json = {"error": str(error), "hint": error.hint, "seconds": 0.0}
            await self._current.note(EntryKind.TASK_FAILED, task.id, told)
            return TaskOutcome(status=Status.FAILED, error=str(error), hint=error.hint, again=False)
        return TaskOutcome(status=Status.DONE)

    async def _choose(self, task: PlannedTask) -> TaskOutcome:
        chosen = await choose(self._current, task)
        if isinstance(chosen, TaskOutcome):
            return chosen
        self._chosen[task.id] = chosen
        return TaskOutcome(status=Status.DONE)

    async def _write(self, task: PlannedTask) -> TaskOutcome:
        current = self._current
        while True:
            yes = await agreed(current, task)
            if yes.status is not Status.DONE:
                return yes
            is_new = all(write.task != task.id for write in current.writes)
            agreement = current.agreements[task.id]
            if is_new:
                current.writes.append(Write(task=task.id, memory=agreement.remembered.memory))
            outcome = await current.act(task, agreement.seen_at)
            if not outcome.late:
                break
            if is_new and outcome.status is Status.FAILED:
                current.writes.pop()  # nothing was begun: what is remembered next is what counts
        outcome = await self._known(task, outcome)
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
        reads = reads and task.needs.consent is Consent.AUTO
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
