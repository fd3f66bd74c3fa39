"""Start a program of the team's own, by the name that stack.toml gives it."""

from drillbook.core.catalog import Domain
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed
from drillbook.core.model import Frozen
from drillbook.core.quantities import show_size
from drillbook.core.secret import scrub
from drillbook.ports.commands import Ending, Finished
from drillbook.ports.team_commands import NamedCommand, TeamCommands

domain = Domain("command")

TAIL_CHARACTERS = 4000
SHOWN_CHARACTERS = 300


class Ran(Frozen):
    """How a command ended, and the end of what it wrote."""

    name: str
    exit_code: int
    seconds: float
    output_tail: str
    error_tail: str


@domain.final(because="Drillbook cannot know what a command does")
def run(commands: TeamCommands, effect: Effect, *, name: str, argument: str = "") -> Ran:
    """Run a command of stack.toml; it finds `argument` in the variable DRILLBOOK_ARGUMENT."""
    return _judged(name, commands.run(_command(effect, name, argument)))


@run.looking
def ran(commands: TeamCommands, effect: Effect, *, name: str, argument: str = "") -> Ran | None:
    """Return how the command of this task ended; None when it failed or never began."""
    finished = commands.ended(_command(effect, name, argument))
    return _result(name, finished) if finished is not None and finished.succeeded else None


def _command(effect: Effect, name: str, argument: str) -> NamedCommand:
    return NamedCommand(
        name=name,
        effect_key=effect.key,
        values={
            "DRILLBOOK_ARGUMENT": argument,
            "DRILLBOOK_RUN": effect.run,
            "DRILLBOOK_TASK": effect.task,
        },
        on_line=lambda line: effect.progress(line, None),
    )


def _judged(name: str, finished: Finished) -> Ran:
    if finished.succeeded:
        return _result(name, finished)
    tail = (finished.error_tail or finished.output_tail).strip()[-SHOWN_CHARACTERS:]
    raise Failed(
        scrub(f"the command {name} {_ended(finished)}; its last words: {tail or 'none'}"),
        hint="Run it by hand to see more, or look at its own log.",
    )


def _ended(finished: Finished) -> str:
    match finished.ending:
        case Ending.TIMED_OUT:
            return f"was ended after {finished.seconds:.1f} s: its time was up"
        case Ending.SIGNALLED:
            return f"was ended by signal {-finished.exit_code} after {finished.seconds:.1f} s"
        case Ending.EXITED:
            return f"ended with exit code {finished.exit_code} after {finished.seconds:.1f} s"


def _result(name: str, finished: Finished) -> Ran:
    return Ran(
        name=name,
        exit_code=finished.exit_code,
        seconds=round(finished.seconds, 3),
        output_tail=_tail(finished.output_tail),
        error_tail=_tail(finished.error_tail),
    )


def _tail(text: str) -> str:
    if len(text) <= TAIL_CHARACTERS:
        return scrub(text)
    left_out = show_size(len(text.encode()) - TAIL_CHARACTERS)
    return f"[{left_out} before this are left out] {scrub(text)[-TAIL_CHARACTERS:]}"
