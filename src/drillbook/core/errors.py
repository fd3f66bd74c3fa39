"""
Every error Drillbook raises on purpose.

DrillbookError
├── BookInvalid         the Markdown cannot be compiled: the author fixes it
├── SettingsInvalid     stack.toml, an environment variable or an option is wrong
├── Refused             a precondition does not hold: nothing was changed
├── NotFound            no such run, task, runbook, action or file
├── Unavailable         the outside did not answer: trying again is safe
├── Failed              the action was carried out and did not succeed; it is known what is so
├── OutcomeUnknown      nobody can tell whether the write happened: a person must look
├── UndoImpossible      this write has no way back (or none for these values); why is in the message
└── Damaged             stored data is not what was written (journal, evidence, backup, store)
"""


class DrillbookError(Exception):
    """
    Base of all expected errors.

    `hint` tells the reader what to do next; `again` is False where another try must end the same.
    """

    hint: str = ""
    again: bool = True

    def __init__(self, message: str, *, hint: str = "", again: bool | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        if again is not None:
            self.again = again


class BookInvalid(DrillbookError):
    """The Markdown cannot be compiled."""


class SettingsInvalid(DrillbookError):
    """A setting is wrong; nothing was started."""

    again = False


class Refused(DrillbookError):
    """A precondition does not hold; nothing was changed."""


class NotFound(DrillbookError):
    """What was named does not exist."""

    again = False


class Unavailable(DrillbookError):
    """The outside did not answer; trying again is safe."""


class Failed(DrillbookError):
    """It was tried and did not succeed; what is so is known."""


class OutcomeUnknown(DrillbookError):
    """Whether the write happened cannot be told; a person must look."""


class UndoImpossible(DrillbookError):
    """There is no way back for this write; the message says why."""

    again = False


class Damaged(DrillbookError):
    """Stored data is not what was written."""
