"""`drillbook run`: starts a run and watches it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from drillbook.cli.plan import BookFile, Inputs, Procedure, RunbookName
from drillbook.cli.telling import say
from drillbook.cli.usage import examples, new_app

app = new_app()


@app.command(
    epilog=examples(
        "drillbook run database-migration -i migration=add_index.sql -i down=drop_index.sql",
        "drillbook run high-error-rate --detach",
        "drillbook run nightly --unattended --answers answers.toml --json",
    )
)
def run(
    runbook: RunbookName,
    inputs: Inputs = None,
    book: BookFile = None,
    procedure: Procedure = None,
    unattended: Annotated[
        bool, typer.Option("--unattended", help="Nobody will be asked: failures go the way back.")
    ] = False,
    answers: Annotated[
        Path | None, typer.Option("--answers", help="A TOML file with answers by task id or text.")
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Start it in the background and end.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """
    Run a runbook, and watch it.

    At a terminal you are asked there; Ctrl-C leaves, and the run goes on. Without a terminal the
    command ends with 8 as soon as the run waits for a person; `drillbook watch` stays to the end.

    An answers file is TOML: ["2.1"] answer = "done" note = "…", by task id or by a task's exact
    text; confirm = "production" at its top says yes to the writes there that ask you to confirm.
    """
    from drillbook.cli.answers_file import read_answers
    from drillbook.cli.live.watching import after_start
    from drillbook.cli.planning import make_plan
    from drillbook.cli.session import opened_runs, who

    plan = make_plan(runbook, inputs=inputs or (), book=book, procedure=procedure)
    user = who()
    given = read_answers(answers, plan, by=user) if answers else {}
    with opened_runs() as runs:
        started = runs.start(plan, by=user, unattended=unattended, answers=given)
        if as_json:
            print(json.dumps({"event": "run", "run": started, "plan": plan.hash}), flush=True)
        else:
            say(f"run {started}: {plan.part.runbook}, plan {plan.hash[:12]}")
        after_start(runs, started, detach=detach, as_json=as_json)
