"""One session of a database server, named so that no other can be meant, and its end."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from drillbook.core.effect import Effect
from drillbook.core.model import Frozen
from drillbook.ports.database import Blocker


class SessionName(Frozen):
    """
    A session for good: a process number is given out again, these beginnings are not.

    With `transaction_started` it is one transaction that is meant: a later one of the same session
    is not. With `unchanged_since` it is meant only while it is in the state it has been in since
    then: one that works, or has worked meanwhile, is not. With `waited_for` it is meant also while
    another session waits for it.
    """

    pid: int
    session_started: datetime
    transaction_started: datetime | None = None
    unchanged_since: datetime | None = None
    waited_for: bool = False


class HowEnded(StrEnum):
    """How a session, or the transaction that was meant, came to its end."""

    GONE = "gone by itself"
    SPARED = "spared, for it is not as it was seen"
    CANCELLED = "statement cancelled"
    TERMINATED = "session terminated"


class Sessions(Protocol):
    """Look for named sessions, and end them."""

    def find(self, name: SessionName) -> Blocker | None:
        """Return the session when it is still the one that is named."""
        ...

    def end(self, name: SessionName, effect: Effect, *, grace_seconds: float) -> HowEnded:
        """
        Cancel what it does; when that does not end it within the grace, terminate it.

        One that is there and no longer as its name says is spared. Errors: Refused when it may not
        be ended, Failed when it does not go.
        """
        ...

    def end_all(
        self, names: Sequence[SessionName], effect: Effect, *, grace_seconds: float
    ) -> tuple[HowEnded, ...]:
        """
        End several, all within one grace; return how each ended, in their order.

        Errors: as `end`; when one of them may not be ended, none is.
        """
        ...
