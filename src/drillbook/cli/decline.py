"""`drillbook decline`: a no to one write; the run treats it as a failure."""

from drillbook.cli.answer import Json, Note, TaskId
from drillbook.cli.usage import examples, new_app
from drillbook.cli.watch import RunId
from drillbook.core.errors import Refused

app = new_app()


@app.command(epilog=examples("drillbook decline r-7f3k2m 3.1 --note 'not before Monday'"))
def decline(run: RunId, task: TaskId, note: Note = "", as_json: Json = False) -> None:
    """Decline a write of a run."""
    from drillbook.cli.delivery import deliver
    from drillbook.cli.sending import refusal
    from drillbook.cli.session import opened_runs, who
    from drillbook.core.record import EntryKind

    with opened_runs() as runs:
        waiting = runs.waiting(run, task)
        if waiting.kind is not EntryKind.APPROVAL_ASKED:
            raise Refused(
                f"task {task} waits for an answer, not for a yes or no",
                hint=f"drillbook answer {run} {task} …",
            )
        deliver(runs, run, refusal(waiting, by=who(), note=note), as_json=as_json)
