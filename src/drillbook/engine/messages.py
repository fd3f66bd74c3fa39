"""What people send to a run: answers, approvals, decisions, and the wish to stop."""

from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue

from drillbook.core.effect import Evidence
from drillbook.core.model import Frozen
from drillbook.engine.outcome import RunOutcome

INBOX = "inbox"
CANCEL = "cancel"


class Answer(StrEnum):
    """The three answers to a human task."""

    DONE = "done"
    NOT_NEEDED = "not-needed"
    COULD_NOT = "could-not"


class Choice(StrEnum):
    """What a person can decide when a task failed, or when nobody can tell whether it happened."""

    RETRY = "retry"
    SKIP = "skip"
    WAY_BACK = "way-back"
    STOP = "stop"
    IT_HAPPENED = "it-happened"
    IT_DID_NOT = "it-did-not"


class MessageKind(StrEnum):
    """What a message is about."""

    ANSWER = "answer"
    CHOICE = "choice"
    OPTION = "option"
    APPROVE = "approve"
    DECLINE = "decline"
    CANCEL = "cancel"


class Message(Frozen):
    """
    One message of one person; `says` is the answer, choice or option, or the typed target.

    `question` is the key of the entry that asked: a run that has asked anew since then does not
    take a word that was meant for the question before.
    """

    kind: MessageKind
    task: str = ""
    by: str
    at: datetime
    says: str = ""
    note: str = ""
    evidence: tuple[Evidence, ...] = ()
    plan_hash: str = ""
    digest: str = ""
    question: str = ""


class Start(Frozen):
    """
    With what a run was started, beside its plan.

    `incident` is what opened it, where no person did: then nobody requested it, and whoever comes
    may confirm its writes.
    """

    run: str
    by: str
    at: datetime
    unattended: bool = False
    answers: dict[str, Message] = {}
    undo_of: str = ""
    undo: RunOutcome | None = None
    incident: dict[str, JsonValue] = {}
