"""`drillbook do`: one action as a durable run of its own."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from drillbook.cli.completing import complete_action
from drillbook.cli.exit_codes import OF_STATE, ExitCode
from drillbook.cli.telling import say, tell_json, visible
from drillbook.cli.usage import examples, new_app

if TYPE_CHECKING:
    from drillbook.cli.live.faces import Face
    from drillbook.core.plan import Plan
    from drillbook.engine.runs import Runs, RunView

app = new_app()


@app.command(
    epilog=examples(
        "drillbook do database.access on=production",
        "drillbook do backup.create on=staging label=before-friday",
        "drillbook do database.connections on=production --json",
        "drillbook do backup.create on=production label=x --confirm production",
    )
)
def do(
    action: Annotated[str, typer.Argument(help="Its name.", autocompletion=complete_action)],
    values: Annotated[
        list[str] | None, typer.Argument(help="on=ENVIRONMENT and values as key=value.")
    ] = None,
    confirm: Annotated[
        str, typer.Option("--confirm", help="The target's name, where a write asks for it.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Carry out one action as a run of its own."""
    from drillbook.cli.one_action import answers_for, plan_for, refuse_unconfirmed
    from drillbook.cli.session import opened_runs, who

    plan = plan_for(action, values or [])
    user = who()
    answers = answers_for(plan, confirm, by=user) if confirm else {}
    asks = sys.stdin.isatty() and not as_json
    if not asks and not confirm:
        refuse_unconfirmed(plan)
    with opened_runs() as runs:
        # With nobody at a terminal a failure is the end: no question is left open for 15 minutes.
        run = runs.start(plan, by=user, unattended=not asks, answers=answers)
        view = _followed(runs, run, plan, as_json=as_json)
    _tell(view, as_json=as_json)
    raise typer.Exit(OF_STATE[view.summary.state])


def _followed(runs: "Runs", run: str, plan: "Plan", *, as_json: bool) -> "RunView":
    from drillbook.cli.live.asking import Asker
    from drillbook.cli.live.follow import Follower
    from drillbook.cli.live.watching import left
    from drillbook.cli.session import who
    from drillbook.engine.spawn import ensure_worker

    ensure_worker(runs.store)
    start = runs.show(run).start
    asks = sys.stdin.isatty() and not as_json
    asker = Asker(plan, start, who()) if asks else None
    face = _face(run, plan, as_json=as_json)
    try:
        return Follower(runs, run, face, asker, stay=asks).follow()
    except (KeyboardInterrupt, EOFError):
        left(run, as_json=as_json)


def _face(run: str, plan: "Plan", *, as_json: bool) -> "Face":
    from drillbook.cli.live.faces import QuietFace
    from drillbook.cli.live.watching import face_for
    from drillbook.core.model import Risk

    task = plan.part.steps[0].tasks[0]
    if as_json or (task.risk is Risk.READ and not sys.stdout.isatty()):
        return QuietFace()
    return face_for(plan, run, as_json=False)


def _tell(view: "RunView", *, as_json: bool) -> None:
    from drillbook.cli.live.ending import ending_lines
    from drillbook.cli.one_action import RESULT
    from drillbook.cli.waits import waits_lines

    code = OF_STATE[view.summary.state]
    result = view.outcome.results.get(RESULT) if view.outcome else None
    if as_json:
        outcome = view.outcome
        tell_json(
            {
                "run": view.summary.run,
                "state": view.summary.state,
                "exit_code": int(code),
                "result": result,
                "reason": outcome.reason if outcome else "",
                "hint": outcome.hint if outcome else "",
                "waits": [waiting.model_dump(mode="json") for waiting in view.waits],
            }
        )
        return
    for name, value in (result or {}).items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        say(f"{name}: {visible(text)}")
    if code is ExitCode.DONE:
        say(f"(run {view.summary.run})")
        return
    for line in waits_lines(view) if code is ExitCode.LEFT else ending_lines(view):
        say(line)
