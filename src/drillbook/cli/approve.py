"""`drillbook approve`: a yes to one write, bound to the plan and to the state that was shown."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from drillbook.cli.answer import Json, Note, TaskId
from drillbook.cli.telling import paint, say, visible
from drillbook.cli.usage import examples, new_app
from drillbook.cli.watch import RunId
from drillbook.core.errors import Refused

if TYPE_CHECKING:
    from drillbook.engine.runs import RunView
    from drillbook.engine.waiting import Waiting

app = new_app()
LONGEST_MEMORY = 2000


@app.command(
    epilog=examples(
        "drillbook approve r-7f3k2m 3.1",
        "drillbook approve r-7f3k2m 3.1 --yes --note 'seen with li'",
        "drillbook approve r-7f3k2m 3.1 --confirm production    # by the requester",
    )
)
def approve(
    run: RunId,
    task: TaskId,
    note: Note = "",
    confirm: Annotated[
        str, typer.Option("--confirm", help="The target's name, typed by the requester.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask back.")] = False,
    as_json: Json = False,
) -> None:
    """Approve a write of a run, for the plan and state shown."""
    from drillbook.cli.delivery import deliver
    from drillbook.cli.sending import approval, consent_of, unfit
    from drillbook.cli.session import opened_runs, who
    from drillbook.core.policy import Consent

    with opened_runs() as runs:
        waiting, view = runs.waiting(run, task), runs.show(run)
        if why := unfit(waiting, plan=view.plan, start=view.start, by=who()):
            raise Refused(why[0], hint=why[1])
        if not as_json:
            _show(waiting, view)
        asks = sys.stdin.isatty() and not yes and not as_json
        if asks and not confirm:
            confirms = consent_of(waiting, view.plan) is Consent.CONFIRM
            confirm = _ask(str(waiting.data.get("target")), confirms=confirms)
        message = approval(
            waiting, plan=view.plan, start=view.start, by=who(), note=note, confirm=confirm
        )
        deliver(runs, run, message, as_json=as_json)


def _show(waiting: "Waiting", view: "RunView") -> None:
    import json

    from drillbook.cli.plan_pages import task_facts
    from drillbook.cli.sending import foretold

    task = view.plan.task(waiting.task)
    say(f"{paint(waiting.task, 'bold')} {visible(task.text) if task else ''}")
    for line in task_facts(task) if task else ():
        say(f"  {line}")
    say(f"  plan       {waiting.data.get('plan')}")
    say(f"  state      {waiting.data.get('digest')}")
    for name, says in foretold(waiting):
        say(f"  {name:<10} {visible(says)}")
    remembered = visible(json.dumps(waiting.data.get("memory"), ensure_ascii=False))
    if len(remembered) > LONGEST_MEMORY:
        remembered = f"{remembered[:LONGEST_MEMORY]}… (whole: drillbook runs show --json)"
    say(f"  remembered {remembered}")
    if waiting.given_by:
        say(f"  given by   {', '.join(waiting.given_by)}")


def _ask(target: str, *, confirms: bool) -> str:
    if confirms:
        return input(f"Type {target} to let it happen: ").strip()
    if input("Approve this plan and this state? Type yes: ").strip().casefold() != "yes":
        raise Refused("not approved; nothing was sent", hint="To stop the run: drillbook decline")
    return ""
