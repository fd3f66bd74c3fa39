"""Answers, choices and approvals made from what a person typed, and what became of them."""

import time
from datetime import UTC, datetime
from pathlib import Path

from drillbook.core.effect import Evidence
from drillbook.core.errors import Refused
from drillbook.core.plan import Plan
from drillbook.core.policy import Consent, Needs, same_person
from drillbook.core.record import EntryKind
from drillbook.engine.journal import Recorded
from drillbook.engine.messages import Answer, Choice, Message, MessageKind, Start
from drillbook.engine.runs import Runs
from drillbook.engine.waiting import ASKS, Waiting

EFFECT_SECONDS = 5.0


def reply(
    waiting: Waiting, says: str, *, by: str, note: str = "", evidence: tuple[Evidence, ...] = ()
) -> Message:
    """Return the message that answers a question; Refused with what can be said."""
    allowed = replies_to(waiting)
    word = says.strip()
    if word not in allowed:
        by_text = [key for key, text in allowed.items() if text and text == word]
        if len(by_text) != 1:
            raise Refused(
                f"{says!r} is no answer to task {waiting.task}",
                hint=f"Say one of {', '.join(allowed)}.",
            )
        word = by_text[0]
    kind = MessageKind.ANSWER
    if waiting.kind is EntryKind.DECISION_ASKED:
        kind = MessageKind.CHOICE
    elif waiting.choices:
        kind = MessageKind.OPTION
    return Message(
        kind=kind, task=waiting.task, by=by, at=now(), says=word, note=note, evidence=evidence,
        question=waiting.question,
    )  # fmt: skip


def replies_to(waiting: Waiting) -> dict[str, str]:
    """Return what can be said to a question, each with its meaning."""
    if waiting.kind is EntryKind.APPROVAL_ASKED:
        raise Refused(
            f"task {waiting.task} waits for a yes ({waiting.data.get('needs')}), not for an answer",
            hint=f"drillbook approve RUN {waiting.task}, or drillbook decline RUN {waiting.task}",
        )
    options = waiting.data.get("options")
    if isinstance(options, dict):
        return {key: str(text) for key, text in options.items()}
    if waiting.kind is EntryKind.DECISION_ASKED:
        return {word: MEANINGS.get(word, "") for word in waiting.choices}
    return {str(answer): MEANINGS[answer] for answer in Answer}


MEANINGS: dict[str, str] = {
    Answer.DONE: "it is done",
    Answer.NOT_NEEDED: "it is not needed here",
    Answer.COULD_NOT: "it could not be done",
    Choice.RETRY: "try it again",
    Choice.SKIP: "go on without it",
    Choice.WAY_BACK: "take everything back",
    Choice.STOP: "stop here and keep what was written",
    Choice.IT_HAPPENED: "I looked: the write took place",
    Choice.IT_DID_NOT: "I looked: the write did not take place",
}


def foretold(waiting: Waiting) -> list[tuple[str, str]]:
    """Return the sentences in what was remembered: a forecast, a way back, each with its name."""
    memory = waiting.data.get("memory")
    found = memory.items() if isinstance(memory, dict) else ()
    sentences = [(k, v) for k, v in found if isinstance(v, str) and " " in v]
    return [(name.replace("_", " "), says) for name, says in sentences]


def approval(
    waiting: Waiting, *, plan: Plan, start: Start, by: str, note: str = "", confirm: str = ""
) -> Message:
    """Return the yes to a write, bound to plan and remembered state; Refused when it cannot be."""
    why = unfit(waiting, plan=plan, start=start, by=by)
    if why:
        raise Refused(why[0], hint=why[1])
    target = str(waiting.data.get("target") or "")
    if consent_of(waiting, plan) is Consent.CONFIRM and confirm != target:
        typed = f"{confirm!r} was typed" if confirm else "nothing was typed"
        raise Refused(
            f"the target's name is {target!r}, and {typed}",
            hint=f"Confirm it: drillbook approve {start.run} {waiting.task} --confirm {target}",
        )
    return Message(
        kind=MessageKind.APPROVE,
        task=waiting.task,
        by=by,
        at=now(),
        says=confirm,
        note=note,
        plan_hash=str(waiting.data.get("plan") or ""),
        digest=str(waiting.data.get("digest") or ""),
        question=waiting.question,
    )


