"""Runs from outside: start, list, look at, answer, approve, cancel, take back."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from drillbook.core.errors import NotFound, Refused
from drillbook.core.model import Frozen
from drillbook.core.plan import Plan
from drillbook.core.record import EntryKind
from drillbook.engine.journal import Entry, Journal, Recorded, open_journal
from drillbook.engine.messages import CANCEL, INBOX, Answer, Message, MessageKind, Start
from drillbook.engine.outcome import RunOutcome, State
from drillbook.engine.store import (
    QUEUE,
    STEP_PROTOCOL,
    UNDER_WAY,
    WORKFLOW,
    Store,
    client,
    store_errors,
)
from drillbook.engine.unattended import refuse_unanswerable
from drillbook.engine.versions import is_stranded
from drillbook.engine.waiting import Waiting, open_questions

if TYPE_CHECKING:
    from dbos import DBOSClient

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
RUN_ID_LENGTH = 6


class RunSummary(Frozen):
    """A run in one line."""

    run: str
    runbook: str
    state: State
    by: str
    started_at: datetime
    ended_at: datetime | None = None
    reason: str = ""
    worker: str = ""
    stranded: bool = False


class RunView(Frozen):
    """A run as a whole: its plan, where it stands, and what it waits for."""

    summary: RunSummary
    plan: Plan
    start: Start
    outcome: RunOutcome | None = None
    waits: tuple[Waiting, ...] = ()


@dataclass
class Runs:
    """The runs of one store; open it with `opened`."""

    store: Store
    journal: Journal
    dbos: "DBOSClient"

    def start(
        self,
        plan: Plan,
        *,
        by: str,
        unattended: bool = False,
        answers: dict[str, Message] | None = None,
        run: str = "",
        incident: dict[str, JsonValue] | None = None,
    ) -> str:
        """
        Queue a run and return its id; a worker takes it up.

        With an id given beforehand, `run`, twice is once: an incident starts its run once. The
        plan must be the same then.
        """
        given = answers or {}
        if unattended:
            refuse_unanswerable(plan, given)
        if run and self._is_there(run):
            return run
        run = run or new_run_id()
        start = Start(
            run=run, by=by, at=datetime.now(UTC), unattended=unattended, answers=given,
            incident=incident or {},
        )  # fmt: skip
        self._planned(plan, start)
        self._enqueue(plan, start)
        return run

    def _is_there(self, run: str) -> bool:
        with store_errors(self.store):
            return bool(self.dbos.list_workflows(workflow_ids=[run], load_input=False))

    def _planned(self, plan: Plan, start: Start) -> None:
        file = self.journal.put_evidence(
            plan.model_dump_json().encode(),
            name=f"{start.run}-plan.json",
            media_type="application/json",
        )
        data: dict[str, Any] = {  # Any: JSON
            "plan": plan.hash, "runbook": plan.part.runbook, "procedure": plan.part.procedure,
            "book": plan.book, "book_sha256": plan.book_sha256,
            "evidence": file.model_dump(mode="json"),
            "unattended": start.unattended, "undo_of": start.undo_of,
        }  # fmt: skip
        data |= {"incident": start.incident} if start.incident else {}
        key = f"{start.run}/{EntryKind.RUN_PLANNED}"
        entry = Entry(
            run=start.run, kind=EntryKind.RUN_PLANNED, by=start.by, at=start.at, data=data, key=key
        )
        self.journal.append(entry)

    def _enqueue(self, plan: Plan, start: Start) -> None:
        with store_errors(self.store):
            self.dbos.enqueue(
                {
                    "workflow_name": WORKFLOW,
                    "queue_name": QUEUE,
                    "workflow_id": start.run,
                    "app_version": STEP_PROTOCOL,
                    "authenticated_user": start.by,
                },
                plan.model_dump(mode="json"),
                start.model_dump(mode="json"),
            )

    def list(self, *, limit: int = 50, offset: int = 0) -> list[RunSummary]:
        """Return the newest runs first."""
        with store_errors(self.store):
            found = self.dbos.list_workflows(
                name=WORKFLOW, sort_desc=True, limit=limit, offset=offset, load_input=False
            )
        return [self._summary(status) for status in found]

    def any_under_way(self) -> bool:
        """Whether a worker of this version has anything to do."""
        with store_errors(self.store):
            found = self.dbos.list_workflows(
                status=UNDER_WAY, app_version=STEP_PROTOCOL, limit=1, load_input=False
            )
        return bool(found)

    def show(self, run: str) -> RunView:
        """Return one run, or NotFound with what there is."""
        status = self._status(run)
        plan, start = _input(status)
        waits: tuple[Waiting, ...] = ()
        if status.status in ("PENDING", "ENQUEUED"):
            waits = open_questions(self.journal.entries(run=run))
        summary = self._summary(status)
        return RunView(
            summary=summary, plan=plan, start=start, outcome=_outcome(status), waits=waits
        )

    def entries(self, run: str, *, after: int = -1) -> Iterator[Recorded]:
        """Yield the run's record, oldest first."""
        return self.journal.entries(run=run, after=after)

    def state(self, run: str) -> State:
        """Return where a run stands."""
        return self._summary(self._status(run, light=True)).state

    def outcome(self, run: str) -> RunOutcome | None:
        """Return how the run ended, or None while it is under way."""
        return _outcome(self._status(run, light=True))

    def answer(self, run: str, message: Message) -> None:
        """Send an answer, choice, option, approval or refusal to a run that waits for it."""
        waits = self._waiting_for(run, message.task)
        if message.question not in ("", waits.question):
            raise Refused(
                f"task {message.task} of run {run} has been answered, and asks something new",
                hint=f"See what it asks now: drillbook runs show {run}",
            )
        self._refuse_wrong(message, waits)
        self._send(run, message.model_copy(update={"question": waits.question}), INBOX)

    def waiting(self, run: str, task: str) -> Waiting:
        """Return the open question of a task, or Refused when it asks nothing."""
        return self._waiting_for(run, task)

    def cancel(self, run: str, *, by: str, note: str = "", leave: bool = False) -> None:
        """Ask a run to stop at the next safe point and go back; with `leave`, to stop and keep."""
        self._refuse_ended(run)
        self._ask_to_leave(run, by=by, note=note, leave=leave)

    def _ask_to_leave(self, run: str, *, by: str, note: str, leave: bool = False) -> None:
        says = "leave" if leave else ""
        message = Message(
            kind=MessageKind.CANCEL, by=by, at=datetime.now(UTC), says=says, note=note
        )
        for topic in (CANCEL, INBOX):
            self._send(run, message, topic)

    def kill(self, run: str) -> None:
        """Stop a run dead: no further step, nothing taken back."""
        self._refuse_ended(run)
        with store_errors(self.store):
            self.dbos.cancel_workflow(run)

    def resume(self, run: str) -> None:
        """Let a run that was stopped dead go on where it was; nothing to do for one under way."""
        status = self._status(run, light=True)
        if status.status == "CANCELLED":
            with store_errors(self.store):
                self.dbos.resume_workflow(run, queue_name=QUEUE)
        elif status.status not in ("PENDING", "ENQUEUED"):
            raise Refused(
                f"run {run} has ended ({self._summary(status).state})",
                hint="Start a new run, or take this one back: drillbook undo " + run,
            )

    def undo(self, run: str, *, by: str, note: str = "") -> str:
        """Take a run back: as a message while it is under way, as a run of its own afterwards."""
        status = self._status(run)
        if status.status in ("PENDING", "ENQUEUED"):
            self.cancel(run, by=by, note=note)
            return run
        if status.status == "CANCELLED":  # stopped dead: it goes on only to go back
            self._ask_to_leave(run, by=by, note=note)
            self.resume(run)
            return run
        plan, start = _input(status)
        root = start.undo_of or run
        undo, newest = self._undo_id(root)
        before = _outcome(newest or status)
        if before is None:
            raise Refused(
                f"run {run} ended by an error, and nobody knows what of it remains",
                hint=f"Its record names each write: drillbook runs show {run}",
            )
        if not before.writes:
            raise Refused(
                f"run {run} left nothing to take back", hint=f"See: drillbook runs show {run}"
            )
        # Always of the first run: what it wrote is found under its name.
        start = Start(run=undo, by=by, at=datetime.now(UTC), undo_of=root, undo=before)
        self._planned(plan, start)
        self._enqueue(plan, start)
        return start.run

    def _undo_id(self, run: str) -> tuple[str, Any]:  # Any: DBOS's status type is loose
        """Return the id of the next run that takes this one back, and the one that tried last."""
        number, newest = 1, None
        while True:
            undo = f"{run}-undo" + (f"-{number}" if number > 1 else "")
            with store_errors(self.store):
                found = self.dbos.list_workflows(workflow_ids=[undo])
            if not found:
                return undo, newest
            state = self._summary(found[0]).state
            if state in (State.RUNNING, State.WAITING, State.TAKEN_BACK):
                raise Refused(
                    f"run {undo} takes {run} back already ({state})",
                    hint=f"See: drillbook runs show {undo}",
                )
            newest = found[0] if _outcome(found[0]) is not None else newest
            number += 1

    def _send(self, run: str, message: Message, topic: str) -> None:
        with store_errors(self.store):
            self.dbos.send(run, message.model_dump(mode="json"), topic=topic)

    def _status(self, run: str, *, light: bool = False) -> Any:  # Any: DBOS's status type is loose
        with store_errors(self.store):
            found = self.dbos.list_workflows(workflow_ids=[run], load_input=not light)
        if found:
            return found[0]
        with store_errors(self.store):
            near = self.dbos.list_workflows(
                name=WORKFLOW, sort_desc=True, limit=3, load_input=False
            )
        newest = ", ".join(status.workflow_id for status in near) or "none yet"
        raise NotFound(f"there is no run {run}", hint=f"The newest runs: {newest}.")

    def _summary(self, status: Any) -> RunSummary:  # Any: DBOS's status type is loose
        outcome = _outcome(status)
        first = next(iter(self.journal.entries(run=status.workflow_id)), None)
        state = outcome.state if outcome else _running_state(self.journal, status)
        ended = status.completed_at if outcome or state is State.DEAD else None
        return RunSummary(
            run=status.workflow_id,
            runbook=str(first.data.get("runbook", "")) if first else "",
            state=state,
            by=first.by if first else str(status.authenticated_user or ""),
            started_at=_time(status.created_at),
            ended_at=_time(ended) if ended else None,
            reason=outcome.reason if outcome else str(status.error or ""),
            worker=str(status.executor_id or "") if status.status == "PENDING" else "",
            stranded=is_stranded(status),
        )

    def _refuse_ended(self, run: str) -> None:
        status = self._status(run, light=True)
        if status.status not in ("PENDING", "ENQUEUED"):
            raise Refused(
                f"run {run} has ended ({self._summary(status).state})",
                hint=f"See how: drillbook runs show {run}",
            )

    def _waiting_for(self, run: str, task: str) -> Waiting:
        self._refuse_ended(run)
        waits = open_questions(self.journal.entries(run=run))
        for waiting in waits:
            if waiting.task == task:
                return waiting
        open_tasks = ", ".join(waiting.task for waiting in waits) or "none"
        raise Refused(
            f"task {task} of run {run} does not wait for anybody",
            hint=f"Tasks that wait: {open_tasks}.",
        )

    def _refuse_wrong(self, message: Message, waits: Waiting) -> None:
        wanted = {
            EntryKind.TASK_ASKED: (MessageKind.ANSWER, MessageKind.OPTION),
            EntryKind.DECISION_ASKED: (MessageKind.CHOICE,),
            EntryKind.APPROVAL_ASKED: (MessageKind.APPROVE, MessageKind.DECLINE),
        }[waits.kind]
        if message.kind not in wanted:
            raise Refused(
                f"task {message.task} waits for {' or '.join(wanted)}, not for {message.kind}",
                hint="See what it asks: drillbook runs show RUN",
            )
        choices = waits.choices
        if message.kind is MessageKind.ANSWER and choices:
            raise Refused(
                f"task {message.task} is a choice", hint=f"Choose one of {', '.join(choices)}."
            )
        if message.kind in (MessageKind.CHOICE, MessageKind.OPTION) and message.says not in choices:
            raise Refused(
                f"{message.says!r} is not offered by task {message.task}",
                hint=f"Choose one of {', '.join(choices)}.",
            )
        if message.kind is MessageKind.ANSWER and message.says not in set(Answer):
            raise Refused(
                f"{message.says!r} is no answer to task {message.task}",
                hint=f"Say one of {', '.join(Answer)}.",
            )
        needless = message.kind is MessageKind.ANSWER and message.says == Answer.NOT_NEEDED
        if needless and not waits.data.get("optional") and not message.note:
            raise Refused(
                f"task {message.task} is not marked as optional",
                hint="Say with --note why it is not needed.",
            )


@contextmanager
def opened(store: Store) -> Iterator[Runs]:
    """Open the runs of a store."""
    with client(store) as dbos, store_errors(store):
        journal = open_journal(store.url, store.home)
        try:
            yield Runs(store, journal, dbos)
        finally:
            journal.close()


def new_run_id() -> str:
    """Return a short id that is easy to say on the phone."""
    return "r-" + "".join(secrets.choice(ALPHABET) for _ in range(RUN_ID_LENGTH))


def _running_state(journal: Journal, status: Any) -> State:  # Any: DBOS's status type is loose
    if status.status in ("CANCELLED", "ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"):
        return State.DEAD
    return (
        State.WAITING if open_questions(journal.entries(run=status.workflow_id)) else State.RUNNING
    )


def _input(status: Any) -> tuple[Plan, Start]:  # Any: DBOS's status type is loose
    plan, start = status.input["args"]
    return Plan.model_validate(plan), Start.model_validate(start)


def _outcome(status: Any) -> RunOutcome | None:  # Any: DBOS's status type is loose
    if status.status != "SUCCESS" or status.output is None:
        return None
    return RunOutcome.model_validate(status.output)


def _time(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
