"""The run under way, as the interpreter sees it: durable steps, notes and messages."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from dbos import DBOS

from drillbook.core.plan import Kind, PlannedTask, PlanPart
from drillbook.core.record import EntryKind
from drillbook.engine.messages import CANCEL, INBOX, Message, MessageKind
from drillbook.engine.outcome import Remembered, TaskOutcome, Write
from drillbook.engine.scope import Json, Scope
from drillbook.engine.steps import Steps

FOREVER_SECONDS = 10 * 365 * 86400.0


class How(StrEnum):
    """In which way a run leaves its forward path."""

    WAY_BACK = "way back"
    STOP = "stop"


class LeavePath(Exception):
    """The forward path ends here: by a failure, a decision or a wish to cancel."""

    def __init__(
        self, how: How, reason: str, *, task: str = "", hint: str = "", nobody: bool = False
    ) -> None:
        super().__init__(reason)
        self.how, self.reason, self.task, self.hint = how, reason, task, hint
        self.nobody = nobody  # what is next is for a person, and the run has none


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was remembered before a task, who said yes to it when, and when that was last seen."""

    remembered: Remembered
    given: dict[str, datetime]
    seen_at: datetime | None = None


@dataclass
class Current:
    """One execution of a run. Everything in it is rebuilt the same when the run is replayed."""

    steps: Steps
    scope: Scope
    writes: list[Write] = field(default_factory=list[Write])
    parts: list[PlanPart] = field(default_factory=list[PlanPart])
    entered: list[str] = field(default_factory=list[str])
    done: set[str] = field(default_factory=set[str])
    agreements: dict[str, Agreement] = field(default_factory=dict[str, Agreement])
    on_way_back: bool = False
    afterwards: bool = False
    _counts: dict[str, int] = field(default_factory=dict[str, int])
    _given: set[str] = field(default_factory=set[str])
    _questions: dict[str, str] = field(default_factory=dict[str, str])
    _cancels: set[Message] = field(default_factory=set[Message])

    @property
    def run(self) -> str:
        """The run's id."""
        return self.scope.start.run

    @property
    def attended(self) -> bool:
        """Whether somebody may answer."""
        return not self.scope.start.unattended

    def count(self, what: str) -> int:
        """Return 1, 2, 3 … for each thing counted; replays count the same."""
        self._counts[what] = self._counts.get(what, 0) + 1
        return self._counts[what]

    async def note(self, kind: EntryKind, task: str = "", data: Json | None = None) -> datetime:
        """Write an entry as a durable step; return when it was written."""
        key = f"{task}/{self.count(f'{kind}/{task}')}"
        name = f"note {kind} {key}"
        at = await DBOS.run_step_async(
            {"name": name}, self.steps.note, self.scope, kind, task, key, data or {}
        )
        return datetime.fromisoformat(at)

    async def leave_out(self, task: PlannedTask) -> bool:
        """Whether a task needs a value that nobody has given; say so, for it is then left out."""
        path = self.scope.missing(task) if task.kind is Kind.ACTION else ""
        if path:
            why = f"not applicable: {path} is not known, the task that gives it was not done"
            await self.note(EntryKind.TASK_SKIPPED, task.id, {"why": why})
        return bool(path)

    async def ask(self, kind: EntryKind, task: str, data: Json) -> datetime:
        """Note a question; from now on only words meant for it are taken for this task."""
        at = await self.note(kind, task, data)
        number = self._counts[f"{kind}/{task}"]
        self._questions[task] = f"{self.run}/{kind}/{task}/{number}"
        return at

    async def durably(
        self, what: str, task: PlannedTask, fn: Callable[..., Json], *args: Any
    ) -> Json:
        # Any: the hands' functions differ in what they take after scope and task
        """Carry a function of the hands out as one durable step; it gets the attempt's number."""
        attempt = self.count(f"{what}/{task.id}")
        name = f"{what} {task.id} #{attempt}"
        return await DBOS.run_step_async({"name": name}, fn, self.scope, task, *args, attempt)

    async def read(self, *tasks: PlannedTask) -> list[TaskOutcome]:
        """Carry reads out side by side, as one durable step: done again, they change nothing."""
        attempts = tuple((task, self.count(f"read/{task.id}")) for task in tasks)
        first, number = attempts[0]
        name = f"read {first.id} #{number}" + (f" and {len(tasks) - 1} more" if tasks[1:] else "")
        ended = await DBOS.run_step_async({"name": name}, self.steps.read, self.scope, attempts)
        outcomes = [TaskOutcome.model_validate(outcome) for outcome in ended]
        self.steps.record_reads(self.scope, attempts, outcomes)
        return outcomes

    async def remember(self, task: PlannedTask) -> Remembered:
        """Remember what the undo of a write needs."""
        found = await self.durably("remember", task, self.steps.remember)
        return Remembered.model_validate(found)

    async def act(self, task: PlannedTask, seen_at: datetime | None) -> TaskOutcome:
        """Look, then act; `seen_at` is when the yes to it was last seen to hold, None for none."""
        acted = await self.durably("act", task, self.steps.act, seen_at)
        return TaskOutcome.model_validate(acted)

    async def look_again(self, task: PlannedTask, unknown: TaskOutcome) -> TaskOutcome:
        """Look whether a write of unknown outcome happened."""
        looked = await self.durably("look", task, self.steps.look_again, unknown)
        return TaskOutcome.model_validate(looked)

    async def check(self, task: PlannedTask, result: Json) -> TaskOutcome:
        """Hold a write's result against its `expect`."""
        checked = await self.durably("check", task, self.steps.check, result)
        return TaskOutcome.model_validate(checked)

    async def take_back(self, write: Write, task: PlannedTask) -> TaskOutcome:
        """Undo one write."""
        ended = await self.durably("undo", task, self.steps.take_back, write)
        return TaskOutcome.model_validate(ended)

    async def wait(self, seconds: float) -> None:
        """Sleep durably."""
        await DBOS.sleep_async(seconds)

    async def wait_or_leave(self, seconds: float) -> None:
        """Sleep durably, and leave the forward path at once when somebody asks for it."""
        if self.on_way_back:
            await self.wait(seconds)
            return
        received = await DBOS.recv_async(CANCEL, timeout_seconds=seconds)
        if received is not None:
            raise await self.cancelled(Message.model_validate(received))

    def spread(self, task: PlannedTask, attempt: int) -> float:
        """Return a number from 0 to 1 that looks random and is the same on replay."""
        seed = hashlib.sha256(f"{self.run}/{task.id}/{attempt}".encode()).digest()
        return int.from_bytes(seed[:4]) / 2**32

    def prepared(self, task: PlannedTask, kinds: tuple[MessageKind, ...]) -> Message | None:
        """Return the word given for this task with the start, until it was used."""
        message = self.scope.start.answers.get(task.id)
        fits = message is not None and message.kind in kinds and task.id not in self._given
        return message if fits else None

    async def message(
        self,
        task: PlannedTask,
        kinds: tuple[MessageKind, ...],
        *,
        until: datetime | None,
        now: datetime,
    ) -> tuple[Message | None, datetime]:
        """Wait for a message about this task, None when time is up; others are noted, not lost."""
        if (prepared := self.prepared(task, kinds)) is not None:
            self._given.add(task.id)
            return prepared, now
        while True:
            left = FOREVER_SECONDS if until is None else (until - now).total_seconds()
            if left <= 0:
                return None, now
            received = await DBOS.recv_async(INBOX, timeout_seconds=left)
            if received is None:
                now = await self._clock()  # time is up, or it was woken for a message taken before
                continue
            message = Message.model_validate(received)
            if message.kind is MessageKind.CANCEL:
                now = await self._followed(message, now)
            elif message.task != task.id or message.kind not in kinds:
                now = await self.ignored(message, f"run {self.run} waits for task {task.id}")
            elif message.question not in ("", self._questions[task.id]):
                now = await self.ignored(message, "it answers a question that is no longer asked")
            else:
                return message, now

    async def _clock(self) -> datetime:
        at = await DBOS.run_step_async({"name": "clock"}, self.steps.clock)
        return datetime.fromisoformat(at)

    async def _followed(self, message: Message, now: datetime) -> datetime:
        """Leave the path as asked, unless that was done before or the run goes back already."""
        if message in self._cancels:
            return now  # each wish is sent twice, for runs that wait and for runs that work
        if self.on_way_back and message.says != "leave":
            return await self.ignored(message, "the run is on its way back already")
        raise await self.cancelled(message)

    async def ignored(self, message: Message, why: str) -> datetime:
        """Note a message that could not be used."""
        data: Json = {"message": message.model_dump(mode="json"), "why": why}
        return await self.note(EntryKind.MESSAGE_IGNORED, message.task, data)

    async def leave_if_cancelled(self, outcome: TaskOutcome) -> None:
        """Leave the forward path when somebody asked for it while a task was under way."""
        if not outcome.cancel or self.on_way_back:
            return
        received = await DBOS.recv_async(CANCEL, timeout_seconds=5)
        if received is not None:
            raise await self.cancelled(Message.model_validate(received))

    async def cancelled(self, message: Message) -> LeavePath:
        """Note the wish to cancel and return the turn it leads to."""
        self._cancels.add(message)
        data: Json = {"note": message.note, "leave": message.says == "leave"}
        await self.note(EntryKind.CANCEL_ASKED, "", {"by": message.by, **data})
        how = How.STOP if message.says == "leave" else How.WAY_BACK
        reason = f"{message.by} cancelled the run"
        return LeavePath(how, f"{reason}: {message.note}" if message.note else reason)