def refusal(waiting: Waiting, *, by: str, note: str = "") -> Message:
    """Return the no to a write."""
    return Message(
        kind=MessageKind.DECLINE, task=waiting.task, by=by, at=now(), note=note,
        question=waiting.question,
    )  # fmt: skip


def unfit(waiting: Waiting, *, plan: Plan, start: Start, by: str) -> tuple[str, str] | None:
    """Return why this person cannot say yes, and what to do, or None when they can."""
    needs = needs_of(waiting, plan)
    if waiting.kind is not EntryKind.APPROVAL_ASKED:
        return f"task {waiting.task} does not wait for a yes", f"drillbook runs show {start.run}"
    if needs.consent is Consent.CONFIRM:
        is_own = bool(start.incident) or same_person(by, start.by)
        return None if is_own else _not_the_requester(waiting, start, by)
    if same_person(by, start.by):
        return (
            f"{by} requested this run and cannot approve it",
            f"A colleague types: drillbook approve {start.run} {waiting.task}",
        )
    if any(same_person(by, other) for other in waiting.given_by):
        return f"{by} has approved task {waiting.task} already", "Another person must approve too."
    return _without_role(needs, plan, by)


def _not_the_requester(waiting: Waiting, start: Start, by: str) -> tuple[str, str]:
    return (
        f"{start.by} requested this run and must confirm task {waiting.task}, not {by}",
        f"You can stop it: drillbook decline {start.run} {waiting.task}",
    )


def _without_role(needs: Needs, plan: Plan, by: str) -> tuple[str, str] | None:
    people = sorted({person for role in needs.roles for person in plan.roles.get(role, ())})
    if not needs.roles or any(same_person(by, person) for person in people):
        return None
    can = f"These people can approve: {', '.join(people) or 'nobody'}"
    return (
        f"{by} holds none of the roles {', '.join(needs.roles)}",
        f"{can} (DRILLBOOK_USER says who you are).",
    )


def needs_of(waiting: Waiting, plan: Plan) -> Needs:
    """Return what the plan asks before this task acts."""
    task = plan.task(waiting.task)
    return task.needs if task else Needs()


def consent_of(waiting: Waiting, plan: Plan) -> Consent:
    """Return which kind of yes a task waits for."""
    return needs_of(waiting, plan).consent


def kept_files(runs: Runs, files: list[Path]) -> tuple[Evidence, ...]:
    """Keep the files somebody gives with an answer."""
    import mimetypes

    kept = []
    for path in files:
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        kept.append(runs.journal.put_evidence(path, name=path.name, media_type=media_type))
    return tuple(kept)


def effect_of(runs: Runs, message: Message, *, run: str, after: int) -> Recorded | None:
    """Return the entry by which the run took a message up or left it aside, if that comes soon."""
    ends = time.monotonic() + EFFECT_SECONDS
    closing = set().union(*ASKS.values()) | {EntryKind.APPROVAL_GIVEN, EntryKind.MESSAGE_IGNORED}
    while time.monotonic() < ends:
        for entry in runs.entries(run, after=after):
            if entry.task == message.task and entry.kind in closing:
                return entry
        runs.journal.wait(run, after=after, timeout_seconds=0.2)
    return None


def last_index(runs: Runs, run: str) -> int:
    """Return the index of the run's newest entry."""
    return max((entry.index for entry in runs.entries(run)), default=-1)


def now() -> datetime:
    """Return the time a message is given."""
    return datetime.now(UTC)
