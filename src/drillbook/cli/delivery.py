"""Sends a message to a run, sees that a worker lives, and says what became of it."""

import typer

from drillbook.cli.exit_codes import ExitCode
from drillbook.cli.live.words import line_of
from drillbook.cli.sending import effect_of, last_index
from drillbook.cli.telling import say, tell_json
from drillbook.core.record import EntryKind
from drillbook.engine.messages import Message
from drillbook.engine.runs import Runs
from drillbook.engine.spawn import ensure_worker


def deliver(runs: Runs, run: str, message: Message, *, as_json: bool) -> None:
    """Send a message; the command ends with `refused` when the run could not use it."""
    before = last_index(runs, run)
    runs.answer(run, message)
    ensure_worker(runs.store)
    effect = effect_of(runs, message, run=run, after=before)
    ignored = effect is not None and effect.kind == EntryKind.MESSAGE_IGNORED
    if as_json:
        entry = effect.model_dump(mode="json") if effect else None
        tell_json({"run": run, "task": message.task, "taken": not ignored, "entry": entry})
    elif effect is None:
        say(f"Sent. Run {run} takes it up as soon as its worker is free: drillbook watch {run}")
    else:
        line = line_of(effect, runs.show(run).plan)
        say(f"{line.word}: {line.says}")
    if ignored:
        raise typer.Exit(ExitCode.REFUSED)
