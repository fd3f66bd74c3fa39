"""How the command ends: each ending has its number, and a sentence that says what is so."""

from enum import IntEnum

from drillbook.core.errors import (
    BookInvalid,
    Damaged,
    DrillbookError,
    NotFound,
    OutcomeUnknown,
    Refused,
    SettingsInvalid,
    Unavailable,
    UndoImpossible,
)


class ExitCode(IntEnum):
    """The number a command ends with."""

    DONE = 0
    ERRORS = 1
    USAGE = 2
    REFUSED = 3
    TAKEN_BACK = 4
    PARTLY_TAKEN_BACK = 5
    STUCK = 6
    STOPPED = 7
    LEFT = 8
    UNAVAILABLE = 9
    DAMAGED = 10
    DEAD = 11
    INTERRUPTED = 130
    PIPE_CLOSED = 141


SENTENCES: dict[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.ERRORS: "`check` found errors, an action failed, or an error nobody foresaw",
    ExitCode.USAGE: "wrong usage, input, settings or book, or no such thing: nothing was started",
    ExitCode.REFUSED: "refused, or failed before any write: nothing was changed",
    ExitCode.TAKEN_BACK: "failed, and taken back whole: the world is as before",
    ExitCode.PARTLY_TAKEN_BACK: "failed, and partly taken back: the record names what was kept",
    ExitCode.STUCK: "stuck: the way back failed, or nobody can tell; a person must look",
    ExitCode.STOPPED: "stopped by a person: what was written is kept",
    ExitCode.LEFT: "left while it goes on: the run waits, or works in the background",
    ExitCode.UNAVAILABLE: "the store or an outside system did not answer: trying again is safe",
    ExitCode.DAMAGED: "damaged: the journal, evidence or a backup is not what was written",
    ExitCode.DEAD: "stopped dead: no further step was made and nothing taken back",
    ExitCode.INTERRUPTED: "interrupted with Ctrl-C before anything was started",
    ExitCode.PIPE_CLOSED: "the reader of the output went away",
}

# Keyed by the words of engine.outcome.State, which is not imported: `check` must not pay for it.
OF_STATE: dict[str, ExitCode] = {
    "running": ExitCode.LEFT,
    "waiting": ExitCode.LEFT,
    "done": ExitCode.DONE,
    "refused": ExitCode.REFUSED,
    "taken back": ExitCode.TAKEN_BACK,
    "partly taken back": ExitCode.PARTLY_TAKEN_BACK,
    "stuck": ExitCode.STUCK,
    "stopped": ExitCode.STOPPED,
    "stopped dead": ExitCode.DEAD,
}

_OF_ERROR: dict[type[DrillbookError], ExitCode] = {
    BookInvalid: ExitCode.USAGE,
    SettingsInvalid: ExitCode.USAGE,
    NotFound: ExitCode.USAGE,
    Refused: ExitCode.REFUSED,
    UndoImpossible: ExitCode.REFUSED,
    Unavailable: ExitCode.UNAVAILABLE,
    OutcomeUnknown: ExitCode.STUCK,
    Damaged: ExitCode.DAMAGED,
}


def code_of(error: DrillbookError) -> ExitCode:
    """Return the number an expected error ends the command with."""
    found = (code for kind, code in _OF_ERROR.items() if isinstance(error, kind))
    return next(found, ExitCode.ERRORS)


def shown() -> str:
    """Return the table of all endings."""
    return "\n".join(f"  {code:>3}  {sentence}" for code, sentence in SENTENCES.items())
