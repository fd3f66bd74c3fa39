"""What one durable step does: read, remember, act, check, take back. All sync, run in threads."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from pydantic import JsonValue

from drillbook.analysis.expressions import evaluate_condition
from drillbook.analysis.scope import as_json, resolve
from drillbook.core.catalog import AnyAction, Bindings, Catalog
from drillbook.core.effect import Deadline, Effect, Evidence, deadline
from drillbook.core.errors import DrillbookError, NotFound, Refused, UndoImpossible
from drillbook.core.model import Frozen
from drillbook.core.plan import Kind, PlannedTask
from drillbook.core.record import EntryKind
from drillbook.engine.ending import (
    done,
    exact_bytes,
    failure,
    not_applicable,
    remembered,
)
from drillbook.engine.entries import ending_of, entry_of
from drillbook.engine.journal import Entry
from drillbook.engine.keeping import Keeping
from drillbook.engine.outcome import Remembered, Status, TaskOutcome, Write
from drillbook.engine.progress import Progress
from drillbook.engine.recorder import Recorder
from drillbook.engine.scope import Json, Scope, arguments, keywords, presentable, revived

Values = dict[str, object]
Attempts = tuple[tuple[PlannedTask, int], ...]
UNSEEN = "; and it cannot be looked at: "
STALE_SECONDS = 30.0  # a yes seen to hold longer ago is looked at again before anything is done


@dataclass(frozen=True)
class Steps:
    """The hands of a worker: everything a step needs that is not in the plan."""

    catalog: Catalog
    bindings: Bindings
    journal: Keeping
    recorder: Recorder
    progress: Progress
    still_mine: Callable[[], None]
    cancel_asked: Callable[[str], bool]
    stopping: Callable[[], bool]
    alone: Callable[[str], AbstractContextManager[None]]
    give_up: Callable[[str, Exception], None]

    def clock(self) -> str:
        """Return the time it is."""
        return datetime.now(UTC).isoformat()

    def note(self, scope: Scope, kind: EntryKind, task: str, key: str, data: Json) -> str:
        """Write one entry; return the time it was written, so that replays agree on it."""
        at = datetime.now(UTC)
        self.recorder.append(entry_of(scope, kind, task, key, data, at))
        return at.isoformat()

    def read(self, scope: Scope, attempts: Attempts) -> list[Json]:
        """Carry reads out side by side: when, do and expect of each, in one checkpoint."""
        if len(attempts) == 1:
            ended = [self._one_read(scope, *attempts[0])]
        else:
            with ThreadPoolExecutor(len(attempts), "drillbook-read") as threads:
                ended = list(threads.map(lambda attempt: self._one_read(scope, *attempt), attempts))
        return [outcome.model_dump(mode="json") for outcome in ended]

    def _one_read(self, scope: Scope, task: PlannedTask, number: int) -> TaskOutcome:
        began = datetime.now(UTC)
        with self.recorder.soon(self._read_started(scope, task, number, began)):
            outcome = self._guarded(scope, task, lambda: self._read(scope, task), write=False)
        return outcome.model_copy(update={"began": began, "ended": datetime.now(UTC)})

    def _read_started(self, scope: Scope, task: PlannedTask, number: int, began: datetime) -> Entry:
        does: Json = {"does": task.does}
        key = f"{task.id}/{number}"
        return entry_of(scope, EntryKind.TASK_STARTED, task.id, key, does, began)

    def record_reads(self, scope: Scope, attempts: Attempts, outcomes: list[TaskOutcome]) -> None:
        """Hand in the entries of reads that ended, made from their outcomes alone."""
        for (task, number), outcome in zip(attempts, outcomes, strict=True):
            if outcome.began is None or outcome.ended is None:
                continue
            seconds = (outcome.ended - outcome.began).total_seconds()
            self.recorder.later(
                self._read_started(scope, task, number, outcome.began),
                ending_of(scope, task, f"{task.id}/{number}", outcome, seconds),
            )

    def _read(self, scope: Scope, task: PlannedTask) -> TaskOutcome:
        if (skipped := not_applicable(scope, task)) is not None:
            return skipped
        result = self._call(scope, task, self._action(task).do)
        return self._judged(scope, task, result)

    def remember(self, scope: Scope, task: PlannedTask, attempt: int) -> Json:
        """Read what the undo of a write will need, before anything is changed."""
        key = f"{task.id}/{attempt}"
        found = Remembered(outcome=TaskOutcome(status=Status.DONE))

        def remember() -> TaskOutcome:
            nonlocal found
            if (skipped := not_applicable(scope, task)) is not None:
                return skipped
            found = self._remembered(scope, task)
            return TaskOutcome(status=Status.DONE)

        self.note(scope, EntryKind.TASK_STARTED, task.id, key, {"does": task.does, "on": task.on})
        outcome = self._guarded(scope, task, remember, write=False)
        found = found.model_copy(update={"outcome": outcome, "at": datetime.now(UTC)})
        if outcome.status is Status.DONE:
            data: Json = {"digest": found.digest, **self._shown(scope, task)}
            # With the digest: another look that sees another state is an entry of its own.
            unique = f"{key}/{found.digest[:12]}"
            self.note(scope, EntryKind.TASK_REMEMBERED, task.id, unique, data)
        else:
            self.recorder.append(ending_of(scope, task, key, outcome, 0.0))
        return found.model_dump(mode="json")

    def _remembered(self, scope: Scope, task: PlannedTask) -> Remembered:
        if task.kind is not Kind.ACTION:  # a call or a choice changes nothing by itself
            values = scope.values(task)
            given: Json = {
                name: as_json(resolve(value, values)) for name, value in task.arguments.items()
            }
            return remembered(None, given)
        action = self._action(task)
        params = arguments(task, action, scope.values(task))
        memory = self._call(scope, task, action.undo.remember) if action.undo else None
        return remembered(memory, presentable(params))

    def act(self, scope: Scope, task: PlannedTask, seen_at: datetime | None, attempt: int) -> Json:
        """Look whether the effect is there; if not, act. Twice is once."""
        with self.alone(_effect(scope, task)):  # also apart from what a killed run left working
            return self._act(scope, task, seen_at, attempt)

    def _act(self, scope: Scope, task: PlannedTask, seen_at: datetime | None, attempt: int) -> Json:
        key, clock = f"{task.id}/{attempt}", monotonic()
        self.still_mine()
        begun = self._is_begun(scope, task)
        outcome = self._seen(scope, task, begun=begun)
        if outcome is None and seen_at is not None and _is_stale(seen_at):
            late = TaskOutcome(status=Status.UNKNOWN if begun else Status.FAILED, late=True)
            return late.model_dump(mode="json")
        if outcome is None:
            self.note(scope, EntryKind.TASK_ACTING, task.id, key, {})
            outcome = self._guarded(scope, task, lambda: self._done_now(scope, task), write=True)
            if outcome.status is Status.UNKNOWN:
                outcome = self._settled(scope, task, outcome)
        self.recorder.append(ending_of(scope, task, key, outcome, monotonic() - clock))
        return outcome.model_dump(mode="json")

    def look_again(
        self, scope: Scope, task: PlannedTask, unknown: TaskOutcome, attempt: int
    ) -> Json:
        """Look whether a write of unknown outcome happened; act on nothing."""
        outcome = self._settled(scope, task, unknown)
        if outcome.status is not Status.UNKNOWN:
            key = f"{task.id}/look/{attempt}"
            self.recorder.append(ending_of(scope, task, key, outcome, 0.0))
        return outcome.model_dump(mode="json")

    def _settled(self, scope: Scope, task: PlannedTask, unknown: TaskOutcome) -> TaskOutcome:
        """Return done or failed where a look can tell, else the same unknown outcome."""
        seen = self._seen(scope, task, begun=True)
        if seen is None:
            return unknown.model_copy(update={"status": Status.FAILED})
        if seen.status is Status.DONE:
            return seen
        first = unknown.error.partition(UNSEEN)[0]  # looks before this one may have added theirs
        says = first if seen.error in first else f"{first}{UNSEEN}{seen.error}"
        return unknown.model_copy(update={"error": says})

    def _seen(self, scope: Scope, task: PlannedTask, *, begun: bool) -> TaskOutcome | None:
        """Look for the effect: done, or None; of a begun write that hides itself, unknown."""
        there = False

        def looked() -> TaskOutcome:
            nonlocal there
            look = self._action(task).look
            found = self._call(scope, task, look) if look else None
            there = found is not None
            return done(found)

        outcome = self._guarded(scope, task, looked, write=False)
        if outcome.status is Status.DONE:
            return outcome if there else None
        return outcome.model_copy(update={"status": Status.UNKNOWN}) if begun else outcome

    def _done_now(self, scope: Scope, task: PlannedTask) -> TaskOutcome:
        return done(self._call(scope, task, self._action(task).do))

    def _is_begun(self, scope: Scope, task: PlannedTask) -> bool:
        """Whether an earlier attempt began to act and nobody knows its end."""
        begun = False
        for entry in self.journal.entries(run=scope.start.run, task=task.id):
            if entry.kind in (EntryKind.TASK_ACTING, EntryKind.TASK_UNKNOWN):
                begun = True
            elif entry.kind in (EntryKind.TASK_DONE, EntryKind.TASK_FAILED):
                begun = False
        return begun

    def check(self, scope: Scope, task: PlannedTask, result: Json, attempt: int) -> Json:
        """Hold a write's result against its `expect`."""

        def judged() -> TaskOutcome:
            kind = self._action(task).result
            return self._judged(scope, task, kind.model_validate(result))

        key = f"{task.id}/{attempt}/check"
        outcome = self._guarded(scope, task, judged, write=False)
        if outcome.status is Status.DONE:
            self.note(scope, EntryKind.TASK_CHECKED, task.id, key, {"seen": outcome.seen})
        else:
            self.recorder.append(ending_of(scope, task, key, outcome, 0.0))
        return outcome.model_dump(mode="json")

    def take_back(self, scope: Scope, task: PlannedTask, write: Write, attempt: int) -> Json:
        """Undo one write: make the world as remembered, also after half a step."""
        with self.alone(_effect(scope, task)):
            return self._take_back(scope, task, write, attempt)

    def _take_back(self, scope: Scope, task: PlannedTask, write: Write, attempt: int) -> Json:
        key, clock = f"{task.id}/undo/{attempt}", monotonic()
        self.note(scope, EntryKind.UNDO_STARTED, task.id, key, {"does": task.does})
        self.still_mine()
        impossible = False

        def undo() -> TaskOutcome:
            nonlocal impossible
            try:
                return self._undo(scope, task, write)
            except UndoImpossible:
                impossible = True
                raise

        outcome = self._guarded(scope, task, undo, write=True)
        if outcome.status is Status.UNKNOWN:
            outcome = outcome.model_copy(update={"status": Status.FAILED})
        # Settings that do not fit are put back by a person: only what has no way back is given up.
        outcome = outcome.model_copy(update={"again": not impossible})
        undone = outcome.status is Status.DONE
        data: Json = {"seconds": round(monotonic() - clock, 3), "result": outcome.result}
        if not undone:
            data = {"error": outcome.error, "hint": outcome.hint, "again": outcome.again}
        kind = EntryKind.UNDO_DONE if undone else EntryKind.UNDO_FAILED
        self.note(scope, kind, task.id, key, data)
        return outcome.model_dump(mode="json")

    def _undo(self, scope: Scope, task: PlannedTask, write: Write) -> TaskOutcome:
        action = self._action(task)
        if task.undo_does is not None:
            own = revived(action.result, write.result) if write.result is not None else None
            return self._look_then_do(scope, task.undo_does, scope.values(task, own))
        if action.undo is None or action.memory is None:
            raise UndoImpossible(action.final_because or f"{action.name} has no undo")
        before = action.memory.model_validate(write.memory)
        undo = action.undo.take_back

        def bound(*ports: object, **values: object) -> Frozen | None:
            return undo(before, *ports, **values)

        return done(self._call(scope, task, bound))

    def _look_then_do(self, scope: Scope, task: PlannedTask, values: Values) -> TaskOutcome:
        action = self._action(task)
        there = self._call(scope, task, action.look, values) if action.look else None
        return done(self._call(scope, task, action.do, values) if there is None else there)

    def _call(
        self,
        scope: Scope,
        task: PlannedTask,
        fn: Callable[..., Any],  # Any: every action has a result type of its own
        values: Values | None = None,
    ) -> Any:  # Any: as above
        action = self._action(task)
        params = arguments(task, action, values or scope.values(task))
        ports = [self._port(scope, task, port) for port in action.ports]
        return fn(*ports, **keywords(params))

    def _action(self, task: PlannedTask) -> AnyAction:
        action = self.catalog.get(task.does)
        if action is None:
            raise NotFound(
                f"there is no action {task.does} in this version of Drillbook",
                hint="Let a worker of the version that planned the run carry it on.",
            )
        return action

    def _port(self, scope: Scope, task: PlannedTask, port: type) -> object:
        if port is not Effect:
            self._refuse_other_settings(scope, task.on)
            return self.bindings.port(task.on, port)

        def keep(name: str, data: bytes, media_type: str) -> Evidence:
            kept = self.journal.put_evidence(data, name=name, media_type=media_type)
            entry: Json = kept.model_dump(mode="json")
            self.note(scope, EntryKind.EVIDENCE_KEPT, task.id, f"{task.id}/{kept.sha256}", entry)
            return kept

        def note(key: str, says: str, data: Mapping[str, JsonValue]) -> None:
            told: Json = {"says": says, **data}
            self.note(scope, EntryKind.TASK_NOTED, task.id, f"{task.id}/{key}", told)

        return Effect(
            key=_effect(scope, task),
            run=scope.start.run,
            task=task.id,
            by=scope.start.by,
            progress=self.progress.of(scope.start.run, task.id),
            keep=keep,
            note=note,
            still_mine=self.still_mine,
            cancel_asked=lambda: self._is_to_stop(scope),
        )

    def _is_to_stop(self, scope: Scope) -> bool:
        """Whether somebody asked to stop; on the way back that was heard already."""
        return not scope.going_back and self.cancel_asked(scope.start.run)

    def _refuse_other_settings(self, scope: Scope, environment: str) -> None:
        planned = scope.plan.environments.get(environment)
        if planned is not None and self.bindings.digest(environment) != planned.digest:
            raise Refused(
                f"the settings of {environment} are not those of the plan",
                hint="Put stack.toml back as it was, or cancel this run and plan it again.",
                again=False,
            )

    def _judged(self, scope: Scope, task: PlannedTask, result: Frozen) -> TaskOutcome:
        outcome = done(result)
        self._keep_fields(scope, task, outcome.result or {})
        if not task.expect:
            return outcome
        own = revived(type(result), outcome.result or {})
        held = evaluate_condition(task.expect, scope.values(task, own))
        if held.value:
            return outcome.model_copy(update={"seen": held.seen})
        says = ", ".join(f"{path} is {value}" for path, value in held.seen.items())
        if told := (outcome.result or {}).get("says"):
            says = f"{says} ({told})" if says else str(told)
        return outcome.model_copy(
            update={
                "status": Status.FAILED,
                "seen": held.seen,
                "error": f"expected {task.expect}, and {says}" if says else f"not {task.expect}",
            }
        )

    def _keep_fields(self, scope: Scope, task: PlannedTask, result: Json) -> None:
        for name in task.evidence:
            data = exact_bytes(result.get(name))
            kept = self.journal.put_evidence(
                data, name=f"{task.id}-{name}.json", media_type="application/json"
            )
            entry: Json = kept.model_dump(mode="json")
            self.note(
                scope, EntryKind.EVIDENCE_KEPT, task.id, f"{task.id}/{name}/{kept.sha256}", entry
            )

    def _guarded(
        self, scope: Scope, task: PlannedTask, fn: Callable[[], TaskOutcome], *, write: bool
    ) -> TaskOutcome:
        until = None
        if task.timeout_seconds is not None:
            until = datetime.now(UTC) + timedelta(seconds=task.timeout_seconds)
        token = deadline.set(Deadline(until))
        try:
            outcome = fn()
        except Exception as error:  # noqa: BLE001 - an action may raise anything; it is recorded, not hidden
            outcome = failure(error, write=write)
        finally:
            deadline.reset(token)
        cancel = self._is_to_stop(scope)
        return outcome.model_copy(update={"cancel": cancel})

    def _shown(self, scope: Scope, task: PlannedTask) -> Json:
        with suppress(DrillbookError):
            params = arguments(task, self._action(task), scope.values(task))
            return {"arguments": presentable(params)}
        return {}


def _effect(scope: Scope, task: PlannedTask) -> str:
    return f"{scope.start.undo_of or scope.start.run}:{task.id}"


def _is_stale(seen_at: datetime) -> bool:
    return abs((datetime.now(UTC) - seen_at).total_seconds()) > STALE_SECONDS
