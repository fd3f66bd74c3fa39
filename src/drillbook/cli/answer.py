"""`drillbook answer`: an answer, a choice or a decision from another terminal."""

from pathlib import Path
from typing import Annotated

import typer

from drillbook.cli.completing import complete_answer
from drillbook.cli.usage import examples, new_app
from drillbook.cli.watch import RunId

app = new_app()

TaskId = Annotated[str, typer.Argument(help="The task's id, such as 2.1.")]
Note = Annotated[str, typer.Option("--note", help="Why, or what you saw; it is recorded.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(
    epilog=examples(
        "drillbook answer r-7f3k2m 2.1 done --note 'all green' --evidence shot.png",
        "drillbook answer r-7f3k2m 2.2 not-needed --note 'no cache here'",
        "drillbook answer r-7f3k2m 3.1 retry        # after a failure",
        "drillbook answer r-7f3k2m 4.1 4.1.2        # the second option of a choice",
    )
)
def answer(
    run: RunId,
    task: TaskId,
    says: Annotated[
        str,
        typer.Argument(
            help="done, not-needed or could-not; retry, skip, way-back, stop, it-happened or "
            "it-did-not; or an option.",
            autocompletion=complete_answer,
        ),
    ],
    note: Note = "",
    evidence: Annotated[
        list[Path] | None, typer.Option("--evidence", help="A file that shows it; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer a task that waits for a person."""
    from drillbook.cli.delivery import deliver
    from drillbook.cli.sending import kept_files, reply
    from drillbook.cli.session import opened_runs, who

    with opened_runs() as runs:
        waiting = runs.waiting(run, task)
        reply(waiting, says, by=who(), note=note)  # refused before a file is kept for nothing
        kept = kept_files(runs, evidence or [])
        message = reply(waiting, says, by=who(), note=note, evidence=kept)
        deliver(runs, run, message, as_json=as_json)
