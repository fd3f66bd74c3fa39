"""How a run ended, in one sentence and what follows from it."""

from collections.abc import Iterator

from drillbook.cli.exit_codes import OF_STATE, ExitCode
from drillbook.cli.live.words import task_text
from drillbook.cli.telling import paint, visible
from drillbook.core.plan import Plan
from drillbook.engine.runs import RunView

SENTENCES = {
    ExitCode.DONE: "Done.",
    ExitCode.REFUSED: "Not done; nothing was changed.",
    ExitCode.TAKEN_BACK: "Failed, and taken back whole: the world is as before.",
    ExitCode.PARTLY_TAKEN_BACK: "Failed, and only partly taken back.",
    ExitCode.STUCK: "Stuck: the way back did not succeed. A person must look.",
    ExitCode.STOPPED: "Stopped by a person; nothing was taken back.",
    ExitCode.LEFT: "The run goes on.",
    ExitCode.DEAD: "Stopped dead: no further step was made, nothing was taken back.",
}
STYLES = {
    ExitCode.DONE: "green",
    ExitCode.TAKEN_BACK: "yellow",
    ExitCode.LEFT: "cyan",
    ExitCode.STOPPED: "yellow",
}


def code_of_run(view: RunView) -> ExitCode:
    """Return the code of a run's ending; taking a run back whole is what `undo` is for."""
    code = OF_STATE[view.summary.state]
    return ExitCode.DONE if view.start.undo_of and code is ExitCode.TAKEN_BACK else code


def ending_lines(view: RunView) -> Iterator[str]:
    """Yield the outcome, what was kept, and where the record is."""
    yield from outcome_lines(view)
    yield f"  record: drillbook runs show {view.summary.run}"
    yield f"  report: drillbook report {view.summary.run}"


def outcome_lines(view: RunView) -> Iterator[str]:
    """Yield the outcome and what was kept."""
    code = code_of_run(view)
    sentence = SENTENCES[code]
    if code is ExitCode.DONE and view.start.undo_of:
        sentence = f"Run {view.start.undo_of} was taken back whole."
    if code is ExitCode.STOPPED and not (view.outcome and view.outcome.kept):
        sentence = "Stopped by a person; nothing had been written."
    yield paint(sentence, STYLES.get(code, "red"), "bold")
    outcome = view.outcome
    if outcome is not None:
        if outcome.reason:
            yield f"  why: {visible(outcome.reason)}"
        if outcome.hint:
            yield f"  hint: {visible(outcome.hint)}"
        for word, tasks in (("kept", outcome.kept), ("stuck", outcome.stuck)):
            for task in tasks:
                yield f"  {word}: {named(view.plan, task)}"


def named(plan: Plan, task_id: str) -> str:
    """Return a task's id and text."""
    return f"{task_id} {visible(task_text(plan, task_id))}".rstrip()
